"""Odd polynomial of degree 9, least maximum relative error, Horner's scheme.

Best for these inputs by the exchange algorithm in u = x * x (E. Ya. Remez, Comptes rendus 199, 1934), in 40 digits.
"""


def approximate(x):
    """sin(pi / 2 * x) for 0 < x <= 1."""
    # EVOLVE-BLOCK-START
    u = x * x
    p = 0.00015148513265919998 * u - 0.004673766616062984
    p = p * u + 0.07968967894984244
    p = p * u - 0.6459637106001502
    p = p * u + 1.5707963184476923
    return x * p
    # EVOLVE-BLOCK-END
