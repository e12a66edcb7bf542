"""Optuna's samplers behind the port.

Optuna's study lives in memory and is fed from our own rows in the order of trials, because the
rows are the truth: a loaded Optuna study forgets its sampler and that sampler's seed. For each
ask the sampler is built anew with a seed of its own, so that a resumed search goes on as the
uninterrupted one would.
"""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Callable, Iterator, Sequence

import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.exceptions import ExperimentalWarning
from optuna.samplers import BaseSampler
from optuna.trial import FrozenTrial, TrialState, create_trial

from archon.search.choices import Answered
from archon.search.front import non_dominated
from archon.search.objectives import Direction
from archon.search.space import Choices, Scalar

MOST_SHOWN, N_KEPT, N_BEST = 200, 140, 50
"""Optuna's time for a proposal grows with the trials that it is shown. When there are as many as
the first, it is shown as many as the second from then on: the best of all, as many as the third
(TPE takes 25 at most for good), and the newest."""
MOST_HELD = 400
"""Walks that led nowhere are held beside them, which no sampler looks at; they go before there are
so many."""


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
        self._directions = tuple(directions)
        self._study = study_in_memory(directions)
        self._n_shown = 0
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

    def tell(
        self, number: int, values: Sequence[float] | None, beyond: Sequence[float] = ()
    ) -> None:
        """See ``Sampler``."""
        if number not in self._ids:
            return
        known = self._ids.pop(number)
        if values is None:
            self._study.tell(known, state=TrialState.FAIL)
        elif beyond:
            self._tell_constrained(known, values, beyond)
        else:
            self._study.tell(known, values=list(values))
        self._n_shown += values is not None
        trials = self._study.get_trials(deepcopy=False)
        if self._n_shown >= MOST_SHOWN or len(trials) >= MOST_HELD:
            self._forget(trials)

    def _tell_constrained(
        self, known: int, values: Sequence[float], beyond: Sequence[float]
    ) -> None:
        """Only a trial that is made anew can be given constraints: the one that runs ends."""
        running = self._study.get_trials(deepcopy=False)[known]
        self._study.tell(known, state=TrialState.FAIL)
        self._study.add_trial(
            create_trial(
                values=list(values),
                params=running.params,
                distributions=running.distributions,
                constraints=constraints_of(beyond),
            )
        )

    def _forget(self, trials: Sequence[FrozenTrial]) -> None:
        """Begin a new study with what matters of this one: what was told, and what runs.

        What is kept follows from what was told alone, so that a resumed search keeps the same.
        """
        kept = [one for one in trials if one.state == TrialState.COMPLETE]
        if self._n_shown >= MOST_SHOWN:
            best = {one.number for one in _best_first(kept, self._directions)[:N_BEST]}
            newest = [one.number for one in kept if one.number not in best]
            chosen = best.union(newest[-(N_KEPT - len(best)) :])
            kept = [one for one in kept if one.number in chosen]
            self._n_shown = len(kept)
        running = {known: number for number, known in self._ids.items()}
        self._study = study_in_memory(self._directions)
        self._study.add_trials(kept)
        for one in trials:
            if one.number in running:
                self._ids[running[one.number]] = len(self._study.get_trials(deepcopy=False))
                self._study.add_trial(one)

    def _begun(self) -> optuna.Trial:
        if self._walk is None:
            raise RuntimeError("no walk was begun")
        return self._walk


def constraints_of(beyond: Sequence[float]) -> dict[str, float]:
    """Optuna's constraints, which hold where they are 0 or less."""
    return {str(i): part for i, part in enumerate(beyond)}


def _best_first(trials: Sequence[FrozenTrial], ways: Sequence[Direction]) -> list[FrozenTrial]:
    """Front by front; within a front by the first objective, then the earlier one.

    What breaks constraints comes behind, what breaks them least first.
    """
    signs = [1 if way == "maximize" else -1 for way in ways]
    excess = [sum(part for part in one.constraints.values() if part > 0) for one in trials]
    worths = {
        i: tuple(sign * value for sign, value in zip(signs, one.values, strict=True))
        for i, one in enumerate(trials)
        if not excess[i]
    }
    order: list[int] = []
    while worths and len(order) < N_BEST:
        front = non_dominated(worths)
        order += sorted(front, key=lambda i: (-worths[i][0], i))
        worths = {i: worth for i, worth in worths.items() if i not in front}
    order += sorted((i for i in range(len(trials)) if excess[i]), key=lambda i: (excess[i], i))
    return [trials[i] for i in order]


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
    with quietly():
        storage = optuna.storages.InMemoryStorage()
        return optuna.create_study(directions=list(directions), storage=storage, sampler=sampler)


@contextlib.contextmanager
def quietly() -> Iterator[None]:
    """Without what Optuna says of every study that it makes, and of what may change in it."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        yield


def distribution_of(answer: Answered) -> BaseDistribution:
    """Optuna's name for the answers that were possible."""
    if answer.kind == "category":
        return CategoricalDistribution(list(answer.options))
    if answer.kind == "integer":
        return IntDistribution(int(answer.low), int(answer.high), log=answer.log, step=answer.step)
    return FloatDistribution(answer.low, answer.high, log=answer.log)
