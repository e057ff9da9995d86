"""The work on one repository: what becomes of it, commit by commit; twice the same."""

from __future__ import annotations

import errno
import io
import json
import os
import pickle
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from remotes import BRANCH, CLEAN, EXPORT, LITERAL, PASSWORD, Repository, alone, make, script

from remediator import atomic
from remediator.config import Options
from remediator.errors import ConfigError, FileError, RemoteError
from remediator.migrate import messages, repair, scratch, stored, tree
from remediator.migrate.jobs import Group, State, Step, Worked
from remediator.migrate.work import work
from remediator.request import Done, Request
from remediator.session import carry_out

BOTH = {"templates/db.yaml": PASSWORD, "topics.yaml": EXPORT, "README.md": "About\n"}


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    environment = alone(tmp_path / "home")
    for name in set(os.environ) - set(environment):
        monkeypatch.delenv(name)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    (tmp_path / "temporary").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
    monkeypatch.setattr(tempfile, "tempdir", None)


def take(repository: Repository, worked: Worked) -> None:
    """Fetch the bundle as a server that has the base would."""
    file = repository.folder / ".git" / "new.bundle"
    file.write_bytes(worked.bundle)
    branches = dict.fromkeys(head.branch for head in worked.heads)
    refs = [f"refs/heads/{name}:refs/heads/{name}" for name in branches]
    repository.git("fetch", "--quiet", str(file), *refs)


def test_each_group_of_risk_is_a_commit(tmp_path: Path) -> None:
    repository = make(tmp_path / "r", BOTH)
    worked = work(repository.job())
    assert (worked.state, worked.step, worked.base) == (State.CHANGED, Step.COMMITTED, "main")
    assert worked.base_commit == repository.branches()["main"]
    assert [head.group for head in worked.heads] == [Group.SAFE, Group.PASSWORDS]
    take(repository, worked)
    safe, passwords = (head.commit for head in worked.heads)
    assert repository.branches() == {"main": worked.base_commit, BRANCH: passwords}
    assert repository.git("log", "--format=%P", f"main..{BRANCH}").split() == [
        safe,
        worked.base_commit,
    ]
    changed = (
        repository.git("diff", "--name-only", "main", safe),
        repository.git("diff", "--name-only", safe, passwords),
    )
    assert changed == ("topics.yaml", "templates/db.yaml")
    assert "Name: !Sub" in repository.file(safe, "topics.yaml")
    assert "{{resolve:secretsmanager:" in repository.file(passwords, "templates/db.yaml")


def test_the_commits_are_what_fix_writes(tmp_path: Path) -> None:
    repository = make(tmp_path / "r", BOTH | {"both.yaml": PASSWORD + EXPORT.partition("\n")[2]})
    take(repository, work(repository.job()))
    clone = tmp_path / "clone"
    repository.git("clone", "--quiet", ".", str(clone))
    allow = frozenset({"safe", "rotates", "external"})
    carry_out(Request((str(clone),), options=Options(allow=allow), validate=False))
    fixed = Repository(clone)
    assert fixed.git("diff", "--name-only").splitlines() == sorted(
        ["both.yaml", "templates/db.yaml", "topics.yaml"]
    )
    assert not fixed.git("diff", f"origin/{BRANCH}")


def test_what_changes_along_with_a_password_is_in_the_same_commit(tmp_path: Path) -> None:
    parent = """\
Parameters:
  DBPassword:
    Type: String
    NoEcho: true
Resources:
  Database:
    Type: AWS::CloudFormation::Stack
    Properties:
      TemplateURL: ./db.yaml
      Parameters:
        DBPassword: !Ref DBPassword
"""
    repository = make(
        tmp_path / "r", {"db.yaml": PASSWORD, "parent.yaml": parent, "topics.yaml": EXPORT}
    )
    worked = work(repository.job())
    safe, passwords = worked.heads
    take(repository, worked)
    assert repository.git("diff", "--name-only", "main", safe.commit) == "topics.yaml"
    changed = repository.git("diff", "--name-only", safe.commit, passwords.commit)
    assert changed.split() == ["db.yaml", "parent.yaml"]
    message = repository.git("log", "-1", "--format=%B", safe.commit)
    assert "parent.yaml" not in message
    assert "1 left for a person" not in worked.result


