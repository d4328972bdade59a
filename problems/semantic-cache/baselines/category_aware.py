"""Category-aware policy: a threshold by density, a time to live by staleness, a quota by repetition.

C. Wang, X. Liu, Y. Zhu, A. Youssef, P. Nagpurkar, H. Chen, Category-Aware Semantic Caching for Heterogeneous LLM
Workloads, arXiv 2510.26835, 2025: thresholds, times to live and quotas vary by category, since a fixed threshold gives
wrong hits where queries lie densely (code) and misses paraphrases where they lie sparsely (conversation), and a fixed
time to live wastes memory or serves stale answers. How they follow from what is observed is this project's:

    threshold     from 0.75 (mean cosine within a meaning of 0.80 or less) to 0.90 (0.92 or more), linear between; 0.75
                  for conversation and 0.90 for code are the figures that others quote from the paper
    time to live  a quarter of the estimated mean time until an answer changes
    quota         in proportion to traffic x share of the queries that find a right answer
"""

WINDOW = 21600.0  # seconds
BINS = 20
LEAST = 0.5


def configure(statistics, capacity):
    profiles = [profile(history) for history in zip(*statistics, strict=True)]
    queries = sum(traffic for _, _, traffic, _ in profiles)
    weights = [traffic / queries * repeats for _, _, traffic, repeats in profiles]
    total = sum(weights) or 1.0
    return [
        [min(max(0.75 + (same - 0.80) * 1.25, 0.75), 0.90), max(lifetime * 0.25, 0.001) * WINDOW, weight / total]
        for (same, lifetime, _, _), weight in zip(profiles, weights, strict=True)
    ]


def profile(history):
    """(Mean cosine within a meaning, mean life of an answer in windows, recent traffic, share of right answers)."""
    # The mean begins with two observations of 0.9, the life with a quarter of a change in a quarter of a window.
    total, cosines, ages, changes = 2.0, 1.8, 0.25 * WINDOW, 0.25
    shares = []
    for place in range(BINS):  # hits are judged only now and then: what was judged stands for all of the same cosine
        right, other, stale = (sum(one[kind][place] for one in history) for kind in ("right", "other", "stale"))
        judged = max(right + other + stale, 1)
        same = sum(one["nearest"][place] for one in history) * (right + stale) / judged
        total += same
        cosines += same * (LEAST + (place + 0.5) * (1.0 - LEAST) / BINS)
        changes += stale
        shares.append(right / judged)
    traffic = looked = found = 0.0
    for one in history:  # a window of traffic and repetition counts half as much as the one after it
        traffic, looked, found = traffic / 2 + one["queries"], looked / 2 + one["lookups"], found / 2
        found += sum(count * share for count, share in zip(one["nearest"], shares, strict=True))
        ages += one["right_age"] + one["stale_age"] / 2
    return cosines / total, min(ages / changes / WINDOW, 10.0), traffic, found / max(looked, 1.0)
