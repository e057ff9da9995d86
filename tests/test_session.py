"""One input that is wrong is one line; the others go on, and what was done is told."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from test_cli import BROKEN_EXPORT, remediator, write

from remediator import config, session
from remediator.discover import Input
from remediator.errors import ConfigError, Interrupted
from remediator.request import Request
from remediator.session import carry_out

ROOT = Path(__file__).parent.parent


def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    monkeypatch.chdir(tmp_path)
    for name in names:
        (tmp_path / name).mkdir()
        write(tmp_path / name)


@pytest.mark.parametrize("settings", ["allow = [", "x = 1", 'ignore = ["nonsense"]'])
def test_broken_settings_are_the_fault_of_their_input(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: str
) -> None:
    folders(tmp_path, monkeypatch, "A", "B", "C")
    (tmp_path / "B" / "remediator.toml").write_text(settings)
    result = remediator("fix", "A", "B", "C")
    assert result.exit_code == 2
    assert "B/remediator.toml" in result.stdout
    assert "Name:" in (tmp_path / "A" / "t.yaml").read_text()
    assert "Name:" in (tmp_path / "C" / "t.yaml").read_text()
    assert (tmp_path / "B" / "t.yaml").read_text() == BROKEN_EXPORT


def test_settings_of_a_file_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folders(tmp_path, monkeypatch, "A", "B")
    (tmp_path / "B" / "remediator.toml").write_text('ignore = ["export-names"]\nnew = true\n')
    own = str(tmp_path / "B" / "remediator.toml")
    report = json.loads(remediator("check", "--format", "json", "A", "B").stdout)
    assert report["settings"] == [{"file": own, "sets": "ignore: export-names; new: true"}]
    shown = remediator("check", "A", "B").stdout
    assert f"settings: {own} (ignore: export-names; new: true)" in " ".join(shown.split())
    assert "settings:" not in remediator("check", "A").stdout
    assert "ignore" not in remediator("check", "--ignore", "manual-secrets", "B").stdout


def test_a_table_by_path_that_no_template_is_in_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folders(tmp_path, monkeypatch, "live", "test")
    settings = tmp_path / "remediator.toml"
    settings.write_text('[paths."live/**"]\nnew = true\n[paths."prod/**"]\nnew = true\n')
    for folder, idle in (
        (".", "; prod/** matches no template here"),
        ("live", "; prod/** matches no template here"),
        ("test", "; live/** matches no template here; prod/** matches no template here"),
    ):
        (told,) = json.loads(remediator("check", "--format", "json", folder).stdout)["settings"]
        assert told["sets"] == "live/**: new: true; prod/**: new: true" + idle


def test_an_unreadable_folder_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folders(tmp_path, monkeypatch, "A", "B", "C")
    is_dir, is_file = Path.is_dir, Path.is_file

    def denied(path: Path) -> bool:
        if path.name == "B" or path.parent.name == "B":
            raise PermissionError(13, "Permission denied")
        return False

    monkeypatch.setattr(Path, "is_dir", lambda path: denied(path) or is_dir(path))
    monkeypatch.setattr(Path, "is_file", lambda path: denied(path) or is_file(path))
    result = remediator("fix", "-q", "A", "B", "C")
    assert result.exit_code == 2
    assert [line for line in result.stdout.splitlines() if line.startswith("B: error: ")]
    assert "Name:" in (tmp_path / "A" / "t.yaml").read_text()
    assert "Name:" in (tmp_path / "C" / "t.yaml").read_text()
    assert remediator("fix", "B").exit_code == 2
    with pytest.raises(ConfigError):
        config.find(Path("B"))


def test_a_name_that_is_no_utf_8_is_shown_escaped(tmp_path: Path) -> None:
    try:
        write(tmp_path, name=os.fsdecode(b"bad\xff.yaml"))
    except OSError:
        pytest.skip("this file system takes UTF-8 names only")
    for encoding in ("utf-8", "ascii"):
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": encoding}
        for arguments in (["--format", "json"], []):
            command = [sys.executable, "-m", "remediator", "fix", "--dry-run", *arguments, "."]
            done = subprocess.run(
                command, cwd=tmp_path, env=environment, capture_output=True, check=False
            )
            assert done.returncode == 0, done.stderr
            assert b"bad\\udcff.yaml" in done.stdout
            if arguments:
                assert json.loads(done.stdout)["files"][0]["path"] == "bad\udcff.yaml"


def test_after_ctrl_c_what_was_done_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trees = [tmp_path / "a", tmp_path / "b"]
    for tree in trees:
        tree.mkdir()
    names = [str(write(trees[number // 2], name=f"{number}.yaml")) for number in range(4)]

    def track(inputs: Sequence[Input]) -> Iterator[Input]:
        yield from inputs[:3]
        raise Interrupted

    done = carry_out(Request(tuple(names)), track=track)
    assert done.result.interrupted == 2
    assert [file.path for file in done.result.files] == names[:2]
    monkeypatch.setattr("remediator.cli._track", track)
    for name in names:
        Path(name).write_text(BROKEN_EXPORT)
    result = remediator("fix", *names)
    assert result.exit_code == 130
    assert "interrupted after 2 of 4 files; those are repaired" in result.stderr
    assert "2 findings repaired in 2 files" in result.stdout
    assert Path(names[2]).read_text() == BROKEN_EXPORT


@pytest.mark.parametrize("where", ["typer", "remediator.session", "yaml"])
def test_ctrl_c_during_an_import_is_one_line(tmp_path: Path, where: str) -> None:
    program = f"""
