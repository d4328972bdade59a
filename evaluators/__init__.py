"""How a candidate becomes a verdict."""
