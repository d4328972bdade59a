"""Sets up a semantic cache for the next window: one radius and one time to live for all, and quotas by traffic.

The rules between the marker lines decide for one category at a time, from facts that are estimated from everything
that was observed so far. What they return is brought into its range before it is used.
"""

WINDOW = 21600.0  # seconds
BINS = 20  # of the histograms, over the cosines from LEAST to 1
LEAST = 0.5
KINDS = ("right", "other", "stale")
WIDTH = (1.0 - LEAST) / BINS
TAIL = 0.2  # what `same_far` and `other_near` cut off


# EVOLVE-BLOCK-START
def radius(same, same_far, other, other_near, doubt, worth):
    """How far, as 1 - cosine, the nearest entry may be for its answer to be served.

    same: mean distance to the nearest entry where it had the same meaning; same_far: the distance that four in five of
    these did not exceed; other, other_near: the mean where meanings differed, and the distance that four in five of
    these exceeded; doubt: share of the nearest entries with another meaning; worth: what a call of the model costs, as
    a share of the penalty for a wrong answer.
    """
    return 0.1


def time_to_live(lifetime, worth):
    """How long an answer may be served, in windows.

    lifetime: estimated mean time until an answer changes, in windows, at most 10; worth: as above.
    """
    return 4.0


def quota(traffic, repeats, lifetime, price, worth, regret):
    """The weight of a category; its share of the capacity is its weight over the sum of all. 0: it is not cached.

    traffic: its share of the queries; repeats: share of its queries whose nearest entry had a right answer;
    lifetime, worth: as above; price: what its calls cost, as a multiple of the mean over categories;
    regret: share of the last window's queries that an evicted entry would have served.
    """
    return traffic


# EVOLVE-BLOCK-END


def configure(statistics, capacity):
    """[threshold, time to live in seconds, quota] of each category; see README.md for `statistics`."""
    facts = [gathered(history) for history in zip(*statistics, strict=True)]
    queries = sum(one["queries"] for one in facts)
    price = sum(one["call"] for one in facts) / len(facts)
    found, weights = [], []
    for one in facts:
        worth, lifetime = one["worth"], one["lifetime"]
        away = radius(one["same"], one["same_far"], one["other"], one["other_near"], one["doubt"], worth)
        windows = time_to_live(lifetime, worth)
        traffic = one["queries"] / max(queries, 1.0)
        weight = quota(traffic, one["repeats"], lifetime, one["call"] / price, worth, one["regret"])
        found.append([1.0 - min(max(away, 0.0), 1.0), min(max(windows, 0.001), 1000.0) * WINDOW])
        weights.append(min(max(weight, 0.0), 1e6))
    total = sum(weights) or 1.0
    return [[cosine, seconds, weight / total] for (cosine, seconds), weight in zip(found, weights, strict=True)]


def gathered(history):
    """Facts of a category from its windows, oldest first."""
    # Hits are judged only now and then, so in each place of the histogram what was judged stands for all.
    kinds = {kind: [sum(one[kind][place] for one in history) for place in range(BINS)] for kind in KINDS}
    judged = [max(sum(kinds[kind][place] for kind in KINDS), 1) for place in range(BINS)]
    nearest = [sum(one["nearest"][place] for one in history) for place in range(BINS)]
    same = [nearest[at] * (kinds["right"][at] + kinds["stale"][at]) / judged[at] for at in range(BINS)]
    others = [nearest[at] * kinds["other"][at] / judged[at] for at in range(BINS)]
    queries = looked = right = ages = 0.0
    for one in history:
        # Traffic and repetition move: a window counts half as much as the one after it.
        queries, looked, right = queries / 2 + one["queries"], looked / 2 + one["lookups"], right / 2
        right += sum(one["nearest"][at] * kinds["right"][at] / judged[at] for at in range(BINS))
        ages += one["right_age"] + one["stale_age"] / 2
    stale = sum(kinds["stale"])
    last = history[-1]
    call = last["model_seconds"] + last["model_money"]
    return {
        "queries": queries,
        "same": 1.0 - mean(same, 0.9),
        "same_far": 1.0 - quantile(same, 0.9, TAIL),
        "other": 1.0 - mean(others, 0.7),
        "other_near": 1.0 - quantile(others, 0.7, 1.0 - TAIL),
        "doubt": sum(others) / max(sum(others) + sum(same), 1.0),
        "worth": call / last["penalty"],
        "lifetime": min((ages + 0.25 * WINDOW) / (stale + 0.25) / WINDOW, 10.0),
        "repeats": right / max(looked, 1.0),
        "call": call,
        "regret": last["regrets"] / max(last["queries"], 1),
    }


def mean(counts, guess):
    """Mean of a histogram, begun with two observations of a guess."""
    cosines = [LEAST + (place + 0.5) * WIDTH for place in range(BINS)]
    total = sum(count * cosine for count, cosine in zip(counts, cosines, strict=True))
    return (total + 2.0 * guess) / (sum(counts) + 2.0)


def quantile(counts, guess, share):
    """The cosine that a share of a histogram stays below; a guess where it is empty."""
    left = share * sum(counts)
    for place, count in enumerate(counts):
        if count > 0.0 and left <= count:
            return LEAST + (place + left / count) * WIDTH
        left -= count
    return guess
