"""Writes the shipped keywords.jsonl; run it as a script to write it anew."""

from __future__ import annotations

import json
import random
from pathlib import Path

SEED = 240_613
N_ROWS = 240
TARGET = Path(__file__).parents[3] / "archon" / "benchmarks" / "data" / "keywords.jsonl"

TOPICS = """
a walk in the rain | an old library | the first day at school | a visit to the dentist
learning to swim | a train journey | growing tomatoes | a birthday party | the night sky
moving to a new house | a busy market | repairing a bicycle | a lost dog | baking bread
a long winter | the local football team | a trip to the museum | writing a letter
a power cut | working in a bakery | an early morning | the village fair | a camping weekend
a broken clock | painting a fence | the bus to work | a quiet neighbour | a family recipe
a storm at sea | teaching a class | the last day of summer | a visit to the farm
an empty theatre | a chess game | planting a tree | a rainy wedding | the mountain path
a surprise guest | cleaning the attic | the night shift at a hospital
""".replace("\n", "|").split("|")
WORDS = " ".join(
    [
        "lantern bridge ribbon copper whisper harbor velvet thunder puzzle ladder meadow",
        "candle compass feather marble orchard pebble saddle tunnel umbrella violin walnut",
        "anchor blanket canyon dolphin engine fountain glacier hammer island jacket kettle",
        "lemon mirror needle oyster pillow quarry rocket shadow timber valley wagon zipper",
        "basket curtain drawer emerald falcon garlic helmet insect jungle kitten magnet",
        "napkin olive parade rabbit",
    ]
).split(" ")


def rows() -> list[dict[str, object]]:
    draw = random.Random(SEED)
    topics = [topic.strip() for topic in TOPICS if topic.strip()]
    seen: set[tuple[str, str, str]] = set()
    while len(seen) < N_ROWS:
        first, second = draw.sample(WORDS, 2)
        topic = topics[len(seen) % len(topics)]
        seen.add((topic, first, second))
    ordered = sorted(seen)
    draw.shuffle(ordered)
    return [row(number, *parts) for number, parts in enumerate(ordered)]


def row(number: int, topic: str, first: str, second: str) -> dict[str, object]:
    question = (
        f"Write one sentence about {topic}. "
        f'The sentence must contain the words "{first}" and "{second}".'
    )
    metadata = {
        "instruction_id_list": ["keywords:existence"],
        "kwargs": [{"keywords": [first, second]}],
    }
    return {"id": f"keywords-{number:03}", "input": question, "target": None, "metadata": metadata}


def text() -> str:
    return "".join(json.dumps(row, ensure_ascii=True) + "\n" for row in rows())


if __name__ == "__main__":
    TARGET.write_text(text(), encoding="utf-8", newline="\n")
