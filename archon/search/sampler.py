"""Optuna's samplers behind a small port; the only file that imports Optuna.

Optuna's study lives in memory and is fed from our own rows in the order of trials, because the
rows are the truth: a loaded Optuna study forgets its sampler and that sampler's seed. For each
ask the sampler is built anew with a seed of its own, so that a resumed search goes on as the
uninterrupted one would.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Literal, Protocol

import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.samplers import BaseSampler, RandomSampler, TPESampler
from optuna.trial import TrialState, create_trial

from archon.search.choices import Answered
from archon.search.objectives import Direction
from archon.search.space import Choices, Scalar

SamplerKind = Literal["tpe", "random"]


class Sampler(Protocol):
    """Answers a space's questions, and learns from what the pipelines were worth.

    One walk at a time: ``begin``, then the questions, then ``accept`` or ``reject``. Every
    accepted or restored trial is told once. For one thread.
    """

    def begin(self, seed: int) -> Choices:
        """Start a walk. Same history, same seed: same answers."""
        ...

    def reject(self) -> None:
        """Forget the walk: its pipeline is known already, or outside the space."""
        ...

    def accept(self, number: int, answers: Sequence[Answered]) -> None:
        """Keep the walk, with its answers, as that of a trial which now runs."""
        ...

    def restore(self, number: int, answers: Sequence[Answered]) -> None:
        """Take a walk of a trial that runs, from its row."""
        ...

    def tell(self, number: int, values: Sequence[float] | None) -> None:
        """The objectives of a trial; None where it has none. Trials without a walk are passed."""
        ...


class OptunaSampler:
    """TPE (multivariate, over groups of questions that occur together) or chance, by Optuna.

    Source of TPE: Bergstra et al. (2011); multivariate and grouped: Optuna's documentation of
    ``TPESampler``; several objectives: Ozaki et al. (2020).
    """

    def __init__(
        self, kind: SamplerKind, directions: Sequence[Direction], *, n_startup: int = 10
    ) -> None:
        """An empty history.

        Args:
            kind: Which of Optuna's samplers.
            directions: One for each objective, in the study's order.
            n_startup: Trials drawn by chance before TPE's model is used.
        """
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self._kind = kind
        self._n_startup = n_startup
        self._study = optuna.create_study(
            directions=list(directions), storage=optuna.storages.InMemoryStorage()
        )
        self._ids: dict[int, int] = {}
        self._walk: optuna.Trial | None = None

    def begin(self, seed: int) -> Choices:
        """See ``Sampler``."""
        self._study.sampler = self._built(seed % 2**32)
        self._walk = self._study.ask()
        return _OptunaChoices(self._walk)

    def reject(self) -> None:
        """See ``Sampler``."""
        self._study.tell(self._begun(), state=TrialState.FAIL)
        self._walk = None

    def accept(self, number: int, answers: Sequence[Answered]) -> None:
        """See ``Sampler``.

        Optuna's own trial keeps more than its answers, and TPE looks at that while trials run side
        by side. A trial that was restored has its answers only; so every trial becomes one.
        """
        self.reject()
        self.restore(number, answers)

    def restore(self, number: int, answers: Sequence[Answered]) -> None:
        """See ``Sampler``."""
        self._ids[number] = len(self._study.get_trials(deepcopy=False))
        self._study.add_trial(
            create_trial(
                state=TrialState.RUNNING,
                params={answer.name: answer.value for answer in answers},
                distributions={answer.name: _distribution(answer) for answer in answers},
            )
        )

    def tell(self, number: int, values: Sequence[float] | None) -> None:
        """See ``Sampler``."""
        if number not in self._ids:
            return
        known = self._ids.pop(number)
        if values is None:
            self._study.tell(known, state=TrialState.FAIL)
        else:
            self._study.tell(known, values=list(values))

    def _begun(self) -> optuna.Trial:
        if self._walk is None:
            raise RuntimeError("no walk was begun")
        return self._walk

    def _built(self, seed: int) -> BaseSampler:
        if self._kind == "random":
            return RandomSampler(seed=seed)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            return TPESampler(
                seed=seed,
                multivariate=True,
                group=True,
                constant_liar=True,
                n_startup_trials=self._n_startup,
            )


class _OptunaChoices:
    """Optuna's trial as ``Choices``."""

    def __init__(self, trial: optuna.Trial) -> None:
        self._trial = trial

    def category(self, name: str, options: Sequence[Scalar]) -> Scalar:
        return self._trial.suggest_categorical(name, list(options))

    def integer(self, name: str, low: int, high: int, *, step: int = 1, log: bool = False) -> int:
        return self._trial.suggest_int(name, low, high, step=step, log=log)

    def number(self, name: str, low: float, high: float, *, log: bool = False) -> float:
        return self._trial.suggest_float(name, low, high, log=log)


def _distribution(answer: Answered) -> BaseDistribution:
    if answer.kind == "category":
        return CategoricalDistribution(list(answer.options))
    if answer.kind == "integer":
        return IntDistribution(int(answer.low), int(answer.high), log=answer.log, step=answer.step)
    return FloatDistribution(answer.low, answer.high, log=answer.log)
