"""Job files for tests: sums that the stub's model "adds-0.6" gets right in 60 % of its samples."""

from __future__ import annotations

import json
from pathlib import Path

import yaml


def write_questions(folder: Path, n: int) -> Path:
    path = folder / "sums.jsonl"
    rows = [{"id": f"q{i}", "input": f"What is {i} + {3 * i}?", "target": 4 * i} for i in range(n)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def write_job(folder: Path, url: str, *, n_questions: int = 40, **changes: object) -> Path:
    """A job of 24 pipelines over one model; ``changes`` replace its top-level entries.

    It tries whole trials, unless ``changes`` name another sampler.
    """
    write_questions(folder, n_questions)
    data: dict[str, object] = {
        "name": "sums",
        "benchmark": {"file": "sums.jsonl", "scorer": {"kind": "numeric"}},
        "models": {
            "small": {
                "url": url,
                "model": "adds-0.6",
                "send_slots": True,
                "price": {"input_usd_per_mtok": 1.0, "output_usd_per_mtok": 2.0},
            }
        },
        "objectives": ["quality", "tokens"],
        "budget": {"trials": 10, "held_out_share": 0.5},
        "sampler": {"kind": "tpe"},
        "seed": 0,
        "questions_in_flight": 8,
        "space": {
            "layers": [
                {
                    "generate": {
                        "model": "small",
                        "samples": [1, 3, 5, 9],
                        "temperature": [0.3, 0.7, 1.0],
                        "max_tokens": 32,
                    }
                },
                {"one_of": ["nothing", {"vote": {"answer": "number"}}]},
            ]
        },
    }
    path = folder / "job.yaml"
    path.write_text(yaml.safe_dump(data | changes, sort_keys=False))
    return path
