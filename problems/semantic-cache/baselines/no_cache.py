"""No cache: every quota is 0, nothing is looked up, and each query waits for the model. Costs 1 by definition."""


def configure(statistics, capacity):
    return [[1.0, 1.0, 0.0] for _ in statistics[0]]