def test_one_group_is_one_commit(tmp_path: Path) -> None:
    for files, group in (({"a.yaml": EXPORT}, Group.SAFE), ({"a.yaml": LITERAL}, Group.PASSWORDS)):
        worked = work(make(tmp_path / group, files).job())
        assert [head.group for head in worked.heads] == [group]


def test_the_same_job_gives_the_same_whatever_else_is_pushed_later(tmp_path: Path) -> None:
    repository = make(tmp_path / "r", BOTH)
    first = work(repository.job())
    assert work(repository.job()) == first
    take(repository, first)
    repository.commit({"other.yaml": EXPORT}, "Work goes on")
    again = work(repository.job())
    assert again == replace(
        first,
        heads=tuple(replace(h, expected=first.heads[-1].commit) for h in first.heads),
        bundle=b"",
    )


def test_a_job_and_what_came_of_it_can_be_pickled(tmp_path: Path) -> None:
    job = make(tmp_path / "r", BOTH).job()
    assert pickle.loads(pickle.dumps(job)) == job
    worked = work(job)
    assert pickle.loads(pickle.dumps(worked)) == worked


def test_nothing_to_repair_is_no_branch(tmp_path: Path) -> None:
    worked = work(make(tmp_path / "r", {"a.yaml": CLEAN}).job())
    assert (worked.state, worked.heads, worked.bundle) == (State.UNCHANGED, (), b"")
    assert json.loads(worked.result)["summary"]["clean"] == 1
    assert work(make(tmp_path / "none", {"a.md": "x"}).job()).state is State.UNCHANGED


def test_only_what_the_campaign_allows_is_repaired(tmp_path: Path) -> None:
    repository = make(
        tmp_path / "r",
        BOTH | {"remediator.toml": 'new = true\nallow = ["replaces", "rotates"]\n'},
    )
    worked = work(repository.job(options=Options(allow=frozenset({"safe"}))))
    assert [head.group for head in worked.heads] == [Group.SAFE]
    left = [each for file in json.loads(worked.result)["files"] for each in file["findings"]]
    assert {each["code"] for each in left if each["status"] == "left"} == {"not-allowed"}


def test_a_campaign_without_allow_does_nothing(tmp_path: Path) -> None:
    worked = work(make(tmp_path / "r", BOTH).job(options=Options()))
    assert (worked.state, worked.retryable) == (State.FAILED, False)
    assert "which consequences it allows" in worked.error


def test_the_settings_of_the_repository_stand_where_the_campaign_says_nothing(
    tmp_path: Path,
) -> None:
    files = BOTH | {"remediator.toml": 'ignore = ["export-names"]\n'}
    worked = work(make(tmp_path / "r", files).job())
    assert [head.group for head in worked.heads] == [Group.PASSWORDS]


def test_settings_above_the_work_folder_are_none_of_the_repository(tmp_path: Path) -> None:
    (tmp_path / "temporary" / "remediator.toml").write_text('ignore = ["export-names"]')
    assert work(make(tmp_path / "r", {"a.yaml": EXPORT}).job()).state is State.CHANGED


def test_paths_are_live_or_new(tmp_path: Path) -> None:
    repository = make(
        tmp_path / "r",
        {"sandbox/a.yaml": LITERAL, "sandbox/live/b.yaml": LITERAL, "c.yaml": LITERAL},
    )
    allow = Options(allow=frozenset({"safe"}))
    job = repository.job(options=allow, new=("sandbox/**",), live=("sandbox/live/**",))
    worked = work(job)
    files = {file["path"]: file for file in json.loads(worked.result)["files"]}
    assert {path: file["status"] for path, file in files.items()} == {
        "c.yaml": "left",
        "sandbox/a.yaml": "fixed",
        "sandbox/live/b.yaml": "left",
    }
    assert files["sandbox/a.yaml"]["new"] is True
    assert "not deployed yet" in worked.descriptions[0].body
    everywhere = replace(job, options=allow._replace(new=True), new=(), live=("sandbox/live/**",))
    statuses = [file["status"] for file in json.loads(work(everywhere).result)["files"]]
    assert statuses == ["fixed", "fixed", "left"]


