"""Polynomial of degree 6, least maximum relative error (Remez 1934), Horner's scheme."""


def exp2(x):
    """2**x for 0 <= x < 1."""
    # EVOLVE-BLOCK-START
    p = 0.00021702255460052597 * x + 0.0012439687827208294
    p = p * x + 0.009678840996134043
    p = p * x + 0.05548334198456156
    p = p * x + 0.2402298362739635
    p = p * x + 0.6931469838406189
    p = p * x + 1.0000000018558002
    return p
    # EVOLVE-BLOCK-END
