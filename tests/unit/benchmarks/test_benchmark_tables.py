"""CSV, Parquet and Hugging Face data sets."""

from __future__ import annotations

import datetime
import socket
from pathlib import Path
from typing import Any, NoReturn

import pyarrow
import pyarrow.parquet
import pytest

from archon.benchmarks import hub
from archon.benchmarks.fields import FieldMap
from archon.benchmarks.hub import load_hub
from archon.benchmarks.load import load
from archon.core.errors import SetupError, SpecError

ROWS: list[dict[str, Any]] = [
    {"id": "a", "input": "What is 1 + 1?", "target": "2"},
    {"id": "b", "input": "Who, if\nanyone?", "target": "nobody"},
]


def csv_file(folder: Path, text: str) -> Path:
    path = folder / "rows.csv"
    path.write_bytes(text.encode())
    return path


def test_csv_reads_quotes_newlines_bom_and_crlf(tmp_path: Path) -> None:
    text = '\ufeffid,input,target\r\na,What is 1 + 1?,2\r\nb,"Who, if\nanyone?",nobody\r\n'
    first, second = load(csv_file(tmp_path, text)).examples
    assert (first.target, first.line) == ("2", 2)
    assert (second.question[0].content, second.line) == ("Who, if\nanyone?", 3)


def test_csv_cells_hold_choices_as_json_and_other_columns_as_metadata(tmp_path: Path) -> None:
    text = 'id,input,target,choices,level\na,Which?,B,"[""x"", ""y""]",hard\n'
    (example,) = load(csv_file(tmp_path, text)).examples
    assert (example.choices, example.target) == (("x", "y"), "B")
    assert example.metadata == {"level": "hard"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "the benchmark has no rows."),
        ("id,input,target\n", "the benchmark has no rows."),
        ("id,input\na,q,too many\n", "rows.csv:2: 3 cells, but the header names 2 fields."),
        ('id,input\na,"never closed\n', "rows.csv:2: this is not CSV"),
        ("id,input\na,q\0\n", "rows.csv:2: there is a NUL character"),
        ("id,input,id\na,q,b\n", "rows.csv:1: two fields are named 'id'."),
        ("id,question\na,q\n", "input: is missing."),
        ("id,input,choices\na,q,x|y\n", "choices: is not JSON"),
    ],
    ids=["empty", "header only", "ragged", "unclosed", "nul", "twice", "field", "choices"],
)
def test_csv_bad_file_is_named_with_its_line(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(SpecError) as caught:
        load(csv_file(tmp_path, text))
    assert said in str(caught.value)


def test_parquet_rows_equal_those_of_jsonl(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    rows = [{**row, "when": datetime.date(2026, 1, i + 1)} for i, row in enumerate(ROWS)]
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), path)
    examples = load(path).examples
    assert [e.question[0].content for e in examples] == [row["input"] for row in ROWS]
    assert examples[1].metadata == {"when": "2026-01-02"}


def table_file(folder: Path, *rows: dict[str, Any]) -> Path:
    path = folder / "rows.parquet"
    names = {name: None for row in rows for name in row}
    table = pyarrow.Table.from_pylist([{**names, **row} for row in rows])
    pyarrow.parquet.write_table(table, path)
    return path


def test_parquet_nan_and_bytes_are_refused_where_they_are_wanted(tmp_path: Path) -> None:
    rows = [{**ROWS[0], "score": float("nan")}, {**ROWS[1], "picture": b"\x89PNG"}]
    path = table_file(tmp_path, *rows)
    with pytest.raises(SpecError) as caught:
        load(path, FieldMap(metadata=("score", "picture")))
    assert ":1: score: nan is not a finite number." in str(caught.value)
    assert ":2: picture: holds bytes, which has no text form." in str(caught.value)
    with pytest.raises(SpecError, match="2: picture: holds bytes"):
        load(path, FieldMap(target="picture"))


def test_parquet_columns_without_a_text_form_are_left_out_with_a_note(tmp_path: Path) -> None:
    odd = {"score": float("nan"), "picture": b"\x89", "took": datetime.timedelta(1), "level": 3}
    benchmark = load(table_file(tmp_path, {**ROWS[0], **odd}, {**ROWS[1], **odd}))
    assert [example.metadata for example in benchmark.examples] == [{"level": 3}] * 2
    (note,) = [warning for warning in benchmark.warnings if "Metadata" in warning]
    assert "'picture', 'score', 'took'" in note


def test_parquet_whole_numbers_kept_as_floats_are_whole_numbers(tmp_path: Path) -> None:
    rows = [{**ROWS[0], "target": 18.0}, {**ROWS[1], "target": 2.5}]
    assert [e.target for e in load(table_file(tmp_path, *rows)).examples] == ["18", "2.5"]