def test_passwords_may_have_a_branch_of_their_own(tmp_path: Path) -> None:
    repository = make(tmp_path / "r", BOTH)
    worked = work(repository.job(split=True))
    assert [head.branch for head in worked.heads] == [BRANCH, f"{BRANCH}-passwords"]
    assert [each.branch for each in worked.descriptions] == [BRANCH, f"{BRANCH}-passwords"]
    safe, passwords = worked.descriptions
    assert "export-names" in safe.body
    assert "password-parameters" not in safe.body
    assert "password-parameters" in passwords.body
    assert "export-names" not in passwords.body
    take(repository, worked)
    assert repository.git("rev-parse", f"{BRANCH}-passwords^") == repository.branches()[BRANCH]
    again = work(repository.job(split=True))
    assert [head.commit for head in again.heads] == [head.commit for head in worked.heads]
    assert [head.expected for head in again.heads] == [head.commit for head in worked.heads]


def test_no_secret_leaves_but_by_the_patch(tmp_path: Path) -> None:
    repository = make(tmp_path / "r", {"a.yaml": LITERAL, "b.yaml": EXPORT})
    worked = work(repository.job())
    assert worked.holds_secrets
    assert "Ti9erLil1ly" in worked.patch
    take(repository, worked)
    logged = repository.git("log", "--format=%B", f"main..{BRANCH}")
    told = repr(stored.load(worked.stored))
    others = repr(replace(worked, patch="", bundle=b""))
    for text in (logged, told, others):
        assert "Ti9erLil1ly" not in text
    assert not work(make(tmp_path / "s", {"a.yaml": PASSWORD}).job()).holds_secrets


def test_nothing_tells_where_the_work_was_done(tmp_path: Path) -> None:
    repository = make(tmp_path / "r", BOTH | {"remediator.toml": "[paths]\n", "bad.yaml": "a: ["})
    worked = work(repository.job())
    assert scratch.PREFIX not in repr(replace(worked, stored=b"")) + repr(
        stored.load(worked.stored)
    )


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_the_patch_makes_the_same_trees(tmp_path: Path, ending: str) -> None:
    files = {"a b.yaml": LITERAL, "ü/b.yaml": EXPORT, "db.yaml": PASSWORD}
    repository = make(
        tmp_path / "r", {k: v.replace("\n", ending).encode() for k, v in files.items()}
    )
    (repository.folder / "db.yaml").chmod(0o755)
    repository.commit({})
    worked = work(repository.job())
    repository.git("checkout", "--quiet", "-b", "applied", "main")
    given = worked.patch.encode("utf-8", "surrogateescape")
    repository.git("am", "--quiet", "--keep-cr", given=given)
    assert repository.git("rev-parse", "HEAD^{tree}") == worked.heads[-1].tree
    assert repository.git("rev-parse", "HEAD~^{tree}") == worked.heads[0].tree
    assert "100755" in repository.git("ls-tree", "HEAD", "db.yaml")


def test_the_digest_is_that_of_the_change(tmp_path: Path) -> None:
    one = work(make(tmp_path / "one", BOTH).job())
    same = work(make(tmp_path / "same", BOTH | {"x.md": "other"}).job(branch="b", split=True))
    other = work(make(tmp_path / "other", {"a.yaml": EXPORT}).job())
    assert one.digest == same.digest != other.digest


def test_a_server_that_filters_nothing_is_cloned_whole(tmp_path: Path) -> None:
    repository = make(tmp_path / "r", BOTH)
    wanted = work(repository.job())
    repository.git("config", "uploadpack.allowFilter", "false")
    assert work(repository.job()) == wanted


def test_a_repository_of_long_ids(tmp_path: Path) -> None:
    worked = work(make(tmp_path / "r", BOTH, "--object-format=sha256").job())
    assert worked.state is State.CHANGED, worked.error
    assert len(worked.heads[-1].commit) == 64


