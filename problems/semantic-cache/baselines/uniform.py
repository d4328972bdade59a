"""One policy for all categories: a threshold of 0.925, a time to live of 6 hours, and the capacity by traffic.

A quota by traffic is what a category has of a cache that all share. Threshold, time to live and whether quotas go by
traffic or are equal are the best on train of the grid that tests/problems/test_semantic_cache_baselines.py searches:
thresholds 0.8, 0.85, 0.9, 0.925, 0.95, times to live of 1.5, 6, 24, 48 hours. Uniform policies are what C. Wang and
others, Category-Aware Semantic Caching for Heterogeneous LLM Workloads, arXiv 2510.26835, 2025, argue against.
"""

THRESHOLD = 0.925
TIME_TO_LIVE = 6 * 3600.0
BY_TRAFFIC = True


def configure(statistics, capacity):
    weights = [1.0] * len(statistics[0])
    if BY_TRAFFIC:
        queries = [0.0] * len(weights)
        for window in statistics:  # a window counts half as much as the one after it
            queries = [before / 2 + one["queries"] for before, one in zip(queries, window, strict=True)]
        weights = [one / sum(queries) for one in queries]
    return [[THRESHOLD, TIME_TO_LIVE, weight / sum(weights)] for weight in weights]
