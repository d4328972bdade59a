"""Rational function of degrees 2 and 2, least maximum relative error (Remez 1934), nested quotients."""


def exp2(x):
    """2**x for 0 <= x < 1."""
    # EVOLVE-BLOCK-START
    s = x - 0.5
    f = (s - 8.677838838061296) * s + 25.0391066797616
    return 1.414213562372962 + 24.54463475374622 * s / f
    # EVOLVE-BLOCK-END
