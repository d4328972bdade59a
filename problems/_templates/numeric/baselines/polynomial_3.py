"""Odd polynomial of degree 3, least maximum relative error, Horner's scheme.

Best for these inputs by the exchange algorithm in u = x * x (E. Ya. Remez, Comptes rendus 199, 1934), in 40 digits.
"""


def approximate(x):
    """sin(pi / 2 * x) for 0 < x <= 1."""
    # EVOLVE-BLOCK-START
    u = x * x
    p = -0.5666795852093593 * u + 1.55946731536064
    return x * p
    # EVOLVE-BLOCK-END
