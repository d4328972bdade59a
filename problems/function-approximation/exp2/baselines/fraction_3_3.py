"""Rational function of degrees 3 and 3, least maximum relative error (Remez 1934), nested quotients."""


def exp2(x):
    """2**x for 0 <= x < 1."""
    # EVOLVE-BLOCK-START
    s = x - 0.5
    g = 104.25093410083278 * s / (s * s + 20.818923794224787)
    f = s - 17.33400495360798 + g
    return -1.4142135623730951 - 49.02796979126963 / f
    # EVOLVE-BLOCK-END
