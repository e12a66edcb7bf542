"""What the stub says: a text that depends on the model's name, the messages and the slot only."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence

import orjson

Turn = dict[str, str]
Responder = Callable[[str, Sequence[Turn], int], str]
"""(model, messages, slot) -> text."""

WORDS = [
    "amber",
    "birch",
    "cedar",
    "delta",
    "ember",
    "fjord",
    "grove",
    "harbor",
    "island",
    "juniper",
    "kernel",
    "lagoon",
    "meadow",
    "north",
    "orchard",
    "pebble",
    "quartz",
    "river",
    "summit",
    "timber",
    "umber",
    "valley",
    "willow",
    "yarrow",
    "zephyr",
    "copper",
    "dune",
    "falcon",
    "garnet",
    "heron",
    "ivory",
    "jade",
]
_SUM = re.compile(r"(-?\d+)\s*\+\s*(-?\d+)")


def digest_of(*parts: object) -> str:
    """Sixteen hex digits that stand for these plain data."""
    return hashlib.blake2b(orjson.dumps(parts), digest_size=8).hexdigest()


def respond(model: str, messages: Sequence[Turn], slot: int) -> str:
    """The text of a model by its name.

    ``echo`` repeats the last turn. ``adds-0.6`` adds up the first ``a + b`` of the last turn,
    rightly in 60 % of the slots. Any other name says five to twelve words.
    """
    skill, _, share = model.rpartition("/")[2].partition("-")
    last = messages[-1]["content"] if messages else ""
    if skill == "echo":
        return last
    noise = hashlib.blake2b(orjson.dumps((model, messages, slot)), digest_size=16).digest()
    if skill == "adds" and (found := _SUM.search(last)):
        total = int(found[1]) + int(found[2])
        is_right = noise[0] / 256 < float(share or 1)
        return f"The answer is {total if is_right else total + 1 + noise[1] % 9}."
    return " ".join(WORDS[byte % len(WORDS)] for byte in noise[: 5 + noise[15] % 8])
