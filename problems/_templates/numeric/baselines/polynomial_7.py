"""Odd polynomial of degree 7, least maximum relative error, Horner's scheme.

Best for these inputs by the exchange algorithm in u = x * x (E. Ya. Remez, Comptes rendus 199, 1934), in 40 digits.
"""


def approximate(x):
    """sin(pi / 2 * x) for 0 < x <= 1."""
    # EVOLVE-BLOCK-START
    u = x * x
    p = -0.0043624691231744 * u + 0.07948765489223827
    p = p * u - 0.6459209765262156
    p = p * u + 1.5707948516564854
    return x * p
    # EVOLVE-BLOCK-END
