"""Repositories and servers that mean harm, or are broken: each ends in a clear state."""

from __future__ import annotations

import errno
import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from remotes import BRANCH, CLEAN, EXPORT, LITERAL, PASSWORD, Repository, alone, make, script

from remediator import runner
from remediator.errors import ConfigError, RemoteError, Stale, Throttled
from remediator.migrate import clone, complaints, git, process, tree
from remediator.migrate.git import Git
from remediator.migrate.jobs import State, Step, Target, Via, Worked
from remediator.migrate.publish import publish
from remediator.migrate.scrub import has_password, scrub, told
from remediator.migrate.work import work

BOTH = {"templates/db.yaml": PASSWORD, "topics.yaml": EXPORT}
HOOKS = (
    *("post-checkout", "reference-transaction", "post-index-change", "pre-push", "pre-commit"),
    *("post-commit", "commit-msg", "prepare-commit-msg", "post-merge", "pre-auto-gc"),
)


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
    assert not (tmp_path / "ran").exists(), "something of the repository ran"
    assert list((tmp_path / "temporary").iterdir()) == [], "a work folder was left"


@pytest.fixture
def ran(tmp_path: Path) -> str:
    """Return a program that tells that it ran."""
    return str(script(tmp_path / "bin" / "tell", f"touch {tmp_path / 'ran'}; cat"))


def failed(worked: Worked, *words: str, retryable: bool = False) -> None:
    assert (worked.state, worked.retryable) == (State.FAILED, retryable), worked
    for word in words:
        assert word in worked.error
    assert "\n" not in worked.error


def changed(repository: Repository, **changes: object) -> Worked:
    worked = work(repository.job(**changes))
    assert worked.state is State.CHANGED, worked.error
    return worked


# --- what a repository would have run -------------------------------------------------------------


def test_no_hook_of_the_repository_runs(tmp_path: Path, ran: str) -> None:
    repository = make(tmp_path / "r", BOTH | {"hooks/post-checkout": f"#!/bin/sh\n{ran}"})
    for hook in HOOKS:
        script(repository.folder / ".git" / "hooks" / hook, ran)
    changed(repository)
    repository.git("config", "core.hooksPath", str(repository.folder / "hooks"))
    changed(repository)


def test_no_hook_of_the_users_own_runs_either(tmp_path: Path, ran: str) -> None:
    for hook in HOOKS:
        script(tmp_path / "hooks" / hook, ran)
        script(tmp_path / "template" / "hooks" / hook, ran)
    (tmp_path / "home" / ".gitconfig").write_text(
        f"[init]\ntemplateDir = {tmp_path / 'template'}\n[core]\nhooksPath = {tmp_path / 'hooks'}\n"
    )
    repository = make(tmp_path / "r", {})
    repository.git("-c", "core.hooksPath=/dev/null", "commit", "--allow-empty", "-qm", "x")
    (repository.folder / "a.yaml").write_text(EXPORT)
    repository.git("add", ".")
    repository.git("-c", "core.hooksPath=/dev/null", "commit", "--quiet", "-m", "x")
    (tmp_path / "ran").unlink(missing_ok=True)
    for inherited in (repository.folder / ".git" / "hooks").iterdir():
        inherited.unlink()
    changed(repository)


def test_no_filter_runs_and_nothing_is_fetched_from_lfs(tmp_path: Path, ran: str) -> None:
    repository = make(tmp_path / "r", BOTH)
    (repository.folder / ".git" / "info" / "attributes").write_text("* filter=evil diff=evil\n")
    commit = repository.commit({".gitattributes": "* filter=lfs diff=lfs merge=lfs -text ident\n"})
    text = "".join(
        f'[filter "{name}"]\nsmudge = {ran}\nclean = {ran}\nprocess = {ran}\nrequired = true\n'
        f'[diff "{name}"]\ntextconv = {ran}\ncommand = {ran}\n'
        for name in ("evil", "lfs")
    )
    (tmp_path / "home" / ".gitconfig").write_text(text)
    with (repository.folder / ".git" / "config").open("a") as stream:
        stream.write(text)
    worked = changed(repository)
    assert worked.base_commit == commit


