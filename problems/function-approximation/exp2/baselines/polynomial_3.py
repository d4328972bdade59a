"""Polynomial of degree 3, least maximum relative error (Remez 1934), Horner's scheme."""


def exp2(x):
    """2**x for 0 <= x < 1."""
    # EVOLVE-BLOCK-START
    p = 0.07802452264062681 * x + 0.22606715542727998
    p = p * x + 0.6958335404948056
    p = p * x + 0.9999252185627123
    return p
    # EVOLVE-BLOCK-END
