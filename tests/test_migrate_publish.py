"""Proposals: each is made once, however often it is tried, and never over somebody's commits."""

from __future__ import annotations

import json
import os
import stat
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from remotes import BRANCH, CLEAN, EXPORT, LITERAL, PASSWORD, Repository, alone, make, script

from remediator.config import Options
from remediator.errors import FileError, RemoteError, Stale, Throttled
from remediator.migrate import gh, messages
from remediator.migrate.jobs import Job, Proposal, State, Target, Via, Worked
from remediator.migrate.publish import look, publish
from remediator.migrate.work import work
from remediator.report import proposal

BOTH = {"templates/db.yaml": PASSWORD, "topics.yaml": EXPORT}
PUSH = Target(Via.PUSH)
GH = Target(Via.GH, draft=True, labels=("security",), reviewers=("ann",))
URL = "https://github.com/acme/payments.git"


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    environment = alone(tmp_path / "home")
    for name in set(os.environ) - set(environment):
        monkeypatch.delenv(name)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    (tmp_path / "temporary").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
    monkeypatch.setattr(tempfile, "tempdir", None)
    yield
    assert list((tmp_path / "temporary").iterdir()) == [], "a work folder was left"


def worked_on(repository: Repository, **changes: Any) -> tuple[Job, Worked]:
    job = repository.job(**changes)
    worked = work(job)
    assert worked.state is State.CHANGED, worked.error
    return job, worked


# --- pushed branches ------------------------------------------------------------------------------


def test_a_branch_is_pushed_once(tmp_path: Path) -> None:
    repository = make(tmp_path / "r", BOTH)
    job, worked = worked_on(repository)
    assert look(job, worked, PUSH) is None
    published = publish(job, worked, PUSH)
    assert (published.state, published.done_before) == (Proposal.PUSHED, False)
    assert repository.branches()[BRANCH] == worked.heads[-1].commit
    repository.git("fsck", "--strict")
    again = publish(job, replace(worked, bundle=b""), PUSH)
    assert (again.state, again.done_before) == (Proposal.PUSHED, True)
    assert look(job, worked, PUSH) == again


def test_work_that_is_repeated_after_the_push_pushes_nothing(tmp_path: Path) -> None:
    repository = make(tmp_path / "r", BOTH)
    job, worked = worked_on(repository)
    publish(job, worked, PUSH)
    repository.commit({"other.yaml": EXPORT}, "Work goes on")
    before = repository.branches()
    assert publish(job, work(job), PUSH).done_before
    assert repository.branches() == before


def test_a_push_that_goes_on_with_a_branch(tmp_path: Path) -> None:
    repository = make(tmp_path / "r", BOTH)
    job, worked = worked_on(repository, options=Options(allow=frozenset({"safe"})))
    publish(job, worked, PUSH)
    job, then = worked_on(repository)
    publish(job, then, PUSH)
    log = repository.git("log", "--format=%H", f"main..{BRANCH}").split()
    assert log == [then.heads[-1].commit, worked.heads[-1].commit]
    repository.git("fsck", "--strict")


def test_two_branches(tmp_path: Path) -> None:
    repository = make(tmp_path / "r", BOTH)
    job, worked = worked_on(repository, split=True)
    publish(job, worked, PUSH)
    assert set(repository.branches()) == {"main", BRANCH, f"{BRANCH}-passwords"}
    repository.git("branch", "-D", f"{BRANCH}-passwords")  # as if killed in between
    assert not publish(job, worked, PUSH).done_before
    assert repository.branches()[f"{BRANCH}-passwords"] == worked.heads[-1].commit


def test_nothing_is_pushed_over_a_commit_of_somebody_else(tmp_path: Path) -> None:
    repository = make(tmp_path / "r", BOTH)
    job, worked = worked_on(repository)
    repository.git("checkout", "--quiet", "-b", BRANCH)
    commit = repository.commit({"mine.md": "x"})
    with pytest.raises(Stale):
        publish(job, worked, PUSH)
    assert repository.branches()[BRANCH] == commit
    assert work(job).state is State.TAKEN