def test_no_file_monitor_runs(tmp_path: Path, ran: str) -> None:
    repository = make(tmp_path / "r", BOTH)
    for name in ("core.fsmonitor", "core.sshCommand", "core.gitProxy", "core.editor", "core.pager"):
        repository.git("config", name, ran)
    repository.git("config", "uploadpack.packObjectsHook", ran)
    repository.git("config", "remote.origin.uploadpack", ran)
    repository.git("config", "remote.origin.promisor", "true")
    changed(repository)


def test_a_submodule_is_left_alone(tmp_path: Path, ran: str) -> None:
    repository = make(tmp_path / "r", BOTH)
    head = repository.branches()["main"]
    evil = "\n".join(
        f'[submodule "{name}"]\npath = {path}\nurl = {url}\nupdate = !{ran}\nignore = none'
        for name, path, url in (
            ("../../x", "sub", f"ext::{ran}"),
            ("y", "-u./x", f"--upload-pack={ran}"),
            ("z", "sub2", "../../../etc"),
        )
    )
    repository.git("update-index", "--add", "--cacheinfo", f"160000,{head},sub")
    repository.commit({".gitmodules": evil})
    repository.git("update-index", "--add", "--cacheinfo", f"160000,{head},sub")
    repository.git("commit", "--quiet", "--allow-empty", "-m", "x")
    worked = changed(repository)
    assert "submodule" not in worked.patch


def test_links_are_not_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "t.yaml").write_text(LITERAL)
    repository = make(tmp_path / "r", BOTH)
    (repository.folder / "link.yaml").symlink_to(outside / "t.yaml")
    (repository.folder / "passwd.yaml").symlink_to("/etc/passwd")
    (repository.folder / "folder").symlink_to(outside)
    (repository.folder / "inside.yaml").symlink_to("topics.yaml")
    repository.commit({})
    worked = changed(repository)
    assert "link.yaml" not in worked.result
    assert "passwd" not in worked.result
    assert (outside / "t.yaml").read_text() == LITERAL
    listed = repository.git("ls-tree", "-r", worked.base_commit).count("120000")
    assert listed == 4


def test_settings_that_are_a_link_are_told(tmp_path: Path) -> None:
    repository = make(tmp_path / "r", BOTH | {"common.toml": 'ignore = ["export-names"]'})
    (repository.folder / "templates" / "remediator.toml").symlink_to("../common.toml")
    repository.commit({})
    failed(work(repository.job()), "templates/remediator.toml is a link")


@pytest.mark.parametrize("name", ["--upload-pack=evil", "-x", "--force", "a;touch ran", "$(touch)"])
def test_branches_that_are_called_like_options(tmp_path: Path, name: str) -> None:
    repository = make(tmp_path / "r", BOTH)
    commit = repository.branches()["main"]
    full = name.replace(" ", "-")
    repository.git("update-ref", f"refs/heads/{full}", commit)
    repository.git("symbolic-ref", "HEAD", f"refs/heads/{full}")
    repository.git("update-ref", "-d", "refs/heads/main")
    worked = changed(repository, branch=f"{full}-2")
    assert worked.base == full
    publish(repository.job(branch=f"{full}-2"), worked, Target(Via.PUSH))
    assert repository.branches()[f"{full}-2"] == worked.heads[-1].commit


def test_files_that_are_called_like_options(tmp_path: Path) -> None:
    names = ["--help.yaml", "-f", 'a"b.yaml', "a\nb.yaml", "ü\udcff.yaml", " x .yaml", "a\\b.yml"]
    try:
        repository = make(tmp_path / "r", dict.fromkeys(names[:-1], EXPORT))
    except OSError:
        pytest.skip("the file system takes no such names")
    worked = changed(repository)
    file = repository.folder / ".git" / "b"
    file.write_bytes(worked.bundle)
    repository.git("fetch", "--quiet", str(file), f"{BRANCH}:{BRANCH}")
    listed = repository.git("diff", "-z", "--name-only", "main", BRANCH).rstrip("\0").split("\0")
    assert sorted(listed) == sorted(names[:-1])
    repository.commit({names[-1]: EXPORT})
    failed(work(repository.job(branch="other")), "path that may not be")


