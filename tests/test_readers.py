"""What the readers of the proof read, and how often."""

from __future__ import annotations

import pytest

from remediator import readers
from remediator.readers import by_ruamel


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The texts that ruamel.yaml reads during a test, which begins with none remembered."""
    monkeypatch.setattr(readers, "_recent", readers.Recent())
    texts: list[str] = []
    took = readers._read_by_ruamel

    def noted(text: str) -> readers.Long:
        texts.append(text)
        return took(text)

    monkeypatch.setattr(readers, "_read_by_ruamel", noted)
    return texts


def test_a_text_is_read_once_and_given_anew(read: list[str]) -> None:
    """A proof carries the patch out on what was read, in place."""
    first = by_ruamel("a: [1, é]\n")
    assert isinstance(first, dict)
    first["a"] = "used up"
    assert by_ruamel("a: [1, é]\n") == {"a": ["int:1", "str:é"]}
    assert read == ["a: [1, é]\n"]


def test_texts_of_so_many_characters_are_remembered(
    read: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readers, "_REMEMBERED", 15)
    for text in ("a: 1\n", "b: 1\n", "c: 1\n", "a: 1\n", "d: 1\n"):  # b goes, the oldest use
        by_ruamel(text)
    assert read == ["a: 1\n", "b: 1\n", "c: 1\n", "d: 1\n"]
    by_ruamel("a: 1\n")
    by_ruamel("b: 1\n")
    assert read[4:] == ["b: 1\n"]


def test_a_text_that_is_too_long_is_not_remembered(
    read: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readers, "_REMEMBERED", 4)
    assert by_ruamel("a: 1\n") == by_ruamel("a: 1\n")
    assert len(read) == 2
    assert readers._recent.take("a: 1\n") is None


def test_what_cannot_be_read_is_refused_each_time(read: list[str]) -> None:
    for _ in range(2):
        with pytest.raises(Exception, match="expected"):
            by_ruamel("a: [\n")
    assert len(read) == 2
