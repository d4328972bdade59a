"""How to run one untrusted program, isolated and metered."""
