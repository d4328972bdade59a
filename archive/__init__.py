"""Durable records of every run: an append-only SQL archive, written in groups and read back exactly."""
