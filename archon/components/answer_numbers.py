r"""Numbers as models write them, and the exact value of each.

``10{,}000``, ``1.5 million``, ``3 \times 10^8`` and ``4½`` are numbers. ``2^10``, ``2\sqrt{3}``,
``5-7``, ``10:30`` and ``3x`` are not, nor is any part of them: half an expression is no answer.
"""

from __future__ import annotations

import re
import unicodedata
from fractions import Fraction

_MOST_DIGITS = 800
_MOST_MANTISSA_DIGITS = 200
_MOST_EXPONENT = 400

# Every repetition is possessive or short: no input makes these patterns backtrack.
_WHOLE = r"[0-9][0-9,]*+"
_GLUED = r"(?:[kcm]?m|[km]?g|lbs?|oz|ft|ml|l|L|hrs?|h|mins?|ms|mph|st|nd|rd|th)(?!\w)"
"""What may follow a number without a blank; any other letter makes it a term or a name."""
_COMMANDS = "sqrt|pi|cdot|times|frac|dfrac|infty|pm|ln|log|sin|cos|tan|theta|alpha|beta"
NUMBER = re.compile(
    rf"""
    (?<![\w/^√])(?<![0-9][.,:])(?<!\^\{{)(?<!\^-)(?<!\^\{{-)(?<!sqrt)(?<!sqrt\{{)
    (?P<sign>(?<![)\]}}])[-+\u2212\u2013])?+
    (?P<coin>\\?[$€£¥₹]\s?+)?+(?:(?<=[$€£¥₹])(?P<debt>-))?+
    (?:
        (?P<mixed>[0-9]++)?\s?\\[dt]?frac\s?\{{(?P<top>-?[0-9]++)\}}\s?\{{(?P<bottom>[0-9]++)\}}
      | (?P<whole>[0-9]++)\ (?P<part>[0-9]++)/(?P<parts>[0-9]++)(?![0-9/])
      | (?P<num>[0-9]++)\s?+/\s?+(?P<den>[0-9]++)(?![0-9/])
      | (?P<plain>(?:{_WHOLE}(?:\.[0-9]++)?+|\.[0-9]++)(?:[eE][-+]?[0-9]++(?!\w|\.[0-9]))?+)
        (?:\s?+(?P<scale>(?i:hundred|thousand|million|billion|trillion)\b))?+
        (?(coin)(?:\s?+(?P<big>(?:[kKMBT]|mn|bn)(?!\w)))?+)
    )
    (?P<percent>\s?+(?:\\?%|percent\b|per\ cent\b))?+
    (?![\^√π]|\s?\\(?:{_COMMANDS})|[-\u2013\u2212:/.][0-9]|(?!{_GLUED})[^\W\d_])
    """,
    re.VERBOSE,
)
_SCALES = {
    "hundred": 10**2, "thousand": 10**3, "k": 10**3, "K": 10**3,
    "million": 10**6, "M": 10**6, "mn": 10**6,
    "billion": 10**9, "B": 10**9, "bn": 10**9, "trillion": 10**12, "T": 10**12,
}  # fmt: skip

MONTHS = "jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec"
_NO_UNIT = (
    rf"(?:(?:{MONTHS})[a-z]*|[xyz]|[ap]m|st|nd|rd|th|and|or|to|of|out|than|if|plus|minus|times)\b"
)
_UNIT = re.compile(
    rf"\s?(?!{_NO_UNIT})"
    r"(?:°[A-Z]?|[A-Z]{3}|[^\W\dA-Z_][^\W\d_]{0,20}(?:[ /](?!and\b|or\b)[^\W\d_]{1,20})?)"
    r"(?:[²³]|\^\{?[23]\}?)?"
)
"""At most two words, the first in lower case: ``apples``, ``km/h``, ``USD``; ``5x`` has none."""
CLOSING = " \t\r\n.,;:!?*_`'\")]$€£¥"
OPENING = " \t\r\n*_`'\"(["
_CODE = re.compile(r"(?:USD|EUR|GBP|INR|Rs\.?|US(?=\$))\s?(?=[$€£¥₹0-9])")

