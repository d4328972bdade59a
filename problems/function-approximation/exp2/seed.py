"""2**x on [0, 1) by straight-line arithmetic."""


def exp2(x):
    """Approximate 2**x for 0 <= x < 1 with as few of `+ - * /` as possible."""
    # EVOLVE-BLOCK-START
    return 1.0 + x
    # EVOLVE-BLOCK-END
