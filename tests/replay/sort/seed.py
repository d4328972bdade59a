"""Numbers in ascending order."""


# EVOLVE-BLOCK-START
def arrange(numbers):
    result = list(numbers)
    return result


# EVOLVE-BLOCK-END