def test_another_base_may_be_named(tmp_path: Path) -> None:
    repository = make(tmp_path / "r", {"a.yaml": CLEAN})
    repository.git("checkout", "--quiet", "-b", "release/1")
    commit = repository.commit(BOTH)
    repository.git("checkout", "--quiet", "main")
    worked = work(repository.job(base="release/1"))
    assert (worked.base, worked.base_commit, worked.state) == ("release/1", commit, State.CHANGED)
    missing = work(repository.job(base="release/2"))
    assert (missing.state, missing.retryable) == (State.FAILED, False)
    assert "no branch release/2" in missing.error


# --- a branch that exists -----------------------------------------------------------------------


def pushed(tmp_path: Path) -> tuple[Repository, Worked]:
    repository = make(tmp_path / "r", BOTH)
    worked = work(repository.job())
    take(repository, worked)
    repository.git("checkout", "--quiet", BRANCH)
    return repository, worked


def test_a_commit_of_somebody_else_on_top_is_taken(tmp_path: Path) -> None:
    repository, _ = pushed(tmp_path)
    repository.commit({"x.yaml": CLEAN}, "Mine")
    worked = work(repository.job())
    assert (worked.state, worked.heads, worked.retryable) == (State.TAKEN, (), False)
    assert BRANCH in worked.error


def test_an_amended_commit_is_taken_even_by_the_same_person(tmp_path: Path) -> None:
    repository, _ = pushed(tmp_path)
    who = ("-c", "user.name=Campaign", "-c", "user.email=campaign@example.com")
    (repository.folder / "topics.yaml").write_text(CLEAN)
    repository.git(*who, "commit", "--quiet", "--all", "--amend", "--no-edit")
    assert work(repository.job()).state is State.TAKEN


def test_rebased_commits_are_taken(tmp_path: Path) -> None:
    repository, _ = pushed(tmp_path)
    repository.git("checkout", "--quiet", "main")
    repository.commit({"new.md": "x"})
    repository.git("rebase", "--quiet", "main", BRANCH)
    assert work(repository.job()).state is State.TAKEN


def test_a_merge_on_top_is_taken(tmp_path: Path) -> None:
    repository, _ = pushed(tmp_path)
    repository.git("checkout", "--quiet", "main")
    repository.commit({"new.md": "x"})
    repository.git("checkout", "--quiet", BRANCH)
    repository.git("merge", "--quiet", "--no-edit", "main")
    assert work(repository.job()).state is State.TAKEN


def test_the_branch_of_another_campaign_is_taken(tmp_path: Path) -> None:
    repository, _ = pushed(tmp_path)
    assert work(repository.job(campaign="another")).state is State.TAKEN


def test_a_branch_that_was_there_all_along_is_taken(tmp_path: Path) -> None:
    repository = make(tmp_path / "r", BOTH)
    repository.git("branch", BRANCH)
    assert work(repository.job()).state is State.TAKEN


def test_a_branch_of_ours_is_gone_on_with(tmp_path: Path) -> None:
    repository = make(tmp_path / "r", BOTH)
    safe = Options(allow=frozenset({"safe"}))
    first = work(repository.job(options=safe))
    take(repository, first)
    then = work(repository.job())
    (head,) = then.heads
    assert (head.group, head.expected) == (Group.PASSWORDS, first.heads[0].commit)
    take(repository, then)
    assert repository.git("rev-parse", f"{BRANCH}^") == first.heads[0].commit
    assert head.tree == work(replace(repository.job(), branch="fresh")).heads[-1].tree
    assert "topics.yaml" in then.patch  # the whole change, from the base
    again = work(repository.job())
    assert again.heads[-1].commit == head.commit
    assert {each.expected for each in again.heads} == {head.commit}


def test_a_branch_of_many_updates_is_still_ours(tmp_path: Path) -> None:
    repository = make(tmp_path / "r", BOTH)
    take(repository, work(repository.job(options=Options(allow=frozenset({"safe"})))))
    take(repository, work(repository.job()))
    assert work(repository.job(date="2027-01-01T00:00:00+00:00")).state is State.CHANGED


