r"""Places in a reply where an answer can stand: marked spans, boxes, bold spans, lines.

What stands there is for the readers of each kind of answer. Time is linear in the text.
"""

from __future__ import annotations

import re

from archon.components.answer_numbers import literal_number

_MOST_MARKERS = 20

_SAYS = (
    r"(?:is\b|=|[:：]|(?:should|would|must|will)\ be\b|[-–—]\s"
    r"|to\ [^:\n.]{1,100}?\ is\b)[*_`:\s]{0,12}"
)
_MARKER = re.compile(
    rf"(?P<tag><answer>\s{{0,8}})|(?P<word>\banswer)[*_\"\s]{{0,8}}+{_SAYS}|答案(?:[是为:：]|\s)++",
    re.IGNORECASE | re.VERBOSE,
)
_CHOICE_MARKER = re.compile(
    rf"\b(?:option|choice|letter)[*_\"\s]{{0,8}}+{_SAYS}", re.IGNORECASE | re.VERBOSE
)
_HEADING = re.compile(
    r"^[#*_ \t]{0,8}+(?:(?:the|my|final|correct|best|short) ){0,3}+answer[*_ \t]*+$\s{0,8}",
    re.IGNORECASE | re.MULTILINE,
)
_HASHES = re.compile(r"^####[ \t]?+(?=[^#\s])", re.MULTILINE)
_BOX = re.compile(r"\\f?box(?:ed)?\s?\{")
_BOLD = re.compile(r"\*\*([^*\n]{1,300})\*\*(?!:)")
_HEADS = re.compile(
    r"(?:(?:final|the|my|correct) )?(?:step|part|note|answer|option|reason|explanation|solution)"
    r"\b(?! [A-Z]\b)|[0-9]{1,2}[.)] ",
    re.IGNORECASE,
)
_DISPLAYS = (
    re.compile(r"\$\$([^$]++)\$\$"),
    re.compile(r"(?<!\\)\\\[((?:[^\\]|\\(?![\[\]]))*+)\\\]"),
    re.compile(r"(?<!\\)\\\(((?:[^\\\n]|\\(?![()]))*+)\\\)"),
)
_DOLLARS = re.compile(r"(?<!\\)\$((?:[^$\n\\]|\\.)++)\$")
_EXPLAINS = re.compile(
    r"[#*_ \t]{0,8}(?:explanation|reasons?|reasoning|rationale|justification|because|note"
    r"|this (?:is because|follows)|here(?:'s|’s| is) why)\b",
    re.IGNORECASE,
)
_FAREWELL = re.compile(
    r"[*_\s]{0,8}(?:let me know|i hope (?:this|that|it)|hope (?:this|that)|feel free"
    r"|if you have any)\b",
    re.IGNORECASE,
)
_LONGEST_FIRST_LINE = 200

_REASON = r",? (?:because|since)\b|, (?:as|so|which|who|where|but|not|i\.e)\b| (?:—|–) (?=[a-z])"
_CLAUSE_END = re.compile(rf"(?<=\S)(?:(?<!\\)[.!?](?=[\s*_\"]|$)|;|{_REASON})")
_SENTENCE = re.compile(rf"(?<=\S)(?:(?<![\W_])\.[*_\"]{{0,3}}\s+(?=[A-Z\"(*])|{_REASON})")
_ABBREVIATIONS = re.compile(
    r"(?i:mrs|gen|sen|gov|inc|ltd|prof|rev|hon|col|capt|vol|ave|etc|rep)|[^\W\d]{1,2}|.*\..*"
)


def one_line_math(text: str) -> str:
    r"""The text with ``\[..\]``, ``\(..\)`` and ``$$..$$`` written as ``$..$`` on one line each."""
    for display in _DISPLAYS:
        text = display.sub(lambda m: f"${' '.join(m[1].split())}$", text)
    return text


def without_farewell(text: str) -> str:
    """The text without a last line that wishes well or offers more help."""
    before, line_break, last = text.rstrip().rpartition("\n")
    return before if line_break and before.strip() and _FAREWELL.match(last) else text


