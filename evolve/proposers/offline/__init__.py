"""The proposer that needs no model: edits of programs and numeric tuning of their constants."""
