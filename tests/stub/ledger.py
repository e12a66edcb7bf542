"""What was asked of the stub and what a provider would charge for it: the witness of tests."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field


@dataclass
class Ledger:
    """Counts since the start."""

    requests: int = 0
    """Requests for completions, whatever became of them."""
    refused: int = 0
    """Requests answered with an error status, which nobody pays for."""
    seeded: int = 0
    """Requests that carried a seed, which crashes some engines."""
    requests_by_model: Counter[str] = field(default_factory=Counter)
    completions_by_model: Counter[str] = field(default_factory=Counter)
    by_messages: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Completions per (model, digest of the messages)."""
    by_slot: Counter[tuple[str, int]] = field(default_factory=Counter)
    """Completions per (digest of the body, slot): more than one is a completion bought twice."""
    billed_prompt_tokens: int = 0
    billed_completion_tokens: int = 0
    completions: int = 0
    undelivered: int = 0
    """Completions that were computed, and charged, for a client that had gone."""
    in_flight: int = 0
    max_in_flight: int = 0

    def to_data(self) -> dict[str, object]:
        """The answer of ``/__counts``."""
        return {
            "requests": self.requests,
            "refused": self.refused,
            "seeded": self.seeded,
            "completions": self.completions,
            "max_in_flight": self.max_in_flight,
            "models": {
                model: {"requests": n, "completions": self.completions_by_model[model]}
                for model, n in sorted(self.requests_by_model.items())
            },
            "messages": {f"{model} {digest}": n for (model, digest), n in self.by_messages.items()},
            "bought_again": sum(n - 1 for n in self.by_slot.values()),
            "bill": {
                "prompt_tokens": self.billed_prompt_tokens,
                "completion_tokens": self.billed_completion_tokens,
                "completions": self.completions,
                "undelivered": self.undelivered,
            },
        }