def tree_of(repository: Repository, name: bytes, entry: bytes = b"100644") -> str:
    """Write a tree that git itself would not write; returns a commit of it."""
    blob = repository.git("hash-object", "-w", "--stdin", given=EXPORT.encode())
    raw = entry + b" " + name + b"\0" + bytes.fromhex(blob)
    made = repository.git("hash-object", "-t", "tree", "-w", "--stdin", "--literally", given=raw)
    return repository.git("commit-tree", made, "-m", "x")


@pytest.mark.parametrize("name", [b"..", b".git", b".GIT", b"../x.yaml", b"a/../../x.yaml"])
def test_paths_that_lead_out_are_refused(tmp_path: Path, name: bytes) -> None:
    repository = make(tmp_path / "r", BOTH)
    commit = tree_of(repository, name)
    repository.git("update-ref", "refs/heads/main", commit)
    worked = work(repository.job())
    if name in (b"..", b".git", b".GIT"):  # files that the work does not need
        assert worked.state in (State.FAILED, State.UNCHANGED)
    else:
        failed(worked)
    assert not (tmp_path / "temporary" / "x.yaml").exists()


@pytest.mark.parametrize(
    "path", ["/etc/x.yaml", "a//b", "a\\..\\b.yaml", ".github/workflows/../a.yaml"]
)
def test_no_such_path_is_written_even_if_git_lists_it(
    tmp_path: Path, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = b"100644 blob " + b"1" * 40 + b"\t" + path.encode() + b"\0"
    monkeypatch.setattr(Git, "run", lambda *_, **__: listed)
    repository = Git(tmp_path, time.monotonic() + 9)
    with pytest.raises(RemoteError, match="path that may not be"):
        tree.entries(repository, "x")


# --- what a server does ---------------------------------------------------------------------------


def test_an_empty_repository(tmp_path: Path) -> None:
    worked = work(make(tmp_path / "r", {}).job())
    assert (worked.state, worked.error) == (State.EMPTY, "")


def test_no_default_branch(tmp_path: Path) -> None:
    repository = make(tmp_path / "r", BOTH)
    repository.git("symbolic-ref", "HEAD", "refs/heads/gone")
    failed(work(repository.job()), "no default branch", "name the base")
    changed(repository, base="main")


def test_no_repository_at_all(tmp_path: Path) -> None:
    failed(work(make(tmp_path / "r", {}).job(url=str(tmp_path / "none"))), "no such repository")


def test_a_long_history_costs_nothing(tmp_path: Path) -> None:
    repository = make(tmp_path / "r", BOTH)
    stream = b"".join(
        b"commit refs/heads/main\ncommitter x <x@y> %d +0000\ndata 1\nx\n" % (10**9 + number)
        + (b"from refs/heads/main^0\n" if not number else b"")
        + b"M 644 inline n.md\ndata %d\n%d\n" % (len(str(number)), number)
        for number in range(20_000)
    )
    repository.git("fast-import", "--quiet", given=stream)
    start = time.monotonic()
    worked = changed(repository)
    assert time.monotonic() - start < 20  # a second, of a machine that is not busy
    assert repository.git("rev-list", "--count", worked.base_commit) == "20001"


def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str) -> str:
    """Return a URL that is spoken to by way of a command, which stands for the server."""
    ssh = script(tmp_path / "bin" / "ssh", command)
    monkeypatch.setenv("GIT_SSH_COMMAND", str(ssh))
    monkeypatch.setenv("GIT_SSH_VARIANT", "simple")
    return f"ssh://host{tmp_path / 'r'}"


BREAKS_OFF = Path(__file__).parent / "servers" / "breaks_off.py"


