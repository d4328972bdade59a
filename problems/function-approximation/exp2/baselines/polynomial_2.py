"""Polynomial of degree 2, least maximum relative error (Remez 1934), Horner's scheme."""


def exp2(x):
    """2**x for 0 <= x < 1."""
    # EVOLVE-BLOCK-START
    p = 0.3371894346196772 * x + 0.6576362757360912
    p = p * x + 1.001724763214744
    return p
    # EVOLVE-BLOCK-END
