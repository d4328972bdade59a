"""Rational function of degrees 1 and 1, least maximum relative error (Remez 1934), nested quotients."""


def exp2(x):
    """2**x for 0 <= x < 1."""
    # EVOLVE-BLOCK-START
    f = x - 3.407083236107397
    return -1.4142130305546163 - 8.222469986819926 / f
    # EVOLVE-BLOCK-END
