"""Generated paths: they show the statistics that are documented."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from moe_affinity_tools import paths, verifier

from evolve.core.errors import ProblemError
from evolve.core.rng import Generator, generator


def _rng(name: str, number: int = 0) -> Generator:
    return generator("test", name, number)


@pytest.mark.parametrize(("experts", "mass"), [(8, 0.35), (16, 0.28), (32, 0.23), (64, 0.20)])
def test_the_likeliest_next_expert_has_the_documented_probability(experts: int, mass: float) -> None:
    found = [paths.top_mass(paths.model(_rng(f"mass{experts}", number), 8, experts)) for number in range(30)]
    assert np.mean(found) == pytest.approx(mass, abs=0.01)


def test_models_that_the_search_sees_have_about_that_mass_at_8_experts() -> None:
    nature = verifier.NATURES["plain"]
    middle = {name: sum(getattr(nature, name)) / 2 for name in ("sharpness", "topics", "popularity")}
    assert middle == pytest.approx({"sharpness": 1.0, "topics": 0.5, "popularity": 0.3})
    for sharpness, least, most in ((0.85, 0.30, 0.34), (1.15, 0.36, 0.40)):
        found = [paths.top_mass(paths.model(_rng("range", at), 8, 8, sharpness=sharpness)) for at in range(30)]
        assert least < np.mean(found) < most


def test_counted_tokens_show_the_probabilities() -> None:
    chain = paths.model(_rng("counted"), 5, 8, popularity=0.5)
    first, onward = paths.probabilities(chain)
    ways = paths.sample(_rng("ways"), chain, 200_000)
    assert ways.shape == (200_000, 5) and ways.dtype == np.int16
    assert np.bincount(ways[:, 0], minlength=8) / 200_000 == pytest.approx(first, abs=0.005)
    counts = paths.transitions(ways, 8)
    assert counts.shape == (4, 8, 8) and (counts.sum(axis=(1, 2)) == 200_000).all()
    assert (counts.sum(axis=1)[:-1] == counts.sum(axis=2)[1:]).all()
    shares = counts / counts.sum(axis=2, keepdims=True)
    assert np.abs(shares - onward).max() < 0.02


def test_steps_depend_on_the_expert_before_alone() -> None:
    chain = paths.model(_rng("markov"), 3, 4)
    ways = paths.sample(_rng("steps"), chain, 300_000)
    for before in range(4):
        for here in range(4):
            some = ways[(ways[:, 0] == before) & (ways[:, 1] == here)][:, 2]
            every = ways[ways[:, 1] == here][:, 2]
            assert np.bincount(some, minlength=4) / len(some) == pytest.approx(
                np.bincount(every, minlength=4) / len(every), abs=0.03
            )


@pytest.mark.parametrize("topics", [0.0, 0.5, 1.0])
def test_logits_have_mean_0_and_variance_1_whatever_the_share_of_structure(topics: float) -> None:
    found = np.concatenate([paths.model(_rng("logits", at), 24, 32, topics=topics).logits.ravel() for at in range(8)])
    assert found.mean() == pytest.approx(0.0, abs=0.02) and found.var() == pytest.approx(1.0, abs=0.03)


def test_structure_has_the_rank_of_the_topics() -> None:
    whole = paths.model(_rng("rank"), 3, 32, topics=1.0)
    assert np.linalg.matrix_rank(whole.logits[0]) == paths.TOPICS
    values = np.linalg.svd(paths.model(_rng("rank"), 5, 64, topics=0.5).logits, compute_uv=False).mean(axis=0)
    assert values[paths.TOPICS - 1] > 1.3 * values[paths.TOPICS] and values[paths.TOPICS] < 1.1 * values[5]


@pytest.mark.parametrize("distance", [0.0, 0.2, 0.6, 1.0])
def test_two_domains_are_correlated_by_one_less_their_distance(distance: float) -> None:
    base = paths.model(_rng("base"), 12, 32)
    one, other = (paths.domain(_rng("domain", at), base, distance) for at in range(2))
    assert one.logits.var() == pytest.approx(base.logits.var(), rel=0.06)
    assert np.corrcoef(one.logits.ravel(), other.logits.ravel())[0, 1] == pytest.approx(1 - distance, abs=0.04)
    assert np.corrcoef(one.leanings.ravel(), other.leanings.ravel())[0, 1] == pytest.approx(1 - distance, abs=0.12)
    assert paths.top_mass(one) == pytest.approx(paths.top_mass(base), abs=0.03)


def test_popularity_is_the_spread_of_the_logarithm_of_first_shares() -> None:
    first, _ = paths.probabilities(paths.model(_rng("popular"), 2, 1_000, topics=0.0, popularity=0.4))
    assert np.log(first).std() == pytest.approx(0.4, abs=0.03)


def test_without_sharpness_and_popularity_all_are_alike() -> None:
    first, onward = paths.probabilities(paths.model(_rng("none"), 3, 8, sharpness=0.0, popularity=0.0))
    assert np.allclose(first, 1 / 8) and np.allclose(onward, 1 / 8)


def test_normal_numbers_are_normal() -> None:
    found = paths.normal(_rng("normal"), 200_000)
    assert np.isfinite(found).all()
    quantiles = np.quantile(found, [0.025, 0.16, 0.5, 0.84, 0.975])
    assert quantiles == pytest.approx([-1.96, -0.994, 0.0, 0.994, 1.96], abs=0.02)


def test_the_last_expert_can_be_drawn_although_the_sum_falls_short() -> None:
    class Highest:
        def random(self, count: int) -> Any:
            return np.full(count, 1.0 - 2**-53)

    edges = np.broadcast_to(np.cumsum(np.full(10, 0.1)), (3, 10))
    assert paths._drawn(Highest(), edges - 1e-15).tolist() == [9, 9, 9]


def test_what_can_not_be_drawn_is_refused() -> None:
    draw = _rng("refused")
    base = paths.model(draw, 2, 4)
    for call in (
        lambda: paths.model(draw, 1, 4),
        lambda: paths.model(draw, 2, 1),
        lambda: paths.model(draw, 2, 4, topics=1.5),
        lambda: paths.model(draw, 2, 4, sharpness=-1.0),
        lambda: paths.model(draw, 2, 4, popularity=float("nan")),
        lambda: paths.domain(draw, base, 1.1),
        lambda: paths.sample(draw, base, 0),
    ):
        with pytest.raises(ProblemError) as caught:
            call()
        assert caught.value.remedy
