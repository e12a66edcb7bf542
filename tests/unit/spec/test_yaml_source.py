from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from archon.core.errors import Problem, SpecError
from archon.spec.scalars import is_plain_text
from archon.spec.writing import to_yaml
from archon.spec.yaml_source import MAX_BYTES, parse_document, read_document


def problems(text: str | bytes) -> tuple[Problem, ...]:
    content = text.encode() if isinstance(text, str) else text
    with pytest.raises(SpecError) as refused:
        parse_document(content, "job.yaml")
    return refused.value.problems


REFUSED: list[tuple[str, str | bytes, int | None, str, str]] = [
    ("empty", "", None, "", "the file is empty"),
    ("only comments", "# nothing\n# here\n", None, "", "the file is empty"),
    ("only a document marker", "---\n", None, "", "the file is empty"),
    ("a list", "- a\n- b\n", 1, "", "expected a mapping, got a list"),
    ("a scalar", "hello\n", 1, "", "expected a mapping, got a single value"),
    ("tab indentation", "a:\n\tb: 1\n", 2, "", "use spaces"),
    ("unclosed bracket", "a: 1\nb: [1, 2\nc: 3\n", 3, "", "Is a bracket left open"),
    ("value with a colon", "a: 1\nmodel: gpt-4: x\n", 2, "", "Quote values that contain a colon"),
    ("two documents", "a: 1\n---\nb: 2\n", 2, "", "Keep one document a file"),
    ("duplicate key", "a: 1\nb:\n  c: 1\n  c: 2\n", 4, "b.c", "'c' stands here and on line 3"),
    ("anchor", "a: &x 1\n", 1, "a", "anchors (&x) are not allowed"),
    ("alias", "a: &x 1\nb: *x\n", 2, "b", "aliases (*x) are not allowed"),
    ("cycle", "a: &x {b: *x}\n", 1, "a.b", "aliases (*x) are not allowed"),
    ("merge key", "a: {b: 1}\nc:\n  <<: {b: 2}\n", 3, "c", "merge keys (<<) are not allowed"),
    ("python tag", "a: !!python/object/apply:os.system [x]\n", 1, "a", "tags (!) are not allowed"),
    ("string tag", "a: !!str 5\n", 1, "a", "tags (!) are not allowed"),
    ("mapping as a key", "? {a: 1}\n: 2\n", 1, "", "a key must be a single word"),
    ("empty key", "a:\n  '': 1\n", 2, "a", "a key is empty"),
    ("too deep", "a: " + "[" * 40 + "]" * 40, 1, "", "nested more than 32 deep"),
    ("too many values", "a: [" + "1," * 20_001 + "]", 1, "", "more than 20,000 values"),
    ("too large", b"a: " + b"x" * MAX_BYTES, None, "", "262,147 bytes; at most 262,144"),
    ("latin-1", "a: 1\nb: café\n".encode("latin-1"), 2, "", "byte 11 (0xe9) is not UTF-8"),
    ("utf-16", "a: 1\n".encode("utf-16"), 1, "", "Save it as UTF-8"),
    ("raw NUL", b"a: 1\nb: x\0y\n", 2, "", "'\\x00' is not allowed"),
    ("escaped NUL", 'a:\n  b: "x\\0y"\n', 2, "a.b", "NUL"),
    ("escaped half pair", 'a:\n  b: ["\\ud800"]\n', 2, "", "invalid Unicode"),
    ("no", "a: no\n", 1, "a", "Write false. If it is text, quote it"),
    ("Yes", "a: Yes\n", 1, "a", "Write true. If it is text, quote it"),
    ("off", "a: off\n", 1, "a", "Write false"),
    ("True", "a: True\n", 1, "a", "Write true"),
    ("NULL", "a: NULL\n", 1, "a", "Write null"),
    ("sexagesimal", "a: 1:30\n", 1, "a", "Write 90, or quote it"),
    ("sexagesimal seconds", "a: 1:30:10\n", 1, "a", "Write 5410, or quote it"),
    ("octal", "a: 012\n", 1, "a", "may be octal"),
    ("new octal", "a: 0o14\n", 1, "a", "is not a decimal number"),
    ("hexadecimal", "a: 0x1F\n", 1, "a", "is not a decimal number"),
    ("binary", "a: 0b11\n", 1, "a", "is not a decimal number"),
    ("underscores", "a: 1_000\n", 1, "a", "underscores"),
    (".nan", "a: .nan\n", 1, "a", "is not a finite number"),
    ("-.inf", "a: -.inf\n", 1, "a", "is not a finite number"),
    ("NaN", '{"a": NaN}', 1, "a", "is not a finite number"),
    ("Infinity", '{"a": -Infinity}', 1, "a", "is not a finite number"),
    ("overflow", "a: 1.0e999\n", 1, "a", "is not a finite number"),
    ("JSON overflow", '{"a": 1e999}', 1, "a", "is not a finite number"),
    ("very long number", "a: " + "9" * 5000, 1, "a", "5000 digits is too long"),
    ("date", "a: 2026-11-23\n", 1, "a", "may be read as a date. Quote it"),
    ("time", "a: 2026-11-23 10:00:00\n", 1, "a", "may be read as a date"),
    ("exponent", "a: 1e3\n", 1, "a", "1e3 is text in YAML. Write 1000"),
]


