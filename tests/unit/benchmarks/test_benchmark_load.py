"""What users see of bad benchmark files: all of it, with file and line, before anything runs."""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path

import pytest

from archon.benchmarks.examples import Example
from archon.benchmarks.fields import FieldMap, TargetIs
from archon.benchmarks.load import MAX_SHOWN, from_rows, load
from archon.core.errors import SpecError
from archon.core.messages import Message

GOOD = {"id": "a", "input": "What is 1 + 1?", "target": "2"}


def jsonl(*rows: object) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


def written(folder: Path, content: str | bytes, name: str = "rows.jsonl") -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def refusal(path: Path | str, fields: FieldMap | None = None) -> str:
    with pytest.raises(SpecError) as caught:
        load(path, fields)
    return str(caught.value)


BAD_ROWS = {
    "broken": ('{"id": "b", "input": ', "rows.jsonl:2: column 22: this is not JSON"),
    "nan": ('{"id": "b", "input": "q", "target": NaN}', "NaN is not JSON and not a finite number"),
    "nan without a space": ('{"id": "b", "input": "q","target":NaN}', "NaN is not JSON and not"),
    "infinity without a space": ('{"id":"b","x":[1,-Infinity]}', "-Infinity is not JSON"),
    "infinity": ('{"id": "b", "input": "q", "target": -Infinity}', "-Infinity is not JSON"),
    "list": ("[1, 2]", "rows.jsonl:2: a row must be an object, not a list."),
    "text": ('"hello"', "a row must be an object, not text."),
    "no id": ('{"input": "q"}', "rows.jsonl:2: id: is missing."),
    "id of a strange type": ('{"id": [1], "input": "q"}', "id: must be text or a whole number"),
    "id with a newline": ('{"id": "x\\ny", "input": "q"}', "id: must be up to 200 printable"),
    "no question": ('{"id": "b", "inptu": "q"}', "input: is missing. Did you mean 'inptu'?"),
    "question a number": ('{"id": "b", "input": 4}', "input: must be text or a list of messages"),
    "empty question": ('{"id": "b", "input": ""}', "input: is empty."),
    "blank question": ('{"id": "b", "input": "  \\n "}', "input: is empty."),
    "too long": (json.dumps({"id": "b", "input": "x" * 5_000_000}), "input: is 5,000,000 bytes"),
    "same id": ('{"id": "a", "input": "q"}', "rows.jsonl:2: id: 'a' is already the id of line 1."),
    "nul": ('{"id": "b", "input": "q\\u0000"}', "input: holds a NUL character."),
    "surrogate": ('{"id": "b", "input": "q\\ud800"}', "rows.jsonl:2: column"),
    "role": (
        '{"id": "b", "input": [{"role": "boss", "content": "q"}]}',
        "input[0].role: must be system, user or assistant, not 'boss'.",
    ),
    "content": (
        '{"id": "b", "input": [{"role": "user", "content": null}]}',
        "input[0].content: must be text, not null.",
    ),
    "ends with the assistant": (
        '{"id": "b", "input": [{"role": "assistant", "content": "q"}]}',
        "input: must end with a message of the user",
    ),
    "target an object": ('{"id": "b", "input": "q", "target": {}}', "target: must be a text or a"),
    "no aliases": ('{"id": "b", "input": "q", "target": []}', "target: is an empty list."),
    "one choice": ('{"id": "b", "input": "q", "choices": ["x"]}', "2 to 26 choices, not 1."),
    "no such choice": (
        '{"id": "b", "input": "q", "choices": ["x", "y"], "target": "C"}',
        "target: 'C' is none of the 2 choices. Give a letter (A to B)",
    ),
    "metadata a list": (
        '{"id": "b", "input": "q", "metadata": [1]}',
        "metadata: must be an object",
    ),
    "deep": (
        '{"id": "b", "input": "q", "metadata": ' + '{"a":' * 99 + "1" + "}" * 99 + "}",
        "is nested deeper than 64 levels",
    ),
    "huge number": ('{"id": "b", "input": "q", "target": 1e999}', "rows.jsonl:2: "),
}


