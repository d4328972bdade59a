"""Rational function of degrees 3 and 2, odd, least maximum relative error, as a partial fraction.

Best for these inputs by the exchange algorithm in u = x * x (E. Ya. Remez, Comptes rendus 199, 1934), in 40 digits.
"""


def approximate(x):
    """sin(pi / 2 * x) for 0 < x <= 1."""
    # EVOLVE-BLOCK-START
    u = x * x
    q = 34.660876399985625 / (u + 7.3064118138359015)
    return x * (q - 3.1729088194740935)
    # EVOLVE-BLOCK-END
