"""How long a job's models write, from the calls that are recorded: for estimates."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from statistics import fmean

from archon.components.showing import without_reasoning
from archon.components.table import COMPONENTS
from archon.core.calls import ModelCard
from archon.core.errors import SetupError, StoreError
from archon.core.messages import last_question
from archon.core.records import CallRow
from archon.models.wire import BYTES_PER_TOKEN
from archon.prompts import recognised
from archon.search.lengths import ANSWER, JUDGE, USUAL, Lengths, Reply
from archon.service.assemble import card_of
from archon.service.settings import Settings
from archon.spec.model_spec import ModelSpec
from archon.spec.pipeline_file import component_of, template_names
from archon.store.opening import open_reader

MOST_CALLS = 2_000
"""The newest of each model."""
FEWEST_CALLS = 10
"""From so many on, the mean of a component's replies says something."""


def lengths_of(models: Sequence[ModelSpec], settings: Settings) -> tuple[Lengths, int]:
    """What prompts and replies of these models are like: as they are recorded, or else as usual.

    Returns:
        The lengths, and how many recorded calls they come from: 0 where there is no database yet,
        or one of another version.
    """
    cards = [card for model in models if (card := _card(model, settings)) is not None]
    reads_once = frozenset(card.alias for card in cards if card.has_many_samples)
    lengths = replace(USUAL, reads_once=reads_once)
    try:
        with open_reader(settings.database_url.reveal()) as reader:
            found = {c.alias: reader.calls_to(c.identity, limit=MOST_CALLS) for c in cards}
    except (SetupError, StoreError):
        return lengths, 0
    recorded: dict[tuple[str, str], Reply] = {}
    n = 0
    for alias, calls in found.items():
        told = {k: r for k, r in _by_kind(calls).items() if len(r) >= FEWEST_CALLS}
        for kind, replies in told.items():
            recorded[alias, kind] = Reply(*map(fmean, zip(*replies, strict=True)))
        # What writes answers counts once: by itself, and with all others that do.
        n += sum(len(r) for k, r in told.items() if k not in COMPONENTS or not _writes_answers(k))
    return replace(lengths, recorded=recorded), n


def _card(model: ModelSpec, settings: Settings) -> ModelCard | None:
    """What is known of the model; None where its package is not here to tell."""
    try:
        return card_of(model, settings)
    except SetupError:
        return None


def _by_kind(calls: Iterable[CallRow]) -> dict[str, list[Reply]]:
    """Replies by the kind of the component that asked, told by its prompt."""
    names = template_names()
    found: dict[str, list[Reply]] = defaultdict(list)
    for call in calls:
        template = recognised(last_question(call.messages), names)
        kind = component_of(template) if template else "generate"
        if not kind and template.startswith("judge_"):
            kind = JUDGE
        if kind:
            found[kind].append(_reply(call))
    writers = [kind for kind in found if kind in COMPONENTS and _writes_answers(kind)]
    return found | {ANSWER: [reply for kind in writers for reply in found[kind]]}


def _reply(call: CallRow) -> Reply:
    shown = len(without_reasoning(call.text).encode(errors="replace")) / BYTES_PER_TOKEN
    return Reply(call.usage.completion_tokens, shown)


def _writes_answers(kind: str) -> bool:
    return COMPONENTS[kind].declares.effect == "produce"