@pytest.mark.parametrize(("line", "said"), BAD_ROWS.values(), ids=BAD_ROWS)
def test_load_bad_row_is_named_with_its_line(tmp_path: Path, line: str, said: str) -> None:
    assert said in refusal(written(tmp_path, jsonl(GOOD) + line + "\n"))


def test_load_reports_every_bad_row_and_shows_the_first_20(tmp_path: Path) -> None:
    lines = jsonl(GOOD) + '{"id": 1}\n' * 33
    with pytest.raises(SpecError) as caught:
        load(written(tmp_path, lines))
    assert len(caught.value.problems) == MAX_SHOWN + 1
    assert [p.line for p in caught.value.problems[:3]] == [2, 3, 4]
    assert "33 rows are wrong; the first 20 are shown." in str(caught.value)


def test_load_skips_bad_rows_only_when_told_and_says_which(tmp_path: Path) -> None:
    path = written(tmp_path, jsonl(GOOD) + "nonsense\n" + jsonl({**GOOD, "id": "b"}))
    benchmark = load(path, skip_bad_rows=True)
    assert [example.id for example in benchmark.examples] == ["a", "b"]
    assert "1 rows were left out: lines 2." in benchmark.warnings


def test_load_id_0_and_text_0_are_the_same_id(tmp_path: Path) -> None:
    assert "already the id of line 1" in refusal(
        written(tmp_path, jsonl({**GOOD, "id": 0}, {**GOOD, "id": "0"}))
    )


@pytest.mark.parametrize("content", ["", "\n\n", "\ufeff", "\r\n"], ids=repr)
def test_load_without_rows_is_refused(tmp_path: Path, content: str) -> None:
    assert "the benchmark has no rows. The file is empty." in refusal(written(tmp_path, content))


def test_load_accepts_bom_crlf_and_blank_lines(tmp_path: Path) -> None:
    text = "\ufeff" + json.dumps(GOOD) + "\r\n\r\n" + json.dumps({**GOOD, "id": "b"}) + "\r\n"
    plain = load(written(tmp_path, jsonl(GOOD, {**GOOD, "id": "b"}), "plain.jsonl"))
    benchmark = load(written(tmp_path, text))
    assert benchmark.examples == plain.examples
    assert benchmark.fingerprint == plain.fingerprint


def test_load_refuses_latin_1_with_the_offset(tmp_path: Path) -> None:
    before = jsonl(GOOD).encode() + b'{"id": "caf'
    said = refusal(written(tmp_path, before + b'\xe9"}\n'))
    assert f"rows.jsonl:2: byte 0xe9 at offset {len(before)} is not UTF-8. Save the file" in said


def test_load_refuses_a_raw_nul_with_its_line(tmp_path: Path) -> None:
    assert "rows.jsonl:2: there is a NUL character" in refusal(
        written(tmp_path, jsonl(GOOD).encode() + b"\0\n")
    )


def test_load_warns_when_all_targets_are_the_same(tmp_path: Path) -> None:
    rows = [{**GOOD, "id": i} for i in range(12)]
    (warning,) = load(written(tmp_path, jsonl(*rows))).warnings
    assert warning.startswith("All 12 targets are '2'")


def test_load_warns_when_there_are_few_rows(tmp_path: Path) -> None:
    assert "only 1 examples" in load(written(tmp_path, jsonl(GOOD))).warnings[0]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("missing.jsonl", "there is no such file."),
        ("folder", "this is a directory. Name a .jsonl"),
        ("pipe.jsonl", "this is a pipe, socket or device."),
        ("nul\0.jsonl", "a path cannot hold a NUL character."),
        ("x" * 300 + ".jsonl", "cannot be read"),
        ("rows.txt", "the format of '.txt' is not known. Use .jsonl"),
        ("rows", "is not known"),
    ],
)
def test_load_bad_path_is_refused_by_what_is_there(tmp_path: Path, name: str, said: str) -> None:
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe.jsonl")
    written(tmp_path, jsonl(GOOD), "rows.txt")
    written(tmp_path, jsonl(GOOD), "rows")
    assert said in refusal(f"{tmp_path}/{name}")


