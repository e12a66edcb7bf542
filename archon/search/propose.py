"""Which pipeline to try next: the known-good ones first, then what the sampler draws.

Every proposal is a pipeline that the study has not seen, in canonical form, inside the space.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from archon.components.base import Component
from archon.components.canonical import canonical
from archon.components.table import COMPONENTS
from archon.core.architecture import Architecture
from archon.core.records import Origin, ProposalRow
from archon.core.results import Completed, TrialOutcome
from archon.core.seeds import derive_seed
from archon.search.choices import Answered, Chance, Recording, from_json, to_json
from archon.search.draw import draw
from archon.search.feasible import feasible
from archon.search.find_walk import find_walk
from archon.search.sampler import Sampler
from archon.search.size import count_walks
from archon.search.space import Space
from archon.search.walk_order import MOST_WALKS, shuffled, walk_at

SAMPLER_DRAWS = 32
"""So often the sampler is asked for a pipeline that is new before chance is."""
CHANCE_DRAWS = 256


@dataclass(frozen=True, slots=True)
class Start:
    """A pipeline that is tried before the sampler is asked."""

    architecture: Architecture
    origin: Origin
    answers: tuple[Answered, ...] = ()
    """Of the walk that leads to it, where that is known: what a sampler needs to learn from it."""


class Proposer:
    """Asks and tells one sampler; lives in one process, and is the only one to touch it."""

    def __init__(
        self,
        space: Space,
        sampler: Sampler | None,
        *,
        seed: int,
        starts: Sequence[Start] = (),
        table: Mapping[str, type[Component]] = COMPONENTS,
    ) -> None:
        """Nothing is proposed yet.

        Args:
            space: What may be proposed by the sampler.
            sampler: None: all pipelines of the space, in a shuffled order.
            seed: The job's.
            starts: Proposed first, as far as they are new; they need not be in the space.
            table: Component kinds.
        """
        self._space = space
        self._sampler = sampler
        self._seed = seed
        self._starts = list(starts)
        self._table = table
        self._seen: set[str] = set()
        self._n_proposed = 0
        self._n_walks = count_walks(space)
        self._rest: Iterator[int] | None = None

    @property
    def n_proposed(self) -> int:
        """How many proposals there are, restored ones included: the next one's number."""
        return self._n_proposed

    @property
    def is_all_tried(self) -> bool:
        """Whether ``ask``, once it has answered None, has looked at every pipeline of the space."""
        return self._n_walks is not None and self._n_walks <= MOST_WALKS

    def restore(self, row: ProposalRow) -> None:
        """Take a proposal of an earlier run; in the order of their numbers, before any ``ask``."""
        self._note(row.pipeline_id)
        if self._sampler is not None and (answers := from_json(row.choices_json)):
            self._sampler.restore(row.number, answers, is_given=row.origin != "search")

    def ask(self) -> ProposalRow | None:
        """The next proposal; None when no new pipeline can be found."""
        number = self._n_proposed
        for start in self._starts:
            if self._is_new(architecture := canonical(start.architecture, self._table)):
                return self._started(architecture, start)
        for attempt in range(SAMPLER_DRAWS if self._sampler else 0):
            if (found := self._from_sampler(attempt)) is not None:
                return found
        for attempt in range(CHANCE_DRAWS if self._sampler else 0):
            recording = Recording(Chance(derive_seed(self._seed, "chance", number, attempt)))
            if (found := self._accepted(draw(self._space, recording), recording)) is not None:
                return found
        return self._from_the_rest()

    def tell(
        self,
        number: int,
        outcome: TrialOutcome,
        expected: Sequence[float] | None = None,
        beyond: Sequence[float] = (),
    ) -> None:
        """What became of a proposal; once for each.

        Args:
            number: The proposal's.
            outcome: How its trial ended.
            expected: What a trial that was stopped would have reached, where that can be told: the
                sampler learns from it as from a complete one.
            beyond: By what part it passes each ceiling of the study.
        """
        if self._sampler is not None:
            values = outcome.objectives if isinstance(outcome, Completed) else expected
            self._sampler.tell(number, values, beyond)

    def _started(self, architecture: Architecture, start: Start) -> ProposalRow:
        """A start; where the sampler could have come to it itself, it learns from it."""
        answers = start.answers
        if self._sampler is not None and not answers:
            answers = find_walk(self._space, architecture, self._table)
        if self._sampler is not None and answers:
            self._sampler.restore(self._n_proposed, answers, is_given=True)
        return self._proposal(architecture, answers, start.origin)

    def _from_sampler(self, attempt: int) -> ProposalRow | None:
        assert self._sampler is not None
        number = self._n_proposed
        seed = derive_seed(self._seed, "sampler", number, attempt)
        recording = Recording(self._sampler.begin(seed))
        architecture: Architecture | None = None
        try:
            architecture = self._usable(draw(self._space, recording))
        finally:
            # On every path: a walk that is neither kept nor rejected would count as one that runs.
            if architecture is None:
                self._sampler.reject()
            else:
                self._sampler.accept(number, recording.answers)
        if architecture is None:
            return None
        return self._proposal(architecture, recording.answers, "search")

    def _accepted(self, drawn: Architecture, recording: Recording) -> ProposalRow | None:
        architecture = self._usable(drawn)
        if architecture is None:
            return None
        if self._sampler is not None:
            self._sampler.restore(self._n_proposed, recording.answers)
        return self._proposal(architecture, recording.answers, "search")

    def _from_the_rest(self) -> ProposalRow | None:
        """The next new pipeline among all walks, in an order by chance, as far as they are gone
        through.
        """
        if self._n_walks is None:
            return None
        if self._rest is None:
            order = shuffled(self._n_walks, derive_seed(self._seed, "order"))
            self._rest = islice(order, MOST_WALKS)
        for walk in self._rest:
            drawn, answers = walk_at(self._space, walk)
            if (architecture := self._usable(drawn)) is not None:
                if self._sampler is not None:
                    self._sampler.restore(self._n_proposed, answers)
                return self._proposal(architecture, answers, "search")
        return None

    def _usable(self, drawn: Architecture) -> Architecture | None:
        """The canonical form where it is new and may be proposed."""
        architecture = feasible(self._space, drawn, self._table)
        return architecture if architecture and self._is_new(architecture) else None

    def _is_new(self, architecture: Architecture) -> bool:
        return architecture.pipeline_id() not in self._seen

    def _proposal(
        self, architecture: Architecture, answers: Sequence[Answered], origin: Origin
    ) -> ProposalRow:
        number, pipeline_id = self._n_proposed, architecture.pipeline_id()
        self._note(pipeline_id)
        return ProposalRow(number, pipeline_id, architecture, to_json(answers), origin)

    def _note(self, pipeline_id: str) -> None:
        self._seen.add(pipeline_id)
        self._n_proposed += 1
