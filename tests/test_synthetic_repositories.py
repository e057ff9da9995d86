"""The script that makes repositories for campaigns: the same ones each time, and of every kind."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from remotes import Repository

SCRIPT = Path(__file__).parent.parent / "benchmarks" / "repositories.py"


def made(folder: Path, number: int, *options: str) -> list[Repository]:
    command = [sys.executable, str(SCRIPT), str(folder), str(number), *options]
    subprocess.run(command, check=True, capture_output=True)
    urls = (folder / "list.txt").read_text().split()
    return [Repository(Path(url.removeprefix("file://"))) for url in urls]


def test_the_same_seed_makes_the_same_repositories(tmp_path: Path) -> None:
    one, other = made(tmp_path / "one", 5), made(tmp_path / "other", 5)
    assert [each.branches() for each in one] == [each.branches() for each in other]
    third = made(tmp_path / "third", 5, "--seed", "2", "--history", "9")
    assert [each.branches() for each in one] != [each.branches() for each in third]
    assert third[0].git("rev-list", "--count", "main") == "9"
    assert [each.branches() for each in made(tmp_path / "one", 5)] == [
        each.branches() for each in other
    ]


def test_there_is_every_kind(tmp_path: Path) -> None:
    repositories = made(tmp_path / "r", 30)
    texts = [each.git("grep", "-h", "", "main") for each in repositories if each.branches()]
    assert len(texts) == 29  # one is empty
    for word in ("Export:\n", "NoEcho", "MasterUserPassword: Pw", "SecretString:", "TemplateURL"):
        assert any(word in text + "\n" for text in texts), word
    assert sum("Resources:" not in text for text in texts) == 3