_COMMA = re.compile(r"(?<=[0-9])(?:\{,\}|,\\!\s?)(?=[0-9])")
_THIN = re.compile(r"(?<=[0-9])(?:\\[,;:! ]|[\u00a0\u202f\u2009])(?=[0-9]{3}(?![0-9]))")
_BLANKS = re.compile(
    r"(?<![0-9.,/])(?<![0-9] )[0-9]{1,3}(?:(?: [0-9]{3}){2,}+| 000)(?![0-9/]| [0-9])"
)
_DOTTED = re.compile(
    r"(?<![0-9.,])[0-9]{1,3}(?:(?:\.[0-9]{3})++,[0-9]++|(?:\.[0-9]{3}){2,}+)(?![0-9.,][0-9])"
)
_SHORT_FRAC = re.compile(r"\\([dt]?)frac\s?([0-9])\s?([0-9])(?![0-9])")
_POWER = r"10\s?(?:\^\s?|\*\*\s?)(?:\{\s?([-\u2212]?[0-9]{1,3})\s?\}|([-\u2212]?[0-9]{1,3})(?!\w))"
_TIMES_TEN = re.compile(rf"(?<=[0-9])\s?(?:×|\\times|\\cdot|·|\*|x)\s?{_POWER}")
_TEN_TO = re.compile(rf"(?<![\w.^/*×·+)}}-])(?<![*×·+-]\s){_POWER}")
_RAISED = re.compile(r"(?<=10)[⁻⁺]?[⁰¹²³⁴⁵⁶⁷⁸⁹]{1,3}+")
_VULGAR = re.compile(r"([0-9]?)\s?([¼½¾⅐⅑⅒⅓⅔⅕⅖⅗⅘⅙⅚⅛⅜⅝⅞])")
_BEFORE = r"((?:^|[:=(\[{*$\"]|\bis|\bbe|\bequals)[ \t]{0,4})"
_SIGN = re.compile(
    rf"{_BEFORE}(?:[\u2212\u2013][ \t]?|(?i:minus|negative)[ \t])(?=[0-9.$€£¥\\])", re.MULTILINE
)
_HYPHEN = re.compile(r"((?:[:=(]|\bis)[ \t]{0,4})-[ \t](?=[0-9])")
_TEXT_UNIT = re.compile(
    r"(?<=[0-9}%])\s?\\[,;: ]?\s?\\?(?:text|mathrm|mbox|textrm)\s?\{\s?([^{}]*+)\}"
)


def plain_numbers(text: str) -> str:
    """The text with its numbers in the one form that ``NUMBER`` reads; nothing else changes."""
    text = _THIN.sub("", _COMMA.sub(",", text))
    text = _BLANKS.sub(lambda m: m.group().replace(" ", ""), text)
    text = _DOTTED.sub(lambda m: m.group().replace(".", "").replace(",", "."), text)
    text = _SHORT_FRAC.sub(r"\\\1frac{\2}{\3}", text)
    text = _VULGAR.sub(_vulgar, text)
    text = _RAISED.sub(lambda m: "^" + unicodedata.normalize("NFKC", m.group()), text)
    text = _TEN_TO.sub(
        lambda m: "1e" + _exponent(m), _TIMES_TEN.sub(lambda m: "e" + _exponent(m), text)
    )
    return _HYPHEN.sub(r"\1-", _SIGN.sub(r"\1-", text))


def _exponent(match: re.Match[str]) -> str:
    return (match[1] or match[2]).replace("\u2212", "-")


def _vulgar(match: re.Match[str]) -> str:
    fraction = unicodedata.normalize("NFKC", match[2]).replace("\u2044", "/")
    return f"{match[1]} {fraction}" if match[1] else match.group()[: -len(match[2])] + fraction


def number_key(match: re.Match[str]) -> str | None:
    """The exact value of a ``NUMBER`` as a reduced fraction; a percentage keeps its sign."""
    found = match.groupdict()
    try:
        if found["top"] is not None:
            value = _ratio(found["top"], found["bottom"]) + _ratio(found["mixed"] or "0", "1")
        elif found["part"] is not None:
            value = _ratio(found["part"], found["parts"]) + _ratio(found["whole"], "1")
        elif found["num"] is not None:
            value = _ratio(found["num"], found["den"])
        else:
            value = _plain(found["plain"])
    except (ValueError, ZeroDivisionError):
        return None
    if scale := found["big"] or found["scale"]:
        value *= _SCALES[scale if found["big"] else scale.lower()]
    if found["sign"] in ("-", "\u2212", "\u2013") or found["debt"]:
        value = -value
    return f"{value}%" if found["percent"] else str(value)


def _ratio(top: str, bottom: str) -> Fraction:
    if max(len(top), len(bottom)) > _MOST_DIGITS:
        raise ValueError("too many digits")
    return Fraction(int(top), int(bottom))


def _plain(text: str) -> Fraction:
    mantissa, _, exponent = text.lower().rstrip(",").partition("e")
    most = _MOST_MANTISSA_DIGITS if exponent else _MOST_DIGITS
    if len(mantissa) > most or len(exponent) > 5 or abs(int(exponent or 0)) > _MOST_EXPONENT:
        raise ValueError("too large to be an answer")
    whole, _, decimals = mantissa.partition(".")
    groups = whole.split(",")
    if len(groups) > 1 and not (
        1 <= len(groups[0]) <= 3 and all(len(group) == 3 for group in groups[1:])
    ):
        raise ValueError("commas that do not group thousands")
    return Fraction(f"{''.join(groups) or '0'}.{decimals or '0'}e{exponent or 0}")


def literal_number(span: str, *, with_unit: bool = True) -> str | None:
    """The key of a span that is one number and nothing else, but perhaps its unit."""
    text = _TEXT_UNIT.sub(r" \1", plain_numbers(span.strip()))
    text = text.strip(OPENING).removeprefix("\\(").removesuffix("\\)").strip()
    if text.startswith("$") and text.rstrip(CLOSING[:-4]).endswith("$"):
        text = text.strip("$ ").rstrip(".,;:*").rstrip("$ ")
    text = _CODE.sub("", text.lstrip(OPENING), count=1) if text[:1] in "UEGIR" else text
    match = NUMBER.match(text)
    if match is None:
        return None
    rest = text[match.end() :].rstrip(CLOSING)
    if rest and not (with_unit and _UNIT.fullmatch(rest)):
        return None
    return number_key(match)
