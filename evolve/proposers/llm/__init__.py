"""The proposer that asks language models: prompts, requests, replies, edits."""