def test_a_branch_that_changes_during_the_push_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from remediator.migrate import clone

    repository = make(tmp_path / "r", BOTH)
    job, worked = worked_on(repository, options=Options(allow=frozenset({"safe"})))
    publish(job, worked, PUSH)
    job, then = worked_on(repository)
    repository.git("checkout", "--quiet", BRANCH)
    commit = repository.commit({"mine.md": "x"})
    seen = {BRANCH: worked.heads[-1].commit}
    monkeypatch.setattr(clone, "heads", lambda *_: seen)
    with pytest.raises(Stale):
        publish(job, then, PUSH)
    assert repository.branches()[BRANCH] == commit


def test_a_protected_branch(tmp_path: Path) -> None:
    repository = make(tmp_path / "r", BOTH)
    job, worked = worked_on(repository)
    hook = "echo 'GH006: Protected branch update failed' >&2; exit 1"
    script(repository.folder / ".git" / "hooks" / "pre-receive", hook)
    with pytest.raises(RemoteError, match=r"refuses it .*GH006") as raised:
        publish(job, worked, PUSH)
    assert not raised.value.retryable
    assert set(repository.branches()) == {"main"}


def test_a_branch_in_the_way(tmp_path: Path) -> None:
    repository = make(tmp_path / "r", BOTH)
    repository.git("branch", "remediator")
    job, worked = worked_on(repository)
    with pytest.raises(RemoteError, match="refuses it") as raised:
        publish(job, worked, PUSH)
    assert not raised.value.retryable


def test_a_base_that_is_gone(tmp_path: Path) -> None:
    repository = make(tmp_path / "r", BOTH)
    job, worked = worked_on(repository)
    (repository.folder / "new.yaml").write_text(CLEAN)
    repository.git("add", ".")
    repository.git("commit", "--quiet", "--amend", "-m", "Another history")
    repository.git("reflog", "expire", "--expire=now", "--all")
    repository.git("gc", "--quiet", "--prune=now")
    with pytest.raises(Stale):
        publish(job, worked, PUSH)


def test_commits_that_are_not_kept_any_more(tmp_path: Path) -> None:
    job, worked = worked_on(make(tmp_path / "r", BOTH))
    with pytest.raises(Stale):
        publish(job, replace(worked, bundle=b""), PUSH)


def test_a_bundle_that_is_broken(tmp_path: Path) -> None:
    job, worked = worked_on(make(tmp_path / "r", BOTH))
    with pytest.raises(RemoteError):
        publish(job, replace(worked, bundle=worked.bundle[:-30]), PUSH)


def test_a_fork(tmp_path: Path) -> None:
    repository = make(tmp_path / "r", BOTH)
    repository.git("clone", "--quiet", "--bare", ".", str(tmp_path / "fork"))
    fork = Repository(tmp_path / "fork")
    job, worked = worked_on(repository, push_url=str(fork.folder))
    publish(job, worked, PUSH)
    assert set(repository.branches()) == {"main"}
    assert fork.branches()[BRANCH] == worked.heads[-1].commit
    assert publish(job, work(job), PUSH).done_before
    repository.commit({"later.md": "x"})
    job, worked = worked_on(repository, push_url=str(fork.folder), branch="other")
    with pytest.raises(RemoteError, match="sync it"):
        publish(job, worked, PUSH)


def test_a_merge_request_is_asked_for_with_the_push(tmp_path: Path) -> None:
    repository = make(tmp_path / "r", BOTH)
    repository.git("config", "receive.advertisePushOptions", "true")
    told = tmp_path / "told"
    place = "https://gitlab.example.com/acme/payments/-/merge_requests/7"
    script(
        repository.folder / ".git" / "hooks" / "post-receive",
        f'for n in $(seq 0 $((GIT_PUSH_OPTION_COUNT-1))); do eval echo "\\$GIT_PUSH_OPTION_$n" '
        f'>>{told}; done; echo "View merge request for x:"; echo "  {place}"',
    )
    job, worked = worked_on(repository, title="Fix\n$name")
    target = replace(PUSH, merge_request=True, draft=True, labels=("a",), reviewers=("ann",))
    published = publish(job, worked, target)
    assert published.places == (place,)
    options = told.read_text().splitlines()
    assert options[:3] == [
        "merge_request.create",
        "merge_request.target=main",
        "merge_request.title=Fix acme/payments",
    ]
    assert set(options[4:]) == {
        "merge_request.label=a",
        "merge_request.assign=ann",
        "merge_request.draft",
    }


