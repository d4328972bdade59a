"""Frozen types, errors, randomness, clock and configuration; imports nothing of the project."""
