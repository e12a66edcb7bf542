"""Which choice a target means: a letter, a position or a text, and never one of two by chance."""

from __future__ import annotations

from archon.benchmarks.choices import MAX_CHOICES, letter, letters
from archon.benchmarks.fields import TargetIs
from archon.benchmarks.plain import RowError, as_text


def right_letter(
    value: object, name: str, choices: tuple[str, ...], target_is: TargetIs | None = None
) -> str:
    """The letter that a target means.

    Args:
        value: The target, as it stands in its row.
        name: Its field.
        choices: The texts.
        target_is: How it names the choice; None: in whatever way it can be read.

    Raises:
        RowError: It names no choice; or, where nobody said how, different ones.
    """
    readings = _readings(value, choices)
    allowed = letters(len(choices))
    if target_is is not None:
        if target_is in readings:
            return readings[target_is]
        how = target_is.replace("_", " ")
        raise RowError(name, f"{value!r} names none of the {len(choices)} choices as {how}.")
    if "letter" in readings:  # as every data set of letters means it, whatever its choices say
        return readings["letter"]
    # Positions from 1 are for those who say so: from 0 is what counts without a word.
    usual = {how: read for how, read in readings.items() if how != "position_from_1"}
    if isinstance(value, str) and "text" not in usual:
        usual.pop("position", None)  # "1" may count from 0 or from 1
    if len(set(usual.values())) == 1:
        return next(iter(usual.values()))
    if usual:
        meant = ", ".join(f"{read} as {how}" for how, read in usual.items())
        hint = f"Say which in the job file: fields: {{target_is: {' or '.join(usual)}}}."
        raise RowError(name, f"{value!r} means different choices: {meant}.", hint)
    hint = f"Give a letter ({allowed[0]} to {allowed[-1]}), a position from 0, or a choice's text."
    if readings:
        others = " or ".join(readings)
        hint = f"If it is a position, say how it counts: fields: {{target_is: {others}}}."
    raise RowError(name, f"{value!r} is none of the {len(choices)} choices.", hint)


def _readings(value: object, choices: tuple[str, ...]) -> dict[TargetIs, str]:
    """The letter that a target means, by every way in which it can be read."""
    found: dict[TargetIs, str] = {}
    text = as_text(value).strip()
    if isinstance(value, str) and len(text) == 1 and text.upper() in letters(len(choices)):
        found["letter"] = text.upper()
    if text.isascii() and text.isdigit() and not isinstance(value, bool):
        number = int(text) if len(text) < 4 else MAX_CHOICES + 1
        if number < len(choices):
            found["position"] = letter(number)
        if 1 <= number <= len(choices):
            found["position_from_1"] = letter(number - 1)
    for given in (str(value), text):
        if choices.count(given) == 1:
            found.setdefault("text", letter(choices.index(given)))
    return found
