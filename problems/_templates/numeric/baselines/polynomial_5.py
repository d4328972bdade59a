"""Odd polynomial of degree 5, least maximum relative error, Horner's scheme.

Best for these inputs by the exchange algorithm in u = x * x (E. Ya. Remez, Comptes rendus 199, 1934), in 40 digits.
"""


def approximate(x):
    """sin(pi / 2 * x) for 0 < x <= 1."""
    # EVOLVE-BLOCK-START
    u = x * x
    p = 0.07270743984518278 * u - 0.6432256610772691
    p = p * u + 1.5706263999317573
    return x * p
    # EVOLVE-BLOCK-END
