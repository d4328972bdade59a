"""Polynomial of degree 5, least maximum relative error (Remez 1934), Horner's scheme."""


def exp2(x):
    """2**x for 0 <= x < 1."""
    # EVOLVE-BLOCK-START
    p = 0.0018775766752483964 * x + 0.008989340090346017
    p = p * x + 0.05582631805343258
    p = p * x + 0.24015361704432403
    p = p * x + 0.6931530732001752
    p = p * x + 0.9999999250635262
    return p
    # EVOLVE-BLOCK-END
