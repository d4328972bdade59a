"""Rational function of degrees 2 and 2, least maximum relative error (Remez 1934), Horner's scheme."""


def exp2(x):
    """2**x for 0 <= x < 1."""
    # EVOLVE-BLOCK-START
    p = 1.414213562372962 * x + 10.858103814500149
    p = p * x + 29.628038958378962
    q = x - 9.677838838061296
    q = q * x + 29.628026098792247
    return p / q
    # EVOLVE-BLOCK-END
