"""How an open component of a space becomes a given one in canonical form, or nothing in it.

The canonical form leaves out what has no effect, so what was chosen cannot be read off it: three
of two candidates are all of them, a vote that counts has no use for how sharply scores weigh, and
a ranker of one candidate is gone. So settings are tried here, and each is held against what it
becomes where it stands.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import MISSING, Field, dataclass
from itertools import islice, product
from math import inf
from typing import Any

from archon.components.base import Component, Sizes
from archon.components.canonical import settled, simplifies, spec_of, why_useless
from archon.components.facts import facts_required, is_met
from archon.components.table import as_declared, build, parameters
from archon.core.architecture import ComponentSpec, ParamValue
from archon.core.errors import SpecError
from archon.search.space import ComponentNode, Dimension, Fixed, Options

MOST_TRIED = 256
"""So many settings of a component are tried until one fits."""

Table = Mapping[str, type[Component]]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a component stands in a pipeline."""

    arriving: Sizes
    before: tuple[Component, ...]
    """The layer just before it in the canonical form."""
    live: frozenset[str]
    """What later layers read."""
    facts: frozenset[str]
    """What earlier layers tell, also those that the canonical form leaves out."""


def spec_towards(
    node: ComponentNode, wanted: ComponentSpec, place: Place, table: Table
) -> ComponentSpec | None:
    """A setting of a component that becomes ``wanted``; None where none is found.

    Args:
        node: The component, with what is open.
        wanted: In canonical form.
        place: Where it stands.
        table: Component kinds.
    """
    if node.kind != wanted.kind or wanted.model not in (node.models or ("",)):
        return None
    kind, given = table[node.kind], dict(wanted.params)
    known = parameters(kind)
    values = [
        _towards(dimension, known[name], given.get(name, MISSING), kind)
        for name, dimension in node.params
    ]
    for spec, component in _settings(node, wanted.model, values, place, table):
        if spec_of(component) == wanted:
            return spec
    return None


def spec_that_goes(node: ComponentNode, place: Place, table: Table) -> ComponentSpec | None:
    """A setting of a component that the canonical form leaves out; None where none is found."""
    kind, n_most = table[node.kind], place.arriving.candidates.high
    effect = kind.declares.effect
    if effect == "produce" or n_most < 1:
        return None
    if len(place.before) == 1:
        again = spec_of(settled(place.before[0], place.arriving))
        repeated = spec_towards(node, again, place, table)
        if repeated and _goes(settled(build(repeated, table), place.arriving), place):
            return repeated
    if effect == "select" and n_most > 1 and not hasattr(kind, "is_idle"):
        return None
    known = parameters(kind)
    values = [_plainest_first(dimension, known[name], kind) for name, dimension in node.params]
    for spec, component in _settings(node, (node.models or ("",))[0], values, place, table):
        if _goes(component, place):
            return spec
        if effect == "annotate":
            return None  # what it adds is read, whatever its settings
    return None


def _settings(
    node: ComponentNode,
    model: str,
    values: Sequence[Sequence[ParamValue]],
    place: Place,
    table: Table,
) -> Iterator[tuple[ComponentSpec, Component]]:
    """Those of the combinations of values that can stand there, and what each becomes."""
    names = [name for name, _ in node.params]
    for combination in islice(product(*values), MOST_TRIED):
        params = sorted(zip(names, combination, strict=True))
        spec = ComponentSpec(node.kind, model, tuple(params))
        try:
            component = build(spec, table)
        except SpecError:
            continue
        if all(is_met(fact, place.facts) for fact in facts_required(component)):
            yield spec, settled(component, place.arriving)


def _goes(component: Component, place: Place) -> bool:
    return bool(why_useless(component, place.live, place.arriving, place.before))


def _towards(
    dimension: Dimension, parameter: Field[Any], given: object, kind: type[Component]
) -> Sequence[ParamValue]:
    """The values that may become the wanted one, the likeliest first.

    Args:
        dimension: What may be chosen.
        parameter: Which it is.
        given: The wanted one; ``MISSING`` where the canonical form leaves it out.
        kind: Whose parameter it is.
    """
    exact = _equal_to(dimension, parameter, parameter.default if given is MISSING else given)
    if _is_number_kept(parameter, kind):
        return [*exact, *_loosest_first(dimension)]
    if exact or given is not MISSING or not simplifies(kind):
        return exact
    return _some(dimension)


def _plainest_first(
    dimension: Dimension, parameter: Field[Any], kind: type[Component]
) -> Sequence[ParamValue]:
    if _is_number_kept(parameter, kind):
        return _loosest_first(dimension)
    plain = _equal_to(dimension, parameter, parameter.default)
    return [*plain, *(value for value in _some(dimension) if value not in plain)]


def _is_number_kept(parameter: Field[Any], kind: type[Component]) -> bool:
    """Whether it is how many candidates stay, of which large numbers are one: all."""
    return parameter.name == "keep" and kind.declares.effect == "select"


def _equal_to(dimension: Dimension, parameter: Field[Any], wanted: object) -> Sequence[ParamValue]:
    if isinstance(dimension, Fixed | Options):
        return [v for v in _some(dimension) if as_declared(v, parameter) == wanted]
    if isinstance(wanted, bool) or not isinstance(wanted, int | float):
        return []
    is_inside = dimension.low <= wanted <= dimension.high
    is_on_step = not dimension.is_integer or (wanted - dimension.low) % dimension.step == 0
    return [wanted] if is_inside and is_on_step else []


def _loosest_first(dimension: Dimension) -> Sequence[ParamValue]:
    return sorted(_some(dimension), key=lambda v: -v if isinstance(v, int | float) else -inf)


def _some(dimension: Dimension) -> Sequence[ParamValue]:
    """All values; of numbers from a range the lowest and the highest."""
    if isinstance(dimension, Fixed):
        return (dimension.value,)
    if isinstance(dimension, Options):
        return dimension.values
    if not dimension.is_integer:
        return (dimension.low, dimension.high)
    low, high = int(dimension.low), int(dimension.high)
    return (low, high - (high - low) % dimension.step)
