"""What reaches a terminal, a pipe, a full disk, or nobody at all."""

from __future__ import annotations

import asyncio
import json
import os
import pty
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from rich.console import Console

from archon.cli.output import out, table, visible
from tests.commands import RUN, archon, environment_of
from tests.jobs import write_job
from tests.stub import Stub, running_stub

NASTY = "red \x1b[31m title \x1b]0;owned\x07 link \x1b]8;;http://x\x1b\\ c1 \x9b2J bell\x07"


@pytest.fixture
async def stub() -> AsyncIterator[Stub]:
    async with running_stub(Stub()) as stub:
        yield stub


@pytest.fixture
def echo(stub: Stub, tmp_path: Path) -> str:
    """A pipeline that says what it is asked."""
    (tmp_path / "echo.yaml").write_text(
        f"models: {{m: {{url: '{stub.base_url}', model: echo}}}}\n"
        "layers: [{generate: {model: m}}]\n"
    )
    return "echo.yaml"


async def shell(line: str, folder: Path, **more: str) -> tuple[int, str, str]:
    """Run a line of bash in which ``archon`` is the command; the code is of the first in a pipe."""
    run = f"{sys.executable} -c 'from archon.cli.main import run; run()'"
    script = f'archon() {{ {run} "$@"; }}; {line}; exit "${{PIPESTATUS[0]}}"'
    process = await asyncio.create_subprocess_exec(
        *("bash", "-c", script),
        cwd=folder,
        env=environment_of(folder, more),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    said, told = await process.communicate()
    assert process.returncode is not None
    return process.returncode, said.decode(), told.decode()


async def on_a_terminal(*args: str, folder: Path) -> str:
    """What ``archon ARGS`` writes to a terminal."""
    screen, terminal = pty.openpty()
    try:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", "from archon.cli.main import run; run()", *args),
            cwd=folder,
            env=environment_of(folder, {"TERM": "dumb"}),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=terminal,
            stderr=asyncio.subprocess.DEVNULL,
        )
        await process.wait()
        return os.read(screen, 100_000).decode()
    finally:
        os.close(screen)
        os.close(terminal)


def controls(text: str) -> set[str]:
    return {c for c in text if (ord(c) < 32 or 127 <= ord(c) < 160) and c not in "\n\t"}


async def test_answer_goes_into_a_pipe_as_it_is(echo: str, tmp_path: Path) -> None:
    text = f"a\tb\r\nc\rd {NASTY}"
    (tmp_path / "question").write_bytes(text.encode())
    code, said, told = await shell(f"archon ask {echo} - < question | cat", tmp_path)
    assert code == 0, told
    assert said == f"{text}\n"


async def test_answer_on_a_terminal_shows_controls_and_obeys_none(
    echo: str, tmp_path: Path
) -> None:
    said = await on_a_terminal("ask", echo, f"first\nsecond {NASTY}", folder=tmp_path)
    assert controls(said.replace("\r\n", "\n")) == set()  # a terminal adds \r to every line feed
    assert r"red \x1b[31m" in said
    assert r"c1 \x9b2J" in said