import builtins, os, signal
plain = builtins.__import__
def spy(name, globals=None, *rest):
    full = name
    if rest and len(rest) > 1 and rest[1] and globals:
        full = (globals.get("__package__") or "") + "." + name
    if full == {where!r}:
        builtins.__import__ = plain
        os.kill(os.getpid(), signal.SIGINT)
    return plain(name, globals, *rest)
builtins.__import__ = spy
from remediator.__main__ import main
main()
"""
    done = subprocess.run(
        [sys.executable, "-c", program, "check", str(write(tmp_path))],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 130, done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert "interrupted" in done.stderr


def test_what_nobody_expected_is_one_line_and_exit_2(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from remediator import __main__

    def explode(*_: object, **__: object) -> None:
        raise RuntimeError("hunter2")

    monkeypatch.setattr(session, "carry_out", explode)
    monkeypatch.setattr(sys, "argv", ["remediator", "check", str(write(tmp_path))])
    before = {each: signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)}
    try:
        with pytest.raises(SystemExit) as stopped:
            __main__.main()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    assert stopped.value.code == 2
    error = capsys.readouterr().err
    assert "a defect of remediator (RuntimeError)" in error
    assert "hunter2" not in error
    assert len(error.splitlines()) == 1


def test_what_cannot_be_written_keeps_its_findings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write(tmp_path)
    monkeypatch.setattr(os, "access", lambda path, _: Path(path).is_dir())
    for arguments in ([], ["--dry-run"]):
        result = remediator("fix", "--format", "json", *arguments, file)
        assert result.exit_code == 2
        (report,) = json.loads(result.stdout)["files"]
        assert report["status"] == "error"
        assert "read-only" in report["error"]["message"]
        assert report["findings"][0]["status"] == "left"
        assert report["diff"] == ""
    assert file.read_text() == BROKEN_EXPORT
    assert remediator("check", file).exit_code == 1
    monkeypatch.setattr(os, "access", lambda path, _: not Path(path).is_dir())
    result = remediator("fix", "-q", file)
    assert f"folder {tmp_path} is not writable" in " ".join(result.stdout.split())
    assert file.read_text() == BROKEN_EXPORT


def test_check_takes_quiet(tmp_path: Path) -> None:
    assert remediator("check", "-q", write(tmp_path)).exit_code == 1


# --- repositories of many projects -----------------------------------------------------------


@pytest.fixture
def monorepo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository in which every folder has a template, and some have settings."""
    (tmp_path / "remediator.toml").write_text('ignore = ["null-values"]')  # outside: of no effect
    root = tmp_path / "repository"
    names = ("", "plain", "own", "own/deep", "project", "project/both", "other")
    for name in names:
        (root / name).mkdir(parents=True)
        write(root / name)
    (root / ".git").mkdir()
    (root / "other" / ".git").mkdir()
    (root / "pyproject.toml").write_text("[tool.remediator]\nallow = []\n")
    (root / "own" / "remediator.toml").write_text('ignore = ["export-names"]\n')
    (root / "project" / "pyproject.toml").write_text('[project]\nname = "remediator-user"\n')
    (root / "project" / "both" / "pyproject.toml").write_text("[tool.remediator]\nnew = true\n")
    (root / "project" / "both" / "remediator.toml").write_text(
        '[paths."t.*"]\nignore = "export-names"'
    )
    monkeypatch.chdir(root)
    return root


LEFT_ALONE = ["own/deep/t.yaml", "own/t.yaml", "project/both/t.yaml"]
REPAIRED = ["other/t.yaml", "plain/t.yaml", "project/t.yaml", "t.yaml"]


def statuses(*arguments: str) -> dict[str, str]:
    report = json.loads(remediator("fix", "--dry-run", "--format", "json", *arguments).stdout)
    return {file["path"]: file["status"] for file in report["files"]}


def test_each_template_has_its_nearest_settings_whatever_path_is_given(monorepo: Path) -> None:
    whole = statuses(".")
    assert whole == dict.fromkeys(LEFT_ALONE, "clean") | dict.fromkeys(REPAIRED, "would-fix")
    assert whole == {path: statuses(path)[path] for path in whole}
    assert statuses("own", "other") == {path: whole[path] for path in whole if path[0] == "o"}


def test_the_settings_that_were_used_are_named(monorepo: Path) -> None:
    def named(path: str) -> list[str]:
        report = json.loads(remediator("check", "--format", "json", path).stdout)
        return [str(Path(each["file"]).relative_to(monorepo)) for each in report["settings"]]

    assert named(".") == [
        "pyproject.toml",
        "own/remediator.toml",
        "project/both/remediator.toml",
    ]
    assert named("own") == ["own/remediator.toml"]
    assert named("other") == []


def test_a_settings_file_that_is_named_holds_for_all(monorepo: Path) -> None:
    (monorepo / "all.toml").write_text('ignore = ["export-names"]')
    assert set(statuses("--config", "all.toml", ".").values()) == {"clean"}


def test_wrong_settings_further_down_are_one_line_and_the_others_go_on(monorepo: Path) -> None:
    (monorepo / "own" / "remediator.toml").write_text("nonsense = 1")
    (monorepo / "own" / "deep" / "u.yaml").write_text(BROKEN_EXPORT)
    result = remediator("fix", ".")
    assert result.exit_code == 2
    lines = [line for line in result.stdout.splitlines() if "error: " in line]
    assert len(lines) == 1
    assert f"{monorepo}/own/remediator.toml: nonsense: unknown key" in lines[0]
    assert "Name:" in (monorepo / "plain" / "t.yaml").read_text()
    assert (monorepo / "own" / "deep" / "u.yaml").read_text() == BROKEN_EXPORT