@pytest.mark.parametrize(
    ("text", "line", "path", "said"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED]
)
def test_a_bad_file_is_refused_with_line_path_and_what_to_do(
    text: str | bytes, line: int | None, path: str, said: str
) -> None:
    found = problems(text)
    assert any(p.line == line and p.path == path and said in str(p) for p in found), found
    assert all(p.file == "job.yaml" for p in found)


def test_all_problems_of_a_file_are_named_at_once_in_the_order_of_lines() -> None:
    found = problems("a: no\nb: &x 012\na: 3\nc: [1:30, !!int 4]\n")
    assert [p.line for p in found] == [1, 2, 2, 3, 4, 4]


def test_an_alias_bomb_is_refused_before_it_grows() -> None:
    text = "a: &a [x,x,x,x,x,x,x,x,x]\n"
    for new, old in zip("bcdefghi", "abcdefgh", strict=True):
        text += f"{new}: &{new} [{','.join([f'*{old}'] * 9)}]\n"
    assert len(problems(text)) == 9 + 8 * 9


def test_plain_values_have_the_types_that_their_look_promises() -> None:
    text = "{a: 1, b: -2.5, c: true, d: null, e: ~, f: 'no', g: \"012\", h: x y, i: 1.0e-3, 1: z}"
    assert parse_document(text.encode(), "j").data == {
        "a": 1, "b": -2.5, "c": True, "d": None, "e": None, "f": "no", "g": "012", "h": "x y",
        "i": 0.001, "1": "z",
    }  # fmt: skip


def test_json_is_read_as_json() -> None:
    text = b'{"a": [1e3, 1E-5, true, null], "b": {"c": "1e3"}}'
    assert parse_document(text, "j").data == {"a": [1000.0, 1e-5, True, None], "b": {"c": "1e3"}}


def test_a_byte_order_mark_and_windows_line_ends_are_accepted() -> None:
    document = parse_document(b"\xef\xbb\xbfa: 1\r\nb:\r\n  - 2\r\n", "j")
    assert document.data == {"a": 1, "b": [2]}
    assert document.line("b[0]") == 3