def test_a_server_without_push_options(tmp_path: Path) -> None:
    job, worked = worked_on(make(tmp_path / "r", BOTH))
    with pytest.raises(RemoteError, match="takes no push options"):
        publish(job, worked, replace(PUSH, merge_request=True))


def test_nothing_to_propose(tmp_path: Path) -> None:
    job = make(tmp_path / "r", {"a.yaml": CLEAN}).job()
    with pytest.raises(RemoteError, match="nothing to propose"):
        publish(job, work(job), PUSH)


# --- files ----------------------------------------------------------------------------------------


def test_files_are_the_default(tmp_path: Path) -> None:
    repository = make(tmp_path / "r", BOTH)
    job, worked = worked_on(repository)
    target = Target(folder=str(tmp_path / "out"))
    assert look(job, worked, target) is None
    published = publish(job, worked, target)
    place = tmp_path / "out" / "acme" / "payments"
    assert published.places == (str(place),)
    assert {file.name for file in place.iterdir()} == {
        "changes.patch",
        "pull-request.md",
        "result.json",
    }
    assert json.loads((place / "result.json").read_text())["command"] == "fix"
    repository.git("checkout", "--quiet", "-b", "applied")
    repository.git("am", "--quiet", str(place / "changes.patch"))
    assert repository.git("rev-parse", "HEAD^{tree}") == worked.heads[-1].tree
    again = publish(job, worked, target)
    assert again == replace(published, done_before=True)
    assert look(job, replace(worked, patch="", bundle=b"", result=""), target) == again
    assert set(repository.branches()) == {"main", "applied"}


def test_the_description_tells_all_that_a_reviewer_needs(tmp_path: Path) -> None:
    job, worked = worked_on(make(tmp_path / "r", BOTH | {"secret.yaml": LITERAL}))
    publish(job, worked, Target(folder=str(tmp_path / "out")))
    text = (tmp_path / "out" / "acme" / "payments" / "pull-request.md").read_text()
    headings = [line for line in text.splitlines() if line.startswith("#")]
    assert headings == [
        "# Take passwords out of CloudFormation templates",
        "## What changes",
        "## Why",
        "## At the next deployment",
        "## To do by hand",
        "## How to undo it",
    ]
    assert "- [ ] secret.yaml:7: The old password stays in the history of git" in text
    assert "flips the passwords back" in text
    assert "- **rotates** (2)" in text
    assert "Ti9erLil1ly" not in text


def test_a_patch_with_secrets_is_private(tmp_path: Path) -> None:
    for name, content, mode in (("a", LITERAL, 0o600), ("b", PASSWORD, 0o644)):
        job, worked = worked_on(make(tmp_path / name, {"a.yaml": content}))
        publish(job, worked, Target(folder=str(tmp_path / name / "out")))
        patch = tmp_path / name / "out" / "acme" / "payments" / "changes.patch"
        assert stat.S_IMODE(patch.stat().st_mode) == mode & ~_umask()


def _umask() -> int:
    mask = os.umask(0o022)
    os.umask(mask)
    return mask


def test_changed_files_are_written_anew(tmp_path: Path) -> None:
    repository = make(tmp_path / "r", BOTH)
    target = Target(folder=str(tmp_path / "out"))
    job, worked = worked_on(repository, options=Options(allow=frozenset({"safe"})))
    publish(job, worked, target)
    job, then = worked_on(repository)
    assert look(job, then, target) is None
    assert not publish(job, then, target).done_before
    assert "DBPasswordSecret" in (tmp_path / "out/acme/payments/changes.patch").read_text()


@pytest.mark.parametrize("name", ["../x", "/x", "a/../../x", "", "a\\b"])
def test_names_that_lead_elsewhere(tmp_path: Path, name: str) -> None:
    job, worked = worked_on(make(tmp_path / "r", BOTH))
    with pytest.raises(RemoteError, match="name of a folder"):
        publish(job, replace(worked, name=name), Target(folder=str(tmp_path / "out")))


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    job, worked = worked_on(make(tmp_path / "r", BOTH))
    (tmp_path / "out").write_text("a file")
    with pytest.raises(FileError, match="cannot be made"):
        publish(job, worked, Target(folder=str(tmp_path / "out")))


# --- pull requests --------------------------------------------------------------------------------


