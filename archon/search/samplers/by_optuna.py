"""Optuna's samplers behind the port.

Optuna's study lives in memory and is fed from our own rows in the order of trials, because the
rows are the truth: a loaded Optuna study forgets its sampler and that sampler's seed. For each
ask the sampler is built anew with a seed of its own, so that a resumed search goes on as the
uninterrupted one would.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.samplers import BaseSampler
from optuna.trial import TrialState, create_trial

from archon.search.choices import Answered
from archon.search.objectives import Direction
from archon.search.space import Choices, Scalar


class OptunaSampler:
    """One of Optuna's samplers, built anew for every ask."""

    def __init__(
        self, build: Callable[[int], BaseSampler], directions: Sequence[Direction]
    ) -> None:
        """An empty history.

        Args:
            build: From a seed in [0, 2**32) to the sampler of one ask.
            directions: One for each objective, in the study's order.
        """
        self._build = build
        self._study = study_in_memory(directions)
        self._ids: dict[int, int] = {}
        self._walk: optuna.Trial | None = None

    def begin(self, seed: int) -> Choices:
        """See ``Sampler``."""
        self._study.sampler = self._build(seed % 2**32)
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

    def restore(self, number: int, answers: Sequence[Answered], *, is_given: bool = False) -> None:
        """See ``Sampler``."""
        self._ids[number] = len(self._study.get_trials(deepcopy=False))
        self._study.add_trial(
            create_trial(
                state=TrialState.RUNNING,
                params={answer.name: answer.value for answer in answers},
                distributions={answer.name: distribution_of(answer) for answer in answers},
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


def study_in_memory(
    directions: Sequence[Direction], sampler: BaseSampler | None = None
) -> optuna.Study:
    """An empty study of Optuna's that leaves nothing behind and says nothing.

    Args:
        directions: One for each objective.
        sampler: Optuna's own default by default.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    storage = optuna.storages.InMemoryStorage()
    return optuna.create_study(directions=list(directions), storage=storage, sampler=sampler)


def distribution_of(answer: Answered) -> BaseDistribution:
    """Optuna's name for the answers that were possible."""
    if answer.kind == "category":
        return CategoricalDistribution(list(answer.options))
    if answer.kind == "integer":
        return IntDistribution(int(answer.low), int(answer.high), log=answer.log, step=answer.step)
    return FloatDistribution(answer.low, answer.high, log=answer.log)
