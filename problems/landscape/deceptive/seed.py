"""A weighted sum, to be found, and two arguments that should be left alone."""


def mix(a, b, c, d, e, f, u, v):
    """Weigh the first six arguments by 1, 2, 3, 4, 6 and 8."""
    # EVOLVE-BLOCK-START
    t = a + 0.5
    return t + u
    # EVOLVE-BLOCK-END
