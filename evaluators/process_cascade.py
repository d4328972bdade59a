"""Stages of one evaluation for programs that run in a sandbox: probe, then train."""

from __future__ import annotations

from functools import partial

from evaluators.metrics import mean_metrics
from evaluators.stage import Run, Stage
from evolve.core.types import Objective, Result, Score, Source, Split, Status, Verdict


class ProcessEvaluator:
    """Turns programs of one problem into verdicts. Not thread-safe; one per process."""

    def __init__(self, stage: Stage, objectives: tuple[Objective, ...]) -> None:
        self.stage = stage
        self.objectives = objectives

    @property
    def evaluation_set(self) -> str:
        """The name of train: scores are compared within it alone."""
        return self.stage.verifier.evaluation_set(Split.TRAIN)

    def evaluate(self, source: Source) -> Verdict:
        """Probe first: most broken programs end there. Then train, up to the first instance that fails.

        A program that does not even build has reached no probe: its verdict is of the screen, and costs no evaluation.

        Raises:
            InfrastructureError: the sandbox does not run even a trivial program.
            ProblemError: the verifier yields no instances, or an objective is missing.
        """
        failed = self.stage.failed_build(source)
        if failed is not None:
            return Verdict(failed.status, feedback=failed.error)
        for split in (Split.PROBE, Split.TRAIN):
            results: list[Result] = []
            scores: list[Score] = []
            for run in self.stage.runs(source, split, self.stage.verifier.instances(split)):
                results.append(run.result)
                if run.score is None:
                    return self._failed(run, split, results)
                scores.append(run.score)
        return self._scored(scores, results)

    def _failed(self, run: Run, split: Split, results: list[Result]) -> Verdict:
        verdict = partial(Verdict, run.result.status, feedback=run.feedback, results=tuple(results))
        return verdict(stage=split.value, evaluation_set=self.evaluation_set)

    def _scored(self, scores: list[Score], results: list[Result]) -> Verdict:
        metrics = mean_metrics(scores, self.objectives)
        first = self.objectives[0]
        worst = max(range(len(scores)), key=lambda i: first.cost(scores[i].metrics[first.metric]))
        feedback = f"worst on {results[worst].instance_id}: {scores[worst].feedback}"
        value = metrics[first.metric]
        return Verdict(Status.OK, value, metrics, feedback, tuple(results), "train", self.evaluation_set)