async def test_pages_tables_and_errors_obey_no_text_of_a_model(stub: Stub, tmp_path: Path) -> None:
    job = write_job(
        tmp_path,
        stub.base_url,
        models={"small": {"url": stub.base_url, "model": "echo"}},
        budget={"trials": 1},
        benchmark={"file": "nasty.jsonl", "scorer": {"kind": "exact"}},
    )
    rows = [{"id": f"q{i}", "input": f"{i} {NASTY}", "target": NASTY} for i in range(12)]
    (tmp_path / "nasty.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    ran = await archon("search", str(job), "--ask", NASTY, folder=tmp_path)
    assert ran.code == 0, ran.err
    trial = await archon("show", "sums", "--trial", "0", folder=tmp_path)
    page = json.loads((await archon("show", "sums", "--trial", "0", "--json", folder=tmp_path)).out)
    example = page["results"]["search"][0]["example"]
    args = ("show", "sums", "--trial", "0", "--question", example, "--prompts")
    question = await archon(*args, folder=tmp_path)
    as_json = await archon(*args, "--json", folder=tmp_path)
    wrong = await archon("show", f"no {NASTY}", folder=tmp_path)
    for text in (ran.out, ran.err, trial.out, question.out, as_json.out, wrong.err):
        assert controls(text) == set()
    assert r"\x1b[31m" in question.out
    assert NASTY in json.loads(as_json.out)["calls"][0]["call"]["text"]


def test_visible_text_keeps_what_is_no_control() -> None:
    assert visible("é\tß\n漢 \u200d") == "é\tß\n漢 \u200d"
    assert visible("a\r\nb\rc\x00") == "a\nb\\rc\\x00"


async def test_study_goes_on_when_nobody_reads_its_progress(stub: Stub, tmp_path: Path) -> None:
    stub.latency_s = 0.02
    job = write_job(tmp_path, stub.base_url, budget={"trials": 4})
    line = f"archon search {job.name} --export best.yaml 2>&1 | head -2"
    code, said, _ = await shell(line, tmp_path)
    assert code == 0
    assert "Traceback" not in said
    (entry,) = json.loads((await archon("ls", "--json", folder=tmp_path)).out)["studies"]
    assert entry["state"] == "completed"
    assert (tmp_path / "best.yaml").exists()


@pytest.mark.parametrize(
    "args",
    [
        "--help",
        "--version",
        "ls",
        "ls --json",
        "components",
        "components --json",
        "show sums",
        "export sums",
    ],
)
async def test_closed_pipe_ends_a_command_quietly(stub: Stub, tmp_path: Path, args: str) -> None:
    job = write_job(tmp_path, stub.base_url, budget={"trials": 1})
    if "sums" in args:
        await archon("search", str(job), folder=tmp_path)
    code, _, told = await shell(f"archon {args} | true", tmp_path)
    assert code == 0
    assert "Traceback" not in told
    assert "Broken pipe" not in told
    assert "Exception" not in told


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="a device of Linux")
@pytest.mark.parametrize("args", ["ls", "components --json", "--version", "ask echo.yaml hello"])
async def test_full_disk_is_said_in_a_sentence(echo: str, tmp_path: Path, args: str) -> None:
    code, _, told = await shell(f"archon {args} > /dev/full", tmp_path)
    assert code == 1
    assert "cannot be written: No space left on device" in told
    assert "Traceback" not in told
    assert "Exception" not in told


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="a device of Linux")
async def test_closed_or_full_streams_change_no_exit_code(tmp_path: Path) -> None:
    for line, code in (
        ("archon ls >&-", 0),
        ("archon ls 2>&-", 0),
        ("archon components nothing >&- 2>&-", 2),
        ("archon shw 2> /dev/full", 2),
        ("archon components nothing 2> /dev/full", 2),
    ):
        ended, _, told = await shell(line, tmp_path)
        assert (line, ended, told) == (line, code, "")


async def test_terminal_that_knows_ascii_only_loses_no_answer(echo: str, tmp_path: Path) -> None:
    args = ("ask", echo, "Zürich 😀")
    ran = await archon(*args, folder=tmp_path, PYTHONIOENCODING="ascii")
    assert (ran.code, ran.out) == (0, "Z\\xfcrich \\U0001f600\n")
    ran = await archon(*args, "--json", folder=tmp_path, PYTHONIOENCODING="ascii")
    assert ran.code == 0
    assert json.loads(ran.out)["answer"] == "Zürich 😀"


async def test_question_that_is_not_utf8_is_refused_before_it_is_sent(
    stub: Stub, echo: str, tmp_path: Path
) -> None:
    (tmp_path / "latin").write_bytes("Zürich".encode("latin-1"))
    for line in (f"archon ask {echo} - < latin", f'archon ask {echo} "$(cat latin)"'):
        code, _, told = await shell(line, tmp_path)
        assert code == 2
        assert "UTF-8" in told
        assert "Traceback" not in told
    assert stub.ledger.requests == 0


async def test_ctrl_c_at_a_prompt_of_init_is_130(tmp_path: Path) -> None:
    screen, terminal = pty.openpty()
    try:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", RUN, "init"),
            cwd=tmp_path,
            env=environment_of(tmp_path, {}),
            stdin=terminal,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        assert process.stdout is not None
        said = await process.stdout.readuntil(b"shipped benchmark)")
        process.send_signal(signal.SIGINT)
        said += await process.stdout.read()
        assert await process.wait() == 130
    finally:
        os.close(screen)
        os.close(terminal)
    assert b"nothing was written" in said
    assert not (tmp_path / "job.yaml").exists()


def test_table_in_a_pipe_is_a_line_a_row(capsys: pytest.CaptureFixture[str]) -> None:
    made = table("id", "text", whole=("id",))
    made.add_row("0123456789abcdef", "many words " * 40)
    out().print(made)
    assert len(capsys.readouterr().out.splitlines()) == 2


def test_table_on_a_narrow_terminal_breaks_no_id(capsys: pytest.CaptureFixture[str]) -> None:
    made = table("id", "text", whole=("id",))
    made.add_row("0123456789abcdef", "many words " * 10)
    Console(width=30).print(made)
    assert "0123456789abcdef" in capsys.readouterr().out
