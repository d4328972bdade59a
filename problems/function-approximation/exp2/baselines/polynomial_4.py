"""Polynomial of degree 4, least maximum relative error (Remez 1934), Horner's scheme."""


def exp2(x):
    """2**x for 0 <= x < 1."""
    # EVOLVE-BLOCK-START
    p = 0.01353416791621156 * x + 0.05201146061014916
    p = p * x + 0.24144275689159353
    p = p * x + 0.6930038344699639
    p = p * x + 1.000002593370694
    return p
    # EVOLVE-BLOCK-END
