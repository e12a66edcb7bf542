"""What a component is: a frozen dataclass whose fields are its parameters, with declarations.

The declarations (what it reads and writes, its effect, its sizes) are what the typing rules, the
call estimates, the canonical form and the search space are derived from; nothing is written twice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, ClassVar, Literal, Protocol, runtime_checkable

from archon.core.calls import Finish, ModelReply, ModelRequest
from archon.core.candidates import LayerState

Fact = Literal["question", "candidates", "critique", "scores", "tests"]
"""What a component can read from, or write to, the state."""

Effect = Literal["produce", "annotate", "select"]
"""produce: writes new texts; annotate: adds to the candidates or the state; select: keeps, orders
or drops candidates."""

Degradation = Literal[
    "parse_failed",
    "repaired",
    "fallback",
    "empty_reply",
    "truncated",
    "filtered",
    "refused",
    "too_long",
    "left_out",
    "unknown_verdict",
    "none_passed",
    "empty_input",
    "no_answer",
]
"""What may go less well than it should; each is counted. ``too_long``: the prompt did
not fit the model's context; ``left_out``: candidates that were not shown for want of it."""

_FAULTS: Mapping[Finish, Degradation] = MappingProxyType(
    {"filtered": "filtered", "refused": "refused", "context": "too_long"}
)


def fault_of(reply: ModelReply) -> Degradation:
    """As what a reply without a text is counted."""
    return _FAULTS.get(reply.finish, "empty_reply")


@dataclass(frozen=True, slots=True)
class Interval:
    """Whole numbers ``low`` to ``high``, both included."""

    low: int
    high: int

    def __add__(self, other: Interval) -> Interval:
        return Interval(self.low + other.low, self.high + other.high)


@dataclass(frozen=True, slots=True)
class Sizes:
    """How many candidates and unit tests a state may hold."""

    candidates: Interval = Interval(0, 0)
    tests: Interval = Interval(0, 0)


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a component takes and leaves: calls without and with repair asks, and sizes after it."""

    calls: Interval
    """Calls when every reply can be read."""
    max_repairs: int
    """At most this many further calls, when replies cannot be read or are empty."""
    after: Sizes


class RunContext(Protocol):
    """What a running component may do besides computing: ask models, and count what degrades.

    A component builds its first requests and calls ``sample`` before its first ``await`` on
    anything else, so that sample slots are dealt in component order whatever the network does.
    """

    @property
    def path(self) -> str:
        """Where the component stands, e.g. ``layers[1].rank[0]``: the author of its candidates."""
        ...

    async def sample(
        self,
        request: ModelRequest,
        n: int = 1,
        *,
        after: Sequence[ModelReply] = (),
        purpose: str = "",
    ) -> tuple[ModelReply, ...]:
        """Draw ``n`` independent completions in the next free slots of this request.

        Args:
            request: What to ask.
            n: How many samples.
            after: Replies that had to be there before this request could be made; they place it
                on the critical path. Nothing to name for a component's first requests.
            purpose: One or two words for the trace, e.g. "verdict".

        Raises:
            CallError: The infrastructure failed. Model faults are replies (``reply.is_faulty``).
            BudgetExceeded: The study's budget does not allow it.
        """
        ...

    async def follow(
        self, request: ModelRequest, after: ModelReply, *, purpose: str = ""
    ) -> ModelReply:
        """Ask one more thing because of ``after``: a second step, or a repair of the same ask.

        It takes the slot of ``after``, which keeps slots deterministic when many such chains run
        concurrently; where two chains come to one request, the second draws from a slot apart.
        """
        ...

    async def redraw(self, reply: ModelReply, request: ModelRequest) -> ModelReply:
        """Draw once more where ``reply`` (an answer to ``request``) was empty: a reserved slot."""
        ...

    def count(self, what: Degradation, n: int = 1) -> None:
        """Count a degradation in the trace."""
        ...

    def seed(self, *names: str | int) -> int:
        """A seed for a choice by chance; depends on question, component kind and ``names`` only.

        Not on the rest of the pipeline: pipelines that share calls must build equal prompts.
        """
        ...


@dataclass(frozen=True, slots=True)
class Declaration:
    """What a component says about itself, for typing rules and documentation."""

    reads: frozenset[Fact]
    writes: frozenset[Fact]
    effect: Effect
    needs_model: bool = True
    requires: frozenset[Fact] = frozenset()
    """Facts beyond candidates that some earlier layer must be able to write."""
    most_shown: int | None = None
    """Most candidates in one prompt; None: all that arrive."""
    usual_reply: int = 200
    """Tokens of a reply as models usually write it: for estimates, where no calls are recorded."""
    usual_replies: Mapping[str, int] = field(default_factory=dict, hash=False)
    """The same for wordings (values of the parameter ``prompt``) that ask for longer or shorter."""


class Component(Protocol):
    """One technique with its parameters.

    Contract: ``run`` returns a new state and never loses the last candidate; a state without
    candidates, where it reads candidates, comes back unchanged with no call and ``empty_input``
    counted. Infrastructure errors pass through; model faults and unreadable replies are met by one
    repair ask and then the component's stated fallback, both counted.
    """

    kind: ClassVar[str]
    declares: ClassVar[Declaration]

    @property
    def model(self) -> str:
        """Alias of the model it asks; "" if none."""
        ...

    def bounds(self, arriving: Sizes) -> Bounds:
        """Calls and sizes, given the sizes of the state that arrives."""
        ...

    async def run(self, state: LayerState, context: RunContext) -> LayerState:
        """Apply the technique to one question's state."""
        ...


@runtime_checkable
class ChoosesPrompts(Protocol):
    """A component whose parameters decide which of its templates it uses; others may use all."""

    def prompts(self) -> tuple[str, ...]:
        """Names of those that it uses."""
        ...


def knob(
    default: Any,
    doc: str,
    *,
    low: float | None = None,
    high: float | None = None,
    options: Sequence[str] | None = None,
) -> Any:
    """A parameter of a component: a dataclass field with what is needed to check and search it.

    Args:
        default: Value when the spec leaves it out; its type is the parameter's type unless the
            annotation says more.
        doc: One line for ``archon components``, with units.
        low: Smallest allowed value (numbers).
        high: Largest allowed value (numbers).
        options: Allowed values (text).
    """
    metadata = {"doc": doc, "low": low, "high": high, "options": options}
    return field(default=default, metadata=metadata)
