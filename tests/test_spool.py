"""What is put aside comes back, whatever becomes of the temporary file."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

from remediator import spool
from remediator.spool import Spool

CONTENTS = [b"", b"short", b"x" * 700, "ünicode".encode(), b"", b"y" * 300, b"the last"]


@pytest.fixture(autouse=True)
def _few_in_memory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(spool, "_IN_MEMORY", 600)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


def put_and_got(kept: Spool) -> None:
    numbers = []
    for content in CONTENTS:
        numbers.append(kept.put(content))
        assert kept.get(numbers[0]) == CONTENTS[0]  # it may be asked for in between
    found = [kept.get(number) for number in reversed(numbers)]
    assert found == CONTENTS[::-1]


def test_what_is_put_aside_comes_back() -> None:
    put_and_got(Spool())


@pytest.mark.skipif(sys.platform != "linux", reason="asks /proc for what is open")
def test_what_does_not_fit_into_memory_lies_in_a_file_without_a_name(tmp_path: Path) -> None:
    def opened() -> list[str]:
        links = Path("/proc/self/fd").iterdir()
        return [str(link.readlink()) for link in links if link.is_symlink()]

    kept = Spool()
    kept.put(b"x" * 600)
    assert not any(str(tmp_path) in each for each in opened())
    kept.put(b"y")
    assert [each.endswith("(deleted)") for each in opened() if str(tmp_path) in each] == [True]
    assert not list(tmp_path.iterdir())
    del kept
    assert not any(str(tmp_path) in each for each in opened())


def test_without_a_folder_for_it_all_stays_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", "/nowhere/at/all")
    put_and_got(Spool())


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a disk that is full")
def test_what_a_full_disk_does_not_take_stays_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(**_: Any) -> Any:
        return os.fdopen(os.open("/dev/full", os.O_RDWR), "r+b", buffering=0)

    monkeypatch.setattr(tempfile, "TemporaryFile", full)
    put_and_got(Spool())


def test_a_disk_may_become_full_in_the_midst(monkeypatch: pytest.MonkeyPatch) -> None:
    def write(file: Any, content: bytes) -> None:
        if file.seek(0, os.SEEK_CUR) + len(content) > 900:
            file.write(content[:1])
            raise OSError("no room is left")
        file.write(content)

    monkeypatch.setattr(spool, "_write", write)
    put_and_got(Spool())