def test_load_without_permission_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # The tests may run as root, whom no file mode stops: the refusal is the system's, as raised.
    def refused(path: Path, *arguments: object, **named: object) -> None:
        raise PermissionError(13, "Permission denied")

    path = written(tmp_path, jsonl(GOOD))
    monkeypatch.setattr(Path, "open", refused)
    assert "you may not read this file. Check its permissions." in refusal(path)


def test_load_unpacks_gzip(tmp_path: Path) -> None:
    path = written(tmp_path, gzip.compress(jsonl(GOOD).encode()), "rows.jsonl.gz")
    benchmark = load(path)
    assert (benchmark.name, len(benchmark.examples)) == ("rows", 1)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (gzip.compress(b" " * 3_000_000), "it unpacks to more than 100 times its size."),
        (gzip.compress(jsonl(GOOD).encode())[:-9], "this is not a whole gzip file"),
        (b"not gzip at all", "this is not a whole gzip file"),
    ],
    ids=["bomb", "cut off", "no gzip"],
)
def test_load_bad_gzip_is_refused(tmp_path: Path, content: bytes, said: str) -> None:
    assert said in refusal(written(tmp_path, content, "rows.jsonl.gz"))


@pytest.mark.parametrize(
    ("content", "looks"),
    [(gzip.compress(b"{}"), "gz"), (b"PAR1PAR1", "parquet")],
    ids=["gzip", "parquet"],
)
def test_load_wrong_extension_is_named(tmp_path: Path, content: bytes, looks: str) -> None:
    said = refusal(written(tmp_path, content))
    assert f"the name ends in .jsonl, but the content is {looks}" in said


def test_fields_dotted_names_and_indices_read_hub_style_rows() -> None:
    row = {
        "question": "Which barks?",
        "choices": {"text": ["a cat", "a dog"], "label": ["A", "B"]},
        "answer": 1,
        "subject": "animals",
    }
    fields = FieldMap(id=None, question="question", target="answer", choices="choices.text")
    (example,) = from_rows([row], "hub", fields).examples
    assert (example.target, example.choices) == ("B", ("a cat", "a dog"))
    assert example.metadata == {"subject": "animals"}
    assert example.question == (
        Message(
            "user",
            "Which barks?\n\nA. a cat\nB. a dog\n\nAnswer with the letter of the right choice.",
        ),
    )


@pytest.mark.parametrize(
    ("target", "read"),
    [("2", "2"), (2, "2"), (2.5, "2.5"), (True, "true"), (["x", 3], ("x", "3")), (None, None)],
    ids=repr,
)
def test_target_of_any_plain_type_becomes_text(target: object, read: object) -> None:
    assert one({**GOOD, "target": target}).target == read


@pytest.mark.parametrize("target", ["B", "b", 1, "two"])
def test_target_of_choices_may_be_letter_position_or_text(target: object) -> None:
    assert one({**GOOD, "choices": ["one", "two"], "target": target}).target == "B"


AMBIGUOUS = {
    "number": ([2, 0, 1], 1, {"position": "B", "text": "C", "position_from_1": "A"}),
    "digits": (["2", "0", "1"], "1", {"position": "B", "text": "C", "position_from_1": "A"}),
    "float": ([2.0, 0.0, 1.0], 1.0, {"position": "B", "text": "C"}),
}


@pytest.mark.parametrize(("choices", "target", "read"), AMBIGUOUS.values(), ids=list(AMBIGUOUS))
def test_target_that_means_two_choices_is_refused_until_the_job_says_which(
    choices: list[object], target: object, read: dict[TargetIs, str]
) -> None:
    row = {**GOOD, "choices": choices, "target": target}
    with pytest.raises(SpecError, match=r"target: .* means different choices.*target_is: ") as two:
        one(row)
    for how, meant in read.items():
        assert one(row, FieldMap(target_is=how)).target == meant
        assert how == "position_from_1" or f"{meant} as {how}" in str(two.value)


CLEAR = {
    "both ways the same": (["0", "1"], 1, None, "B"),
    "text, no position": (["10", "20", "30"], "20", None, "B"),
    "labels of ARC": (["w", "x", "y", "z"], "4", "position_from_1", "D"),
    "HellaSwag": (["w", "x", "y", "z"], "3", "position", "D"),
    "float of a table": (["w", "x"], 1.0, None, "B"),
    "letter": (["B", "A"], "A", None, "A"),
    "letter as text": (["B", "A"], "A", "text", "B"),
}


