"""Rational function of degrees 2 and 1, least maximum relative error (Remez 1934), Horner's scheme."""


def exp2(x):
    """2**x for 0 <= x < 1."""
    # EVOLVE-BLOCK-START
    p = -0.4891504655890168 * x - 2.3505797731132843
    p = p * x - 4.839780306334013
    q = x - 4.839659151198018
    return p / q
    # EVOLVE-BLOCK-END
