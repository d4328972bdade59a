"""Polynomial of degree 1, least maximum relative error (Remez 1934), Horner's scheme."""


def exp2(x):
    """2**x for 0 <= x < 1."""
    # EVOLVE-BLOCK-START
    p = 0.9701787941914329 * x + 0.9701787941914329
    return p
    # EVOLVE-BLOCK-END