def test_every_value_has_its_line_and_a_missing_one_has_its_parents() -> None:
    document = parse_document(b"a:\n  b:\n    - c: 1\n    - d d: 2\ne: {f: 3,\n  g: 4}\n", "j")
    assert document.lines == {
        "": 1, "a": 1, "a.b": 2, "a.b[0]": 3, "a.b[0].c": 3, "a.b[1]": 4, "a.b[1]['d d']": 4,
        "e": 5, "e.f": 5, "e.g": 6,
    }  # fmt: skip
    assert document.line("a.b[0].missing.too") == 3
    assert document.line("nowhere") == 1
    said = str(document.problem("e.g", "expected a list.", "Write [4]."))
    assert said == "j:6: e.g: expected a list. Write [4]."


@pytest.mark.parametrize("name", ["missing.yaml", "folder", "pipe", "nul\0name"])
def test_what_is_no_readable_file_is_refused_with_its_path(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(SpecError) as refused:
        read_document(tmp_path / name)
    assert refused.value.problems[0].file == str(tmp_path / name)


def test_a_huge_file_is_refused_without_being_read(tmp_path: Path) -> None:
    path = tmp_path / "huge.yaml"
    with path.open("wb") as target:
        target.truncate(10 * 2**30)
    with pytest.raises(SpecError, match="10,737,418,240 bytes"):
        read_document(path)


yaml_like = st.text(
    st.sampled_from("ab01 :-[]{},'\"\\\n\t#&*!|>%@`?~<=.\x00é\u2028\ufeff"), max_size=80
)


@given(st.one_of(yaml_like.map(str.encode), st.binary(max_size=60)))
@example(b"? [a]\n: *b")
@example(b"a: {? {b: c} : d}")
@example(b"- !<tag:x> &y")
@example(b"%YAML 9.9\n---\na: 1")
def test_any_bytes_are_read_or_refused_as_a_spec_error(content: bytes) -> None:
    try:
        document = parse_document(content, "f")
    except SpecError as refused:
        assert refused.problems
    else:
        assert isinstance(document.data, dict)


def characters() -> st.SearchStrategy[str]:
    return st.characters(exclude_categories=("Cs",), exclude_characters="\0")


scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**30), 10**30),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(characters(), max_size=20),
    st.from_regex(r"\A[-+.0-9eExob:_]{1,8}\Z"),
    st.sampled_from(["no", "1e3", "012", "2026-01-01", "0o7", "NaN", "<<", "=", "1:30", "y", ""]),
)
trees = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.text(characters(), min_size=1, max_size=8), inner, max_size=4),
    ),
    max_leaves=12,
)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(st.text(characters(), min_size=1, max_size=8), trees, max_size=4))
def test_what_is_written_is_read_back_the_same(data: dict[str, object]) -> None:
    text = to_yaml(data)
    if data:
        assert parse_document(text.encode(), "f").data == data
    assert to_yaml(data) == text


@pytest.mark.parametrize("text", ["true", "null", "~", "", "12", "1.5", "no", "1e3", "012", "NaN"])
def test_text_that_looks_like_something_else_is_quoted_when_written(text: str) -> None:
    assert not is_plain_text(text)
    assert to_yaml({"a": text}) == f'a: "{text}"\n'


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (r'{"a": "\ud83d\ude00"}', "\U0001f600"),
        (r'{"a": "x\\ud83d\ude00"}', None),
        (r'{"a": "\\\ud83d\ude00"}', "\\\U0001f600"),
        (r"{a: '\ud83d\ude00'}", r"\ud83d\ude00"),
        (r'{"a": "\ud83d\ud83d\ude00"}', None),
        (r'{"a": "\ud83d"}', None),
        (r'{"a": "\ude00\ud83d"}', None),
    ],
    ids=["pair", "escaped backslash", "after a backslash", "YAML", "half before", "half", "turned"],
)
def test_json_escapes_of_one_character_in_two_halves_are_that_character(
    text: str, value: str | None
) -> None:
    if value is not None:
        assert parse_document(text.encode(), "f").data == {"a": value}
        return
    with pytest.raises(SpecError, match="half a pair"):
        parse_document(text.encode(), "f")
