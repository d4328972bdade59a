"""Rational function of degrees 3 and 2, least maximum relative error (Remez 1934), Horner's scheme."""


def exp2(x):
    """2**x for 0 <= x < 1."""
    # EVOLVE-BLOCK-START
    p = 0.3264726835241677 * x + 3.758994250170936
    p = p * x + 20.518099089043332
    p = p * x + 47.71640800799678
    q = x - 12.556421079535141
    q = q * x + 47.71640836683112
    return p / q
    # EVOLVE-BLOCK-END
