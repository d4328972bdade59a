"""Policies compared: whole runs of each with the same seeds and budget, and what can be said of the differences."""
