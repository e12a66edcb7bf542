"""How long an endpoint asks to be left alone, from the headers that providers use for it."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

_EPOCH_FROM_S = 1e9
"""A plain number from here on, in a reset header, is a point in time and not a span."""
_SPAN = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_UNIT_S = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}


def retry_after_s(headers: Iterable[tuple[str, str]], now: datetime) -> float | None:
    """Seconds to wait, or None where the headers name no time in the future.

    ``Retry-After`` (seconds, also fractions, or an HTTP date) and ``retry-after-ms`` count first,
    the longest of several. Without them the soonest ``x-ratelimit-reset...`` counts: vendors send
    one for each limit, also for those that were not hit. What makes no sense (0, negative, NaN, a
    date in the past) is no answer.
    """
    asked, resets = [], []
    for name, text in headers:
        name = name.lower()
        if name == "retry-after":
            asked.append(_seconds(text, now))
        elif name == "retry-after-ms":
            asked.append(_number(text) / 1000)
        elif name.startswith("x-ratelimit-reset"):
            resets.append(_until_reset(text, now))
    if waits := [wait for wait in asked if _makes_sense(wait)]:
        return max(waits)
    return min((wait for wait in resets if _makes_sense(wait)), default=None)


def _makes_sense(seconds: float) -> bool:
    return math.isfinite(seconds) and seconds > 0


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def _seconds(text: str, now: datetime) -> float:
    number = _number(text)
    return _until_date(text, now) if math.isnan(number) else number


def _until_date(text: str, now: datetime) -> float:
    try:
        date = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return math.nan
    if date.tzinfo is None:
        date = date.replace(tzinfo=UTC)
    return (date - now).total_seconds()


def _until_reset(text: str, now: datetime) -> float:
    number = _number(text)
    if number >= _EPOCH_FROM_S:
        return number - now.timestamp()
    if not math.isnan(number):
        return number
    spans = _SPAN.findall(text)
    if not spans or _SPAN.sub("", text).strip():
        return math.nan
    return sum(float(value) * _UNIT_S[unit] for value, unit in spans)
