"""A weighted sum, to be found."""


def mix(a, b, c, d, e, f):
    """Weigh the arguments by 1, 2, 3, 4, 6 and 8."""
    # EVOLVE-BLOCK-START
    return a + 0.5
    # EVOLVE-BLOCK-END