@pytest.mark.parametrize(("choices", "target", "how", "read"), CLEAR.values(), ids=list(CLEAR))
def test_target_of_choices_is_read(
    choices: list[object], target: object, how: TargetIs | None, read: str
) -> None:
    row = {**GOOD, "choices": choices, "target": target}
    assert one(row, FieldMap(target_is=how)).target == read


def test_target_that_is_not_what_the_job_says_is_refused() -> None:
    row = {**GOOD, "choices": ["x", "y"], "target": "B"}
    with pytest.raises(SpecError, match="'B' names none of the 2 choices as position from 1"):
        one(row, FieldMap(target_is="position_from_1"))


def test_whole_numbers_stay_exact_however_long(tmp_path: Path) -> None:
    numbers = [2**63, 2**64 - 1, 2**64, 10**40 + 7, -(10**30) - 1]
    lines = "".join(f'{{"id": {n}, "input": "q", "target": {n}}}\n' for n in numbers)
    examples = load(written(tmp_path, lines)).examples
    assert [e.target for e in examples] == [e.id for e in examples] == [str(n) for n in numbers]


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        (FieldMap(target="tagret"), "fields.target: there is no field 'tagret'"),
        (FieldMap(question="inptu"), "fields.question: there is no field 'inptu'"),
        (FieldMap(choices="targets.text"), "fields.choices: there is no field 'targets.text'"),
    ],
    ids=["target", "question", "choices"],
)
def test_field_that_no_row_has_is_said_once(tmp_path: Path, fields: FieldMap, said: str) -> None:
    rows = jsonl(*({**GOOD, "id": i} for i in range(30)))
    message = refusal(written(tmp_path, rows), fields)
    assert len(message.splitlines()) == 1
    assert said in message
    assert "there is: id, input, target. Did you mean" in message


def test_metadata_keeps_unmapped_fields_or_only_those_named() -> None:
    row = {**GOOD, "level": 3, "metadata": {"hint": "add"}}
    assert one(row).metadata == {"level": 3, "hint": "add"}
    assert one(row, FieldMap(metadata=("level",))).metadata == {"level": 3}


def test_history_of_a_chat_stays_and_only_the_question_gets_choices() -> None:
    chat = [
        {"role": "system", "content": "Be short."},
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "Hello"},
        {"role": "user", "content": "Which one?"},
    ]
    example = one({"id": "a", "input": chat, "choices": ["x", "y"], "target": "A"})
    assert [m.content for m in example.question[:3]] == ["Be short.", "Hi", "Hello"]
    assert example.question[3].content.startswith("Which one?\n\nA. x\nB. y")


def test_target_and_metadata_never_reach_the_question() -> None:
    row = {
        "id": "canary-id",
        "input": "Which?",
        "target": "canary-target",
        "metadata": {"solution": "canary-solution"},
    }
    assert "canary" not in str(one(row).question)


def test_derived_ids_depend_on_content_and_repeated_questions_are_refused() -> None:
    fields = FieldMap(id=None)
    rows = [{"input": "q1", "target": "x"}, {"input": "q2", "target": "x"}]
    ids = [example.id for example in from_rows(rows, "t", fields).examples]
    turned = [example.id for example in from_rows(rows[::-1], "t", fields).examples]
    assert len(set(ids)) == 2 and ids == turned[::-1]
    with pytest.raises(SpecError, match="the same question as in line 1"):
        from_rows([rows[0], rows[0]], "t", fields)


def test_fingerprint_ignores_order_and_notices_any_change() -> None:
    rows = [{**GOOD, "id": i} for i in range(3)]
    prints = {
        from_rows(variant, "t").fingerprint
        for variant in (rows, rows[::-1], [*rows[:2], {**rows[2], "target": "3"}])
    }
    assert len(prints) == 2


def one(row: dict[str, object], fields: FieldMap | None = None) -> Example:
    (example,) = from_rows([row], "t", fields).examples
    return example