# --- messages, authors, signatures ---------------------------------------------------------------


def test_messages_say_what_and_by_whom(tmp_path: Path) -> None:
    repository = make(tmp_path / "r", BOTH)
    take(repository, work(repository.job()))
    form = "%an <%ae> %aI%n%cn <%ce> %cI%n%B"
    text = repository.git("log", "-1", f"--format={form}", BRANCH)
    who = "Campaign <campaign@example.com> 2026-01-31T12:00:00+01:00"
    assert text.splitlines()[:3] == [who, who, "Take passwords out of CloudFormation templates"]
    assert "templates/db.yaml:2: DBPassword becomes the generated secret" in text
    assert text.splitlines()[-2:] == [
        "Remediator-Campaign: passwords-2026",
        f"Remediator-Base: {repository.branches()['main']}",
    ]


def test_messages_of_the_campaign(tmp_path: Path) -> None:
    repository = make(tmp_path / "r", BOTH)
    job = repository.job(
        title="OPS-1: $count repairs of $name",
        message="OPS-1 $group ($files)\n\n$repairs\n\n$$5 saved",
        body="Please review.\n\n$description",
    )
    worked = work(job)
    (text,) = worked.descriptions
    assert text.title == "OPS-1: 2 repairs of acme/payments"
    assert text.body.startswith("Please review.\n\n## What changes")
    take(repository, worked)
    messages_of = repository.git("log", "--format=%B%x00", f"main..{BRANCH}").split("\0")
    assert messages_of[0].startswith("OPS-1 passwords (1)\n\n- templates/db.yaml:2: ")
    assert "$5 saved\n\nRemediator-Campaign: passwords-2026\n" in messages_of[0]
    assert messages_of[1].strip().startswith("OPS-1 safe (1)")
    assert work(job) == replace(
        worked,
        heads=tuple(replace(h, expected=worked.heads[-1].commit) for h in worked.heads),
        bundle=b"",
    )


@pytest.mark.parametrize("template", ["$nothing", "5 $", "${name"])
def test_a_wrong_placeholder_is_told(template: str) -> None:
    with pytest.raises(ConfigError, match=r"title: .*\$name"):
        messages.check(template, "title")
    messages.check("$name ${count} $$", "title")


@pytest.mark.parametrize(
    "changes", [{"author": "nobody"}, {"date": "yesterday"}, {"date": "2026-01-31T12:00:00"}]
)
def test_an_author_or_date_that_is_none(tmp_path: Path, changes: dict[str, str]) -> None:
    worked = work(make(tmp_path / "r", BOTH).job(**changes))
    assert (worked.state, worked.step, worked.retryable) == (State.FAILED, Step.COMMITTED, False)


def signing(tmp_path: Path) -> None:
    """Make git sign with a program that signs anything."""
    program = script(
        tmp_path / "gpg",
        'cat >/dev/null; echo "[GNUPG:] SIG_CREATED " >&2; echo "-----BEGIN PGP SIGNATURE-----";'
        ' date +%N; echo "-----END PGP SIGNATURE-----"',
    )
    (tmp_path / "home" / ".gitconfig").write_text(
        f"[commit]\ngpgSign = true\n[gpg]\nprogram = {program}\n[user]\nsigningKey = X\n"
    )


def test_commits_are_signed_where_git_signs(tmp_path: Path) -> None:
    signing(tmp_path)
    repository = make(tmp_path / "r", BOTH, "-q")
    worked = work(repository.job())
    take(repository, worked)
    for head in worked.heads:
        assert "gpgsig -----BEGIN PGP" in repository.git("cat-file", "commit", head.commit)
    again = work(repository.job())
    assert [(h.commit, h.expected) for h in again.heads] == [(worked.heads[-1].commit,) * 2]
    assert "gpgsig" not in work(repository.job(branch="b", sign=False)).patch
    unsigned = work(repository.job(branch="b", sign=False))
    assert work(repository.job(branch="b", sign=False)) == unsigned