class Hub:
    """What the program that stands for gh keeps."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.keep({"pulls": [], "fail": [], "calls": [], "limits": {}})

    def kept(self) -> Any:
        return json.loads(self.file.read_text())

    def keep(self, content: Any) -> None:
        self.file.write_text(json.dumps(content))

    def set(self, **changes: Any) -> None:
        content = self.kept()
        content["pulls"][0] |= changes
        self.keep(content)

    def fail(self, command: str, said: str) -> None:
        content = self.kept()
        content["fail"].append([["pr", command], said])
        self.keep(content)


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Hub:
    fake = Path(__file__).parent / "servers" / "gh.py"
    script(tmp_path / "bin" / "gh", f'exec {sys.executable} {fake} "$@"')
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    monkeypatch.setenv("GH_FAKE", str(tmp_path / "hub.json"))
    (tmp_path / "home" / ".gitconfig").write_text(
        f'[url "{tmp_path}/"]\ninsteadOf = https://github.com/acme/\n'
    )
    return Hub(tmp_path / "hub.json")


def on_hub(tmp_path: Path, **changes: Any) -> tuple[Repository, Job, Worked]:
    repository = make(tmp_path / "payments.git", BOTH)
    return repository, *worked_on(repository, url=URL, **changes)


def test_a_pull_request_is_opened_once(tmp_path: Path, hub: Hub) -> None:
    repository, job, worked = on_hub(tmp_path)
    assert look(job, worked, GH) is None
    published = publish(job, worked, GH)
    place = "https://github.com/acme/payments/pull/1"
    assert (published.state, published.places) == (Proposal.OPEN, (place,))
    assert repository.branches()[BRANCH] == worked.heads[-1].commit
    (pull,) = hub.kept()["pulls"]
    assert (pull["title"], pull["baseRefName"], pull["draft"]) == (
        "Take passwords out of CloudFormation templates",
        "main",
        True,
    )
    assert pull["body"] == worked.descriptions[0].body
    again = publish(job, work(job), GH)
    assert again == replace(published, done_before=True)
    assert look(job, worked, GH) == again
    assert len(hub.kept()["pulls"]) == 1


def test_a_branch_that_was_pushed_gets_its_pull_request(tmp_path: Path, hub: Hub) -> None:
    _, job, worked = on_hub(tmp_path)
    hub.fail("create", "connection reset")
    with pytest.raises(RemoteError) as raised:
        publish(job, worked, GH)
    assert raised.value.retryable
    assert publish(job, worked, GH).state is Proposal.OPEN


@pytest.mark.parametrize("state", ["CLOSED", "MERGED"])
def test_what_is_decided_is_not_proposed_again(tmp_path: Path, hub: Hub, state: str) -> None:
    repository, job, worked = on_hub(tmp_path)
    publish(job, worked, GH)
    hub.set(state=state, headRefOid=worked.heads[-1].commit)
    repository.git("branch", "-D", BRANCH)
    published = publish(job, worked, GH)
    assert (published.state, published.done_before) == (Proposal(state.lower()), True)
    assert BRANCH not in repository.branches()
    assert look(job, worked, GH) == published


def test_what_is_left_after_a_merge_is_proposed(tmp_path: Path, hub: Hub) -> None:
    repository, job, worked = on_hub(tmp_path)
    publish(job, worked, GH)
    hub.set(state="MERGED", headRefOid=worked.heads[-1].commit)
    repository.git("merge", "--quiet", "--squash", BRANCH)
    repository.commit({"new.yaml": EXPORT})
    repository.git("branch", "-D", BRANCH)
    published = publish(job, work(job), GH)
    assert published.places == ("https://github.com/acme/payments/pull/2",)


def test_the_pull_requests_of_others_do_not_count(tmp_path: Path, hub: Hub) -> None:
    _, job, worked = on_hub(tmp_path)
    publish(job, worked, GH)
    hub.set(headRepositoryOwner={"login": "somebody"})
    assert publish(job, worked, GH).places == ("https://github.com/acme/payments/pull/2",)
    hub.set(headRepositoryOwner=None)
    assert publish(job, worked, GH).done_before


def test_one_that_was_opened_in_between(tmp_path: Path, hub: Hub) -> None:
    _, job, worked = on_hub(tmp_path)
    place = "https://github.com/acme/payments/pull/9"
    hub.fail("create", f'a pull request for branch "x" into branch "main" already exists:\n{place}')
    assert publish(job, worked, GH).places == (place,)


def test_two_pull_requests(tmp_path: Path, hub: Hub) -> None:
    _, job, worked = on_hub(tmp_path, split=True)
    published = publish(job, worked, GH)
    assert [place[-1] for place in published.places] == ["1", "2"]
    hub.set(state="MERGED", headRefOid=worked.heads[0].commit)
    found = look(job, worked, GH)
    assert found is not None
    assert found.state is Proposal.OPEN
    assert publish(job, worked, GH).done_before


def test_a_pull_request_from_a_fork(tmp_path: Path, hub: Hub) -> None:
    repository = make(tmp_path / "payments.git", BOTH)
    repository.git("clone", "--quiet", "--bare", ".", str(tmp_path / "fork"))
    with (tmp_path / "home" / ".gitconfig").open("a") as stream:
        stream.write(f'[url "{tmp_path}/fork"]\ninsteadOf = git@github.com:bot/payments.git\n')
    job, worked = worked_on(repository, url=URL, push_url="git@github.com:bot/payments.git")
    publish(job, worked, GH)
    assert publish(job, worked, GH).done_before
    (pull,) = hub.kept()["pulls"]
    assert (pull["headRepositoryOwner"]["login"], pull["headRefName"]) == ("bot", BRANCH)


def test_the_hub_wants_fewer_requests(tmp_path: Path, hub: Hub) -> None:
    _, job, worked = on_hub(tmp_path)
    hub.fail("create", "GraphQL: was submitted too quickly (createPullRequest)")
    with pytest.raises(Throttled) as raised:
        publish(job, worked, GH)
    assert raised.value.seconds == 60
    content = hub.kept()
    content["limits"] = {
        "core": {"remaining": 10, "reset": time.time() + 9_999},
        "graphql": {"remaining": 0, "reset": time.time() + 600},
    }
    hub.keep(content)
    hub.fail("list", "HTTP 403: API rate limit exceeded for user ID 1.")
    with pytest.raises(Throttled) as raised:
        publish(job, worked, GH)
    assert 590 < raised.value.seconds <= 600
    assert publish(job, worked, GH).state is Proposal.OPEN


def test_answers_that_are_none(tmp_path: Path, hub: Hub) -> None:
    _, job, worked = on_hub(tmp_path)
    for answer in ("no json", "{}"):
        script(tmp_path / "bin" / "gh", f"echo '{answer}'")
        with pytest.raises(RemoteError, match="gh answers with") as raised:
            publish(job, worked, GH)
        assert raised.value.retryable


def test_gh_is_not_there(tmp_path: Path, hub: Hub) -> None:
    _, job, worked = on_hub(tmp_path)
    (tmp_path / "bin" / "gh").unlink()
    with pytest.raises(RemoteError, match="gh is not installed"):
        publish(job, worked, GH)


@pytest.mark.parametrize(
    "url",
    [
        "https://github.com/acme/pay.ments.git",
        "https://github.com/acme/pay.ments",
        "https://x:y@github.com/acme/pay.ments/",
        "ssh://git@github.com:22/acme/pay.ments.git",
        "git@github.com:acme/pay.ments.git",
        "github.com:acme/pay.ments",
    ],
)
def test_repositories_on_github(url: str) -> None:
    assert gh.repository(url) == ("github.com", "acme", "pay.ments")


@pytest.mark.parametrize("url", ["/a/b", "file:///a/b", "https://github.com/acme", "../a/b"])
def test_no_repositories_on_github(url: str) -> None:
    with pytest.raises(RemoteError, match="GitHub"):
        gh.repository(url)


def test_a_description_is_never_too_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proposal, "MOST_BYTES", 5_000)
    monkeypatch.setattr(proposal, "_ROWS", (100, 3, 0))
    monkeypatch.setattr(messages, "_MOST", 2)
    many = {f"{number:04}.yaml": LITERAL for number in range(12)}
    _, worked = worked_on(make(tmp_path / "r", many))
    (text,) = worked.descriptions
    assert len(text.body.encode()) <= 5_000
    assert "9 more are left out here" in text.body
    assert "- and 10 more\n" in worked.patch