def test_a_server_that_breaks_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = {f"{number}.yaml": EXPORT + f"# {os.urandom(3000).hex()}" for number in range(30)}
    repository = make(tmp_path / "r", content)
    for size in (0, 100, 1_000, 30_000):
        url = served(tmp_path, monkeypatch, f'exec python3 {BREAKS_OFF} {size} "$2"')
        worked = work(repository.job(url=url))
        failed(worked, "broke off", retryable=True)
        assert worked.step is Step.CLONED
    changed(repository, url=served(tmp_path, monkeypatch, 'eval "$2"'))


def test_a_server_that_gives_no_single_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The old protocol, in which a client may want what a branch names and nothing else."""
    repository = make(tmp_path / "r", BOTH | {"large.json": "x" * 5_500_000})
    url = served(tmp_path, monkeypatch, 'unset GIT_PROTOCOL; eval "$2"')
    worked = changed(repository, url=url)
    assert worked.heads == changed(repository).heads


def test_a_server_that_only_hands_out_files(tmp_path: Path) -> None:
    repository = make(tmp_path / "r", BOTH)
    repository.git("update-server-info")
    (tmp_path / "home" / ".gitconfig").write_text('[protocol "http"]\nallow = always\n')
    handler = partial(Quiet, directory=str(repository.folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        url = f"http://127.0.0.1:{server.server_port}/.git"
        worked = work(repository.job(url=url, base="main"))
        server.shutdown()
        thread.join()
    assert worked.state is State.CHANGED, worked.error
    assert worked.heads == changed(repository).heads


class Quiet(SimpleHTTPRequestHandler):
    """Hands out files, and logs nothing."""

    def log_message(self, *_: object) -> None:
        pass


def test_a_server_that_says_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    repository = make(tmp_path / "r", BOTH)
    url = served(tmp_path, monkeypatch, f"echo $$ >{tmp_path / 'pid'}; sleep 100 & wait")
    start = time.monotonic()
    failed(work(repository.job(url=url, time_limit=1.0)), "took too long", retryable=True)
    assert time.monotonic() - start < 20
    assert is_gone(int((tmp_path / "pid").read_text()))


def is_gone(pid: int) -> bool:
    """Whether a process ends soon."""
    for _ in range(100):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.1)
    return False


def test_a_server_that_asks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    repository = make(tmp_path / "r", BOTH)
    url = served(tmp_path, monkeypatch, "read answer </dev/tty && echo $answer; exit 1")
    worked = work(repository.job(url=url))
    assert worked.state is State.FAILED


def test_all_commands_of_git_can_be_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    repository = make(tmp_path / "r", BOTH)
    job = repository.job(url=served(tmp_path, monkeypatch, f"touch {tmp_path / 'up'}; sleep 100"))
    found: list[Worked] = []
    thread = threading.Thread(target=lambda: found.append(work(job)))
    thread.start()
    while not (tmp_path / "up").exists():
        time.sleep(0.01)
    process.end_all()
    thread.join(20)
    failed(found[0], retryable=True)


def test_only_some_protocols_are_spoken(tmp_path: Path, ran: str) -> None:
    repository = make(tmp_path / "r", BOTH)
    failed(work(repository.job(url=f"ext::{ran}")), "no URL")
    failed(work(repository.job(url=f"--upload-pack={ran}")), "no URL")
    failed(work(repository.job(url=f"-oProxyCommand={ran}")), "no URL")
    failed(work(repository.job(url="http://127.0.0.1:1/x")), "may not use this protocol")
    failed(work(repository.job(url="git://127.0.0.1:1/x")), "may not use this protocol")
    failed(work(repository.job(url=f"ssh://-oProxyCommand={ran}/x")))


def test_another_protocol_where_the_user_allows_it(tmp_path: Path) -> None:
    (tmp_path / "home" / ".gitconfig").write_text('[protocol "git"]\nallow = always\n')
    repository = make(tmp_path / "r", BOTH)
    failed(work(repository.job(url="git://127.0.0.1:1/x")), "broke off", retryable=True)


def test_credentials_are_in_no_error(tmp_path: Path) -> None:
    repository = make(tmp_path / "r", BOTH)
    for url in ("https://me:s3cr3tpass@127.0.0.1:1/x", "https://s3cr3tpass@127.0.0.1:1/x"):
        worked = work(repository.job(url=url))
        failed(worked, "127.0.0.1", retryable=True)
        assert "s3cr3tpass" not in repr(worked)


def test_a_repository_of_somebody_else(tmp_path: Path) -> None:
    repository = make(tmp_path / "r", BOTH)
    try:
        for place in [repository.folder, *repository.folder.rglob("*")]:
            os.chown(place, 65534, 65534)
    except PermissionError:
        pytest.skip("only root can give files away")
    failed(work(repository.job()), "safe.directory")


def test_a_broken_object(tmp_path: Path) -> None:
    repository = make(tmp_path / "r", BOTH)
    blob = repository.git("rev-parse", "main:topics.yaml")
    (repository.folder / ".git" / "objects" / blob[:2] / blob[2:]).unlink()
    worked = work(repository.job())
    assert worked.state is State.FAILED
    assert worked.error


def test_files_that_are_too_large_to_fetch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    repository = make(tmp_path / "r", BOTH | {"data.json": os.urandom(6_000_000)})
    own = clone.start
    monkeypatch.setattr(clone, "start", lambda git, commit: limited(own, git, commit))
    worked = changed(repository)
    assert "data.json" not in worked.result
    repository.commit({f"{number}.json": os.urandom(600_000) for number in range(9)})
    failed(work(repository.job()), "more to download")


def limited(start: Callable[[Git, str], None], git: Git, commit: str) -> None:
    """Make a repository that takes no more than 3 MB at once."""
    git.most_download = 3_000_000
    git.__post_init__()
    start(git, commit)


def test_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    repository = make(tmp_path / "r", BOTH)

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(tree, "_copy", full)
    failed(work(repository.job()), "No space left", retryable=True)


def test_too_little_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    repository = make(tmp_path / "r", BOTH)

    def none(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(clone, "fetch_files", none)
    failed(work(repository.job()), "memory", retryable=True)


def test_an_interrupt_is_no_result(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    repository = make(tmp_path / "r", BOTH)

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(runner.Runner, "text", interrupted)
    with pytest.raises(KeyboardInterrupt):
        work(repository.job())


def test_git_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    repository = make(tmp_path / "r", BOTH)
    git.version.cache_clear()
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(Git, "__post_init__", lambda self: setattr(self, "_limited", []))
    failed(work(repository.job()), "git is not installed")
    git.version.cache_clear()


def test_an_old_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    repository = make(tmp_path / "r", BOTH)
    script(tmp_path / "bin" / "git", "echo git version 2.31.8")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    git.version.cache_clear()
    failed(work(repository.job()), "2.32 or newer is needed", "2.31.8")
    git.version.cache_clear()


# --- what is said ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("fatal: https://me:pass@host/x", "fatal: https://***@host/x"),
        ("https://ghp_abcdefghijklmnopqrst@github.com/x", "https://***@github.com/x"),
        ("https://a@b:c@host/x", "https://***@host/x"),
        ("ssh://git@host/x and git@host:x", "ssh://git@host/x and git@host:x"),
        ("ssh://git:pass@host/x", "ssh://git:***@host/x"),
        ("token ghp_abcdefghijklmnopqrst.", "token ***."),
        ("glpat-abcdefghij_klmnopqrst", "***"),
        ("https://host/x?private_token=abc&y=1", "https://host/x?private_token=***&y=1"),
        ("Authorization: Basic YTpi", "Authorization: ***"),
        ("nothing: here@all", "nothing: here@all"),
    ],
)
def test_credentials_are_taken_out(text: str, hidden: str) -> None:
    assert scrub(text) == hidden


def test_the_credentials_of_a_url_go_wherever_they_stand() -> None:
    url = "https://oauth2:p%40ssword@host/x"
    assert has_password(url)
    assert scrub("said p@ssword or p%40ssword to oauth2", url) == "said *** or *** to oauth2"
    assert told("a\x1b[31m\n b\t", url) == "a\\x1b[31m b"
    assert not has_password("ssh://git@host/x")
    assert not has_password("git@host:x")
    assert not has_password("/a/path")


@pytest.mark.parametrize(
    ("said", "words", "kind", "retryable"),
    [
        ("fatal: could not read Username for 'https://x'", "credentials", RemoteError, False),
        ("git@x: Permission denied (publickey).", "SSH keys", RemoteError, False),
        (
            "remote: Repository not found.\nfatal: repository 'x' not found",
            "no such",
            RemoteError,
            False,
        ),
        ("fatal: unable to access: Could not resolve host: x", "broke off", RemoteError, True),
        ("error: RPC failed; HTTP 503\nfatal: hung up", "broke off", RemoteError, True),
        ("fatal: The requested URL returned error: 429", "fewer requests", Throttled, True),
        ("! [rejected] a -> b (stale info)", "has changed", Stale, True),
        ("fatal: remote error: upload-pack: not our ref 1", "no longer there", Stale, True),
        ("remote: GH006: Protected branch update failed", "refuses", RemoteError, False),
        ("error: x: No space left on device", "disk is full", RemoteError, True),
        ("something new", "code 1", RemoteError, True),
    ],
)
def test_complaints_are_understood(
    said: str, words: str, kind: type[RemoteError], retryable: bool
) -> None:
    error = complaints.error(said, "git push", 1)
    assert type(error) is kind
    assert words in error.message
    assert error.retryable is retryable


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("HTTP 403: secondary rate limit", 60.0),
        ("rate limit; Retry-After: 17", 17.0),
        ("API rate limit; try again in 120s", 120.0),
    ],
)
def test_the_host_says_how_long_to_wait(said: str, seconds: float) -> None:
    error = complaints.error(said, "gh", 1)
    assert isinstance(error, Throttled)
    assert error.seconds == seconds


def test_names_of_branches_are_examined() -> None:
    for name in ("a", "remediator/x", "-x"):
        git.check_branch(name)
    for name in ("", "a..b", "a b", "a.lock", "/a", "a~1", "x\n"):
        with pytest.raises(ConfigError):
            git.check_branch(name)


def test_the_author_is_that_of_git(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="does not know who commits"):
        git.default_author()
    (tmp_path / "home" / ".gitconfig").write_text("[user]\nname = Ann\nemail = a@example.com\n")
    assert git.default_author() == "Ann <a@example.com>"


def test_the_environment_of_whoever_starts_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ran: str
) -> None:
    """Started by a hook, or with settings for git in the environment, as pipelines have them."""
    repository = make(tmp_path / "r", BOTH)
    other = make(tmp_path / "other", {"a.yaml": CLEAN})
    (tmp_path / "home" / ".gitconfig").write_text("[safe]\nbareRepository = explicit\n")
    monkeypatch.setenv("GIT_DIR", str(other.folder / ".git"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(other.folder / "index"))
    monkeypatch.setenv("GIT_WORK_TREE", str(other.folder))
    monkeypatch.setenv("GIT_TRACE", str(tmp_path / "ran"))
    monkeypatch.setenv("GIT_EXTERNAL_DIFF", ran)
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "url./nowhere.insteadOf")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", "https://example.invalid/")
    worked = work(repository.job())
    assert worked.state is State.CHANGED, worked.error
    failed(work(repository.job(url="https://example.invalid/x")), "/nowhere")
    assert not (other.folder / "index").exists()


def test_no_command_reaches_a_server_unless_it_is_given_one(tmp_path: Path) -> None:
    repository = make(tmp_path / "r", BOTH)
    (tmp_path / "g").mkdir()
    lonely = Git(tmp_path / "g", time.monotonic() + 60)
    clone.start(lonely, "0" * 40)
    with pytest.raises(RemoteError, match="protocol"):
        lonely.run("ls-remote", str(repository.folder))
    assert "main" in lonely.run("ls-remote", git.REMOTE, url=str(repository.folder)).decode()


def test_output_is_bounded(tmp_path: Path) -> None:
    repository = make(tmp_path / "r", BOTH)
    own = Git(repository.folder / ".git", time.monotonic() + 60)
    with pytest.raises(RemoteError, match="prints more"):
        own.run("log", most=10)
