"""How far a running study is, what it has spent, and how it is likely to end, in words."""

from __future__ import annotations

from collections.abc import Iterator

from archon.service.forecast import QUANTITIES, Forecast, Quantity, Span
from archon.service.progress import Progress
from archon.service.units import count, duration, usd

_ENDS = {
    "trials": "its trials end the search",
    "calls": "the limit of calls ends the search",
    "tokens": "the limit of tokens ends the search",
    "usd": "the limit of dollars ends the search",
    "seconds": "the limit of time ends the search",
}
_SAME = 0.02
"""Ends of a range that differ by less than this share of it are one number."""


def spent_in_words(progress: Progress) -> str:
    """``412 of 2,000 calls, 31,204 tokens, $0.21, 2 min 05 s``."""
    return ", ".join(_spent(progress, name) for name in _shown(progress))


def forecast_in_words(progress: Progress) -> str:
    """What a study is likely to take in all, and when it ends; "" where too little is known."""
    found = progress.forecast
    if found is None and progress.is_by_units and progress.phase == "searching":
        return "ends when no further answer promises to improve the choice, or at a limit"
    if found is None:
        return ""
    parts = [_in_all(name, found.total[name]) for name in _shown(progress) if name != "seconds"]
    return f"{time_left_in_words(progress)}; in all about {', '.join(parts)}{_end(found)}"


def trials_in_words(progress: Progress) -> str:
    """``12 of 40 trials ended``; by units ``31 of 40 pipelines tried, 4 to the end``."""
    of = "" if progress.n_trials is None else f" of {count(progress.n_trials)}"
    if progress.is_by_units:
        # Those that are left open when the search ends, end then: on a part of the questions.
        noun = "pipeline" if (progress.n_trials or progress.n_begun) == 1 else "pipelines"
        whole = f"{count(progress.n_complete)} to the end"
        return f"{count(progress.n_begun)}{of} {noun} tried, {whole}"
    noun = "trial" if (progress.n_trials or progress.n_ended) == 1 else "trials"
    return f"{count(progress.n_ended)}{of} {noun} ended"


def time_left_in_words(progress: Progress) -> str:
    """``about 8 min 20 s (6 min 10 s to 11 min 00 s) to go``; "" where too little is known."""
    if progress.forecast is None:
        return ""
    return f"about {_span('seconds', progress.forecast.seconds_left)} to go"


def progress_lines(progress: Progress) -> Iterator[str]:
    """A running study for ``archon show``."""
    phase = "paused" if progress.is_paused else progress.phase
    ended = trials_in_words(progress)
    yield f"Progress: {phase}, {ended}; spent {spent_in_words(progress)}"
    if said := forecast_in_words(progress):
        yield f"Forecast: {said}"


def _shown(progress: Progress) -> list[Quantity]:
    """The quantities that are worth a word: money where there is any."""
    has_money = progress.spent.get("usd", 0.0) > 0 or "usd" in progress.limits
    return [name for name in QUANTITIES if name != "usd" or has_money]


def _spent(progress: Progress, name: Quantity) -> str:
    value, limit = progress.spent.get(name, 0.0), progress.limits.get(name)
    if limit is None:
        return _with_unit(name, _number(name, value))
    return _with_unit(name, f"{_number(name, value)} of {_number(name, limit)}")


def _in_all(name: Quantity, span: Span) -> str:
    return _with_unit(name, _span(name, span))


def _span(name: Quantity, span: Span) -> str:
    """``1,200 (900 to 1,500)``."""
    likely = _about(name, span.likely)
    low, high = _about(name, span.low), _about(name, span.high)
    if low == high or span.high - span.low <= _SAME * span.high:
        return likely
    return f"{likely} ({low} to {high})"


def _about(name: Quantity, value: float) -> str:
    """To two digits: more would claim to be known."""
    if value >= 1 and name != "seconds":
        value = float(f"{value:.2g}")
    return _number(name, value)


def _number(name: Quantity, value: float) -> str:
    if name == "usd":
        return usd(value)
    return duration(value) if name == "seconds" else count(round(value))


def _with_unit(name: Quantity, said: str) -> str:
    return said if name in ("usd", "seconds") else f"{said} {name}"


def _end(found: Forecast) -> str:
    return f"; {said}" if (said := _ENDS.get(found.ends_by)) else ""
