"""Rational function of degrees 1 and 1, least maximum relative error (Remez 1934), Horner's scheme."""


def exp2(x):
    """2**x for 0 <= x < 1."""
    # EVOLVE-BLOCK-START
    p = -1.4142130305546163 * x - 3.4041284781326544
    q = x - 3.407083236107397
    return p / q
    # EVOLVE-BLOCK-END
