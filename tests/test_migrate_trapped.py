"""A campaign among repositories that mean harm or are broken: each has its end, and it goes on.

test_migrate_traps.py and test_migrate_publish.py look at each trap closely; here they are all in
one campaign, with the command line, processes at work and a state.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from remotes import BRANCH, EXPORT, PASSWORD, Repository, alone, make, script

FILES: dict[str, str | bytes] = {"templates/db.yaml": PASSWORD, "topics.yaml": EXPORT}
FILE = f"""\
name = "passwords-2026"
allow = ["safe", "rotates"]
branch = "{BRANCH}"
author = "Team <team@example.com>"
date = 2026-01-31T12:00:00Z
[repositories]
list = "list.txt"
[repair]
validate = false
[propose]
via = "push"
pause = 0
[work]
time-limit = 60
wait = 0
attempts = 2
"""
BREAKS_OFF = Path(__file__).parent / "servers" / "breaks_off.py"


@pytest.mark.skipif(sys.platform == "win32", reason="scripts and links")
def test_each_trap_has_its_end_and_the_campaign_goes_on(tmp_path: Path) -> None:
    repos, told = tmp_path / "repos", tmp_path / "ran"
    ran = str(script(tmp_path / "bin" / "tell", f"touch {told}; cat"))

    def trap(name: str, files: dict[str, str | bytes] = FILES) -> Repository:
        return make(repos / name, files)

    expected = {"plain": "pushed", "last": "pushed"}
    trap("plain")

    hooks = trap("hooks")
    for hook in ("post-checkout", "post-index-change", "pre-push", "pre-commit", "commit-msg"):
        script(hooks.folder / ".git" / "hooks" / hook, ran)
    expected["hooks"] = "pushed"

    filters = trap("filters", FILES | {".gitattributes": "* filter=evil\n"})
    for key in ("filter.evil.smudge", "filter.evil.clean", "core.fsmonitor", "core.sshCommand"):
        filters.git("config", key, ran)
    expected["filters"] = "pushed"

    modules = f'[submodule "../../x"]\npath = sub\nurl = ext::{ran}\nupdate = !{ran}\n'
    submodule = trap("submodule", FILES | {".gitmodules": modules})
    head = submodule.branches()["main"]
    submodule.git("update-index", "--add", "--cacheinfo", f"160000,{head},sub")
    submodule.git("commit", "--quiet", "-m", "x")
    expected["submodule"] = "pushed"

    link = trap("link")
    (link.folder / "passwd.yaml").symlink_to("/etc/passwd")
    (link.folder / "folder").symlink_to("/etc")
    link.commit({})
    expected["link"] = "pushed"

    option = trap("option")
    option.git("update-ref", "refs/heads/--upload-pack=evil", "HEAD")
    option.git("symbolic-ref", "HEAD", "refs/heads/--upload-pack=evil")
    expected["option"] = "pushed"

    history = trap("history")
    stream = b"".join(
        b"commit refs/heads/main\ncommitter x <x@y> %d +0000\ndata 1\nx\n" % (10**9 + number)
        + (b"from refs/heads/main^0\n" if not number else b"")
        + b"M 644 inline n.md\ndata %d\n%d\n" % (len(str(number)), number)
        for number in range(20_000)
    )
    history.git("fast-import", "--quiet", given=stream)
    expected["history"] = "pushed"

    trap("empty", {})
    expected["empty"] = "empty"

    trap("headless").git("symbolic-ref", "HEAD", "refs/heads/gone")
    expected["headless"] = "failed"

    protected = trap("protected")
    script(protected.folder / ".git" / "hooks" / "pre-receive", "echo protected >&2; exit 1")
    expected["protected"] = "failed"

    taken = trap("taken")
    taken.git("switch", "--quiet", "--create", BRANCH)
    taken.commit({"own.txt": "work of a person"})
    taken.git("switch", "--quiet", "main")
    expected["taken"] = "taken"

    trap("broken")
    expected["broken"] = "failed"
    trap("last")

    urls = [f"file://{repos / name}" for name in expected if name != "broken"]
    urls.insert(1, f"ssh://host{repos / 'broken'}")
    (tmp_path / "list.txt").write_text("\n".join(urls))
    (tmp_path / "campaign.toml").write_text(FILE)
    ssh = script(tmp_path / "bin" / "ssh", f'exec {sys.executable} {BREAKS_OFF} 100 "$2"')
    environment = alone(tmp_path / "home") | {
        "GIT_SSH_COMMAND": str(ssh),
        "GIT_SSH_VARIANT": "simple",
        "TMPDIR": str(tmp_path / "temporary"),
    }
    (tmp_path / "temporary").mkdir()
    before = {name: Repository(repos / name).branches() for name in expected}

    def command(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-P", "-m", "remediator", "migrate", *words],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )

    done = command("run")
    assert done.returncode == 1, done.stderr
    status = json.loads(command("status", "--format", "json").stdout)
    found = {each["name"].rpartition("/")[2]: each for each in status["repositories"]}
    assert {name: each["standing"] for name, each in found.items()} == expected

    def error(name: str) -> tuple[str, int, str]:
        (wrong,) = [s for s in found[name]["steps"] if s["status"] not in ("done", "none")]
        return wrong["step"], wrong["attempts"], wrong["error"]

    assert error("headless")[:2] == ("cloned", 1)
    assert "no default branch" in error("headless")[2]
    assert error("broken")[:2] == ("cloned", 2)
    assert "broke off" in error("broken")[2]
    assert error("protected")[0] == "proposed"
    assert "protected" in error("protected")[2]
    assert error("taken")[0] == "committed"
    for name, standing in expected.items():
        branches = Repository(repos / name).branches()
        assert (branches != before[name]) == (standing == "pushed"), name
        assert {n: c for n, c in branches.items() if n in before[name]} == before[name]
    assert not told.exists(), "something of a repository ran"
    assert list((tmp_path / "temporary").iterdir()) == []
    assert os.access(tmp_path / "campaign.report", os.F_OK) is False
    assert command("report").returncode == 0
    assert "root:" not in (tmp_path / "campaign.report" / "index.html").read_text()