def test_csv_cell_that_is_a_list_of_texts_is_a_list_of_aliases(tmp_path: Path) -> None:
    text = 'id,input,target\na,q,"[""Rome"", ""Roma""]"\nb,q,"[1, 2]"\nc,q,[sic]\n'
    examples = load(csv_file(tmp_path, text)).examples
    assert [e.target for e in examples] == [("Rome", "Roma"), "[1, 2]", "[sic]"]


def test_csv_cell_may_be_as_long_as_a_question(tmp_path: Path) -> None:
    long = "x" * 900_000
    (example,) = load(csv_file(tmp_path, f"id,input,target\na,{long},2\n")).examples
    assert example.question[0].content == long
    with pytest.raises(SpecError, match="input: is 1,000,001 bytes long"):
        load(csv_file(tmp_path, f"id,input,target\na,{'x' * 1_000_001},2\n"))


def test_csv_positions_of_choices_are_read_as_the_job_says(tmp_path: Path) -> None:
    path = csv_file(tmp_path, 'id,input,target,choices\na,Which?,1,"[""x"", ""y""]"\n')
    with pytest.raises(SpecError, match="target_is: position or position_from_1"):
        load(path)
    assert load(path, FieldMap(target_is="position")).examples[0].target == "B"
    assert load(path, FieldMap(target_is="position_from_1")).examples[0].target == "A"


@pytest.mark.parametrize("cut", [-9, 12], ids=["end missing", "start only"])
def test_parquet_cut_off_is_refused(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "rows.parquet"
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(ROWS), path)
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(SpecError, match="not a whole Parquet file"):
        load(path)


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    import datasets

    path = tmp_path / "saved"
    halves = {
        "train": datasets.Dataset.from_list(ROWS),
        "test": datasets.Dataset.from_list(ROWS[:1]),
    }
    datasets.DatasetDict(halves).save_to_disk(path)
    return path


def test_hub_reads_a_saved_split(saved: Path) -> None:
    assert [e.id for e in load_hub(str(saved), split="train").examples] == ["a", "b"]
    assert [e.id for e in load_hub(str(saved), split="test").examples] == ["a"]


@pytest.mark.parametrize(
    ("split", "said"), [("", "which split is meant?"), ("dev", "no split 'dev'")]
)
def test_hub_unclear_split_lists_those_there_are(saved: Path, split: str, said: str) -> None:
    with pytest.raises(SpecError) as caught:
        load_hub(str(saved), split=split)
    assert said in str(caught.value) and "There is: train, test." in str(caught.value)


def test_hub_directory_that_holds_no_data_set_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="cannot be loaded"):
        load_hub(str(tmp_path), FieldMap())


def test_hub_without_the_package_names_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "find_spec", lambda name: None)
    with pytest.raises(SetupError, match=r"pip install 'archon\[datasets\]'"):
        load_hub("owner/name")


def in_hub_cache(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Keep "owner/name" where the package keeps what it has loaded once."""
    import datasets

    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", folder)
    kept = folder / "owner___name" / "default" / "0.0.0" / "0123abcd"
    kept.mkdir(parents=True)
    rows = datasets.Dataset.from_list(ROWS)
    with datasets.arrow_writer.ArrowWriter(
        path=str(kept / "name-train.arrow"), features=rows.features
    ) as writer:
        for row in rows:
            writer.write(row)
        n_rows, n_bytes = writer.finalize()
    split = datasets.SplitInfo("train", n_bytes, n_rows, dataset_name="name")
    info = rows.info
    info.splits = datasets.SplitDict({"train": split})
    info.builder_name, info.dataset_name, info.config_name = "parquet", "name", "default"
    info.version = datasets.Version("0.0.0")
    info.write_to_directory(str(kept))


@pytest.fixture
def cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever looks a host up is found out."""

    def look_up(host: object, *_: object, **__: object) -> NoReturn:
        raise AssertionError(f"{host} was looked up")

    monkeypatch.setattr(socket, "getaddrinfo", look_up)


@pytest.mark.usefixtures("cut_off")
def test_hub_offline_asks_nobody_and_says_what_is_not_here(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    in_hub_cache(monkeypatch, tmp_path)
    with pytest.raises(SpecError, match=r"other: .* not on this machine, and ARCHON_OFFLINE"):
        load_hub("owner/other", is_offline=True)
    with pytest.raises(AssertionError, match="was looked up"):
        load_hub("owner/other")


@pytest.mark.usefixtures("cut_off")
def test_hub_offline_reads_what_was_loaded_before(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    in_hub_cache(monkeypatch, tmp_path)
    found = load_hub("owner/name", is_offline=True)
    assert [e.id for e in found.examples] == ["a", "b"]
    doubts = load_hub("owner/name", revision="v2", is_offline=True).warnings
    assert any("may not be revision 'v2'" in doubt for doubt in doubts)
    assert not any("revision" in doubt for doubt in found.warnings)
