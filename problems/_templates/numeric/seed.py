"""The sine of x quarter turns by straight-line arithmetic."""


def approximate(x):
    """Approximate sin(pi / 2 * x) for x = 1 / 4096, 2 / 4096, ..., 1 with as few of `+ - * /` as possible."""
    # EVOLVE-BLOCK-START
    return x * (1.6 - 0.6 * x)
    # EVOLVE-BLOCK-END