def marked(text: str, *, choices: bool = False) -> list[str]:
    """What follows ``Answer:``, ``the answer is``, ``####`` and the like, the last one first.

    Each goes up to the end of its line (of the next one that holds anything, where the line ends
    with the marker). ``####`` also opens headings: it counts before the last line of the text, or
    before a bare number. ``choices``: ``the correct option is`` counts as well.
    """
    found = [(m.end(), _up_to_its_end(text, m)) for m in _MARKER.finditer(text)]
    found += [(m.end(), _line_at(text, m.end())) for m in _HEADING.finditer(text)]
    last_line_at = text.rstrip().rfind("\n") + 1
    for m in _HASHES.finditer(text):
        line = _line_at(text, m.end())
        if m.start() >= last_line_at or literal_number(line) is not None:
            found.append((m.end(), line))
    if choices:
        found += [(m.end(), _line_at(text, m.end())) for m in _CHOICE_MARKER.finditer(text)]
    spans = [span for _, span in sorted(found, key=lambda pair: -pair[0])]
    return [span for span in spans if span][:_MOST_MARKERS]


def _up_to_its_end(text: str, marker: re.Match[str]) -> str:
    start = marker.end()
    if marker["tag"]:
        inside, closing, _ = text[start : start + 1000].partition("</")
        return inside.strip() if closing else _line_at(text, start)
    line = _line_at(text, start)
    if marker["word"] and text[marker.start() - 1 : marker.start()] == '"' and line[:1] == '"':
        return line[1:].partition('"')[0].strip()  # a field of a JSON object
    return line


def _line_at(text: str, start: int) -> str:
    end = text.find("\n", start)
    return text[start : len(text) if end < 0 else end].strip()


def boxed(text: str) -> str | None:
    r"""What the last ``\boxed{...}`` holds, with balanced braces, ``\{`` and ``\}`` aside."""
    starts = [match.end() for match in _BOX.finditer(text)]
    if not starts:
        return None
    depth, i = 1, starts[-1]
    while i < len(text):
        if text[i] == "\\":
            i += 2
            continue
        depth += (text[i] == "{") - (text[i] == "}")
        if depth == 0:
            return text[starts[-1] : i]
        i += 1
    return None


def bold(text: str) -> str | None:
    """The last bold span that is no heading."""
    spans = [
        span
        for span in _BOLD.findall(text)
        if not span.rstrip().endswith(":") and not _HEADS.match(span)
    ]
    return spans[-1] if spans else None


def dollars(text: str) -> list[str]:
    """What stands between dollars, in order."""
    return [span for span in _DOLLARS.findall(text) if span.strip()]


def lines_of(text: str) -> list[str]:
    """The lines that hold anything."""
    return [line.strip() for line in text.splitlines() if line.strip()]


def last_line(text: str) -> str:
    """The last line that holds anything; "" if there is none."""
    return text.strip().rpartition("\n")[2].strip()


def explained_line(text: str) -> str | None:
    """The first line, where a blank line and then an explanation of it follow; else None.

    An explanation says so in its first word, or begins with the words of that line.
    """
    first, _, rest = text.strip().partition("\n")
    first = first.strip()
    if rest.partition("\n")[0].strip() or len(first) > _LONGEST_FIRST_LINE:
        return None
    rest = rest.lstrip()
    repeated = first.strip("*_`. ").casefold()
    is_explained = bool(_EXPLAINS.match(rest)) or (
        bool(repeated) and rest[: len(repeated) + 1].casefold() in (repeated + " ", repeated + ",")
    )
    return first if rest and is_explained and not first.endswith(":") else None


def first_clause(span: str) -> str:
    """The span up to the end of its first sentence, or to where it gives a reason."""
    match = _CLAUSE_END.search(span)
    return span[: match.start()] if match else span


def first_sentence(span: str) -> str:
    """As ``first_clause``, for names: a full stop after an abbreviation or an initial ends none."""
    for match in _SENTENCE.finditer(span):
        before = span[max(0, match.start() - 40) : match.start()]
        word = before.rpartition(" ")[2].strip("*_\"'()")
        is_stop = match.group().startswith(".")
        if not (is_stop and _ABBREVIATIONS.fullmatch(word)):
            return span[: match.start()]
    return span
