"""The component that CONTRIBUTING.md writes down works as it stands there, tests included."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BLOCK = re.compile(r"^`(?P<path>[\w/.]+)`:\n\n```\w+\n(?P<text>.*?)^```$", re.M | re.S)


def test_component_of_the_guide_passes_its_own_tests(tmp_path: Path) -> None:
    guide = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    blocks = {block["path"]: block["text"] for block in BLOCK.finditer(guide)}
    for folder in ("archon", "tests", "tools"):
        shutil.copytree(
            ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__")
        )
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for path, text in blocks.items():
        assert not (tmp_path / path).exists()
        (tmp_path / path).write_text(text, encoding="utf-8")
    table = tmp_path / "archon/components/table.py"
    known = table.read_text(encoding="utf-8")
    line = '        "select": Select,\n'
    assert known.count(line) == 1
    verify = "from archon.components.verify import Verify\n"
    shorten = verify.replace("verify", "shorten").replace("Verify", "Shorten")
    known = known.replace(verify, shorten + verify)
    table.write_text(known.replace(line, line + '        "shorten": Shorten,\n'), encoding="utf-8")
    pytest = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    tests = ["tests/unit/components/test_shorten.py", "tests/test_layers.py"]
    ran = subprocess.run([*pytest, *tests], cwd=tmp_path, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert set(blocks) == {
        "archon/prompts/shorten.txt",
        "archon/components/shorten.py",
        "tests/unit/components/test_shorten.py",
    }