def test_a_failing_signature_is_told(tmp_path: Path) -> None:
    repository = make(tmp_path / "r", BOTH)
    program = script(tmp_path / "gpg", "echo no key >&2; exit 1")
    (tmp_path / "home" / ".gitconfig").write_text(
        f"[commit]\ngpgSign = true\n[gpg]\nprogram = {program}\n"
    )
    worked = work(repository.job())
    assert (worked.state, worked.step, worked.retryable) == (State.FAILED, Step.COMMITTED, False)
    assert "cannot sign" in worked.error


def test_another_version_is_refused(tmp_path: Path) -> None:
    worked = work(make(tmp_path / "r", BOTH).job(version="0.0.1"))
    assert (worked.state, worked.retryable) == (State.FAILED, False)
    assert "0.0.1" in worked.error


def test_the_work_folder_is_gone(tmp_path: Path) -> None:
    repository = make(tmp_path / "r", BOTH)
    work(repository.job())
    work(repository.job(base="none"))
    assert list((tmp_path / "temporary").iterdir()) == []


def test_what_a_killed_run_left_goes_with_the_next(tmp_path: Path) -> None:
    code = (
        "import os, signal\nfrom remediator.migrate import scratch\n"
        "with scratch.folder() as place:\n    (place / 'x').mkdir()\n"
        "    os.kill(os.getpid(), signal.SIGKILL)"
    )
    subprocess.run([sys.executable, "-c", code], check=False)
    (left,) = (tmp_path / "temporary").iterdir()
    with scratch.folder() as place:
        assert not left.exists()
        with scratch.folder() as other:
            assert place.exists()
            assert other != place


# --- what a run may leave ----------------------------------------------------------------------


def test_files_that_a_run_makes_or_takes_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def also(request: Request, **guard: Any) -> Done:
        done = carry_out(request, **guard)
        folder = Path(request.paths[0])
        (folder / "new.yaml").write_text("a: 1\n")
        (folder / "old.yaml").unlink()
        (folder / "safe.yaml").write_text("only the first commit has it\n")
        if not request.options.only:
            (folder / "safe.yaml").write_text("b: 1\n")
        return done

    monkeypatch.setattr(repair, "carry_out", also)
    repository = make(tmp_path / "r", BOTH | {"old.yaml": CLEAN, "safe.yaml": "b: 1\n"})
    worked = work(repository.job())
    take(repository, worked)
    assert repository.git("diff", "--name-status", "main", worked.heads[-1].commit).split() == [
        *("A", "new.yaml"),
        *("D", "old.yaml"),
        *("M", "templates/db.yaml"),
        *("M", "topics.yaml"),
    ]


def test_a_disk_that_is_full_during_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise FileError(f"the file cannot be written: {os.strerror(errno.ENOSPC)}")

    monkeypatch.setattr(atomic, "replace_all", full)
    worked = work(make(tmp_path / "r", BOTH).job())
    assert (worked.state, worked.step, worked.retryable) == (State.FAILED, Step.REPAIRED, True)
    assert "disk is full" in worked.error


def test_too_many_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tree, "MOST_FILES", 1)
    worked = work(make(tmp_path / "r", BOTH).job())
    assert "more than 1 files" in worked.error


def test_too_many_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tree, "MOST_BYTES", 100)
    worked = work(make(tmp_path / "r", BOTH).job())
    assert (worked.state, worked.retryable) == (State.FAILED, False)
    assert "more than 100 bytes" in worked.error


def test_names_that_a_file_system_takes_for_one(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("x")
    with pytest.raises(RemoteError, match="case of their names"):
        tree._copy(io.BytesIO(b"x"), tmp_path / "a.yaml", 1, "100644")
    with pytest.raises(RemoteError, match="to its end"):
        tree._copy(io.BytesIO(b"x"), tmp_path / "b.yaml", 2, "100644")
    with pytest.raises(RemoteError, match=r"a\.yaml cannot be read"):
        tree._size(b"1234 missing\n", tree.Entry("100644", "1234", "a.yaml"))
