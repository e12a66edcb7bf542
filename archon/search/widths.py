"""How many trials a batch has, where that was changed on the way.

What a batch holds decides what is known when the next one is proposed. So a width holds from a
trial on, and a search that is resumed cuts its trials as it did the first time.
"""

from __future__ import annotations

Widths = tuple[tuple[int, int], ...]
"""(number of the first trial of a batch, trials in each batch from there on); the first is 0's."""


def batch_end(first: int, widths: Widths) -> int:
    """The trial behind the batch that holds trial ``first``."""
    place = max(i for i, (start, _) in enumerate(widths) if start <= first)
    start, size = widths[place]
    end = first - (first - start) % size + size
    return end if place + 1 == len(widths) else min(end, widths[place + 1][0])


def width_at(n_begun: int, widths: Widths) -> int:
    """What a batch holds that begins when so many trials have begun."""
    return [size for start, size in widths if start <= n_begun][-1]


def next_batch(n_proposed: int, widths: Widths) -> int:
    """The first trial that no batch holds which has begun, after so many proposals."""
    return batch_end(n_proposed - 1, widths) if n_proposed else 0


def widened(widths: Widths, first: int, size: int) -> Widths:
    """The same with batches of ``size`` from trial ``first`` on."""
    return (*(step for step in widths if step[0] < first), (first, size))
