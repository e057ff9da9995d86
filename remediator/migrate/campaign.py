"""Reads a campaign file: which repositories, what is done in them, and how it is proposed.

    name = "no-passwords"
    allow = ["safe", "rotates"]

    [repositories]
    list = "repositories.txt"

    [propose]
    via = "gh"

The file is the user's own, as a script would be: it may name a command that lists repositories. It
is read whole before anything is done, and every mistake is told with its line.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from hashlib import sha256
from pathlib import Path

from .. import config, registry
from ..config import Options
from ..errors import ConfigError, RemediatorError
from ..model import Consequence, Settings
from . import commit, git, messages
from .jobs import TIME_LIMIT, Job, Target, Via
from .scrub import has_password
from .table import Table

KEYS = {
    "": (
        *("name", "allow", "branch", "base", "split", "author", "date", "sign"),
        *("title", "message", "body", "repositories", "repair", "propose", "work"),
    ),
    "repositories": ("urls", "paths", "list", "command", "ignore"),
    "repair": (
        *("select", "ignore", "strategy", "rotation", "manual-secrets"),
        *("nothing-deployed", "new", "live", "validate"),
    ),
    "propose": (
        *("via", "folder", "url", "merge-request", "draft", "labels", "reviewers"),
        *("at-most", "pause"),
    ),
    "work": ("processes", "time-limit", "attempts", "wait"),
}
"""The keys of each table; the outermost has no name."""
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,58}[a-z0-9])?")


@dataclass(frozen=True, slots=True)
class Sources:
    """Where the repositories are named: each a URL, or a path seen from the campaign's folder."""

    urls: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    """Patterns; what they match and is no repository is passed over."""
    list: Path | None = None
    """A file with one on each line."""
    command: tuple[str, ...] = ()
    """A program that prints one on each line, with its arguments."""
    ignore: tuple[str, ...] = ()
    """Patterns of names that are left out."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast: how many at once, how long, how often. Of times, seconds."""

    processes: int
    """0: one for each processor."""
    time_limit: float
    """For the work on one repository."""
    attempts: int
    wait: float
    """Before the second attempt; doubled before each that follows."""
    at_most: int
    """Proposals of one run; 0: all."""
    pause: float
    """Between two proposals."""


@dataclass(frozen=True, slots=True)
class Campaign:
    """A campaign as its file has it. `job` has all but the name and the URL of a repository."""

    file: Path
    job: Job
    target: Target
    sources: Sources
    pace: Pace
    push_url: str = ""
    """What to push to where it is not what was cloned; `{name}` stands for a repository's name,
    `{last}` for the last step of that."""

    @property
    def name(self) -> str:
        """Its name, which marks its commits."""
        return self.job.campaign

    def job_of(self, name: str, url: str, date: str) -> Job:
        """Return the work on a repository; `date` is that of the campaign's commits."""
        push_url = self.push_url.replace("{name}", name).replace("{last}", name.split("/")[-1])
        return replace(self.job, name=name, url=url, push_url=push_url, date=date)

    @property
    def folder(self) -> Path:
        """The folder of its file: paths in the file are seen from here."""
        return self.file.parent

    def beside(self, ending: str) -> Path:
        """Return the path of what is kept beside the file: `campaign.state` of `campaign.toml`."""
        return self.file.with_name(f"{self.file.stem}.{ending}")

    @property
    def digest(self) -> str:
        """The same as long as the same is done in a repository, by the same version.

        Its author is left out: git's configuration may name another one from day to day.
        """
        job = replace(self.job, author="", time_limit=0)
        said = [self.push_url, *(f"{each.name}={_said(job, each.name)}" for each in fields(job))]
        return sha256("\0".join(said).encode()).hexdigest()[:16]


def _said(job: Job, name: str) -> str:
    value = getattr(job, name)
    if isinstance(value, Options):  # the order of a set differs from run to run
        named = value._asdict().items()
        return repr([(n, sorted(v) if isinstance(v, frozenset) else v) for n, v in named])
    return repr(value)


def load(file: Path) -> Campaign:
    """Return the campaign of a file; raises ConfigError, with the line, where it is wrong."""
    top = Table.read(file)
    top.examine(KEYS[""])
    tables = {name: top.table(name) for name in KEYS if name}
    for name, table in tables.items():
        table.examine(KEYS[name])
    target = _target(tables["propose"], file.absolute().parent)
    pace = _pace(tables["propose"], tables["work"])
    job = _job(top, tables["repair"], pace)
    sources = _sources(top, tables["repositories"])
    push_url = _push_url(tables["propose"])
    return Campaign(file.absolute(), job, target, sources, pace, push_url)


def schema() -> str:
    """Return the JSON Schema of a campaign file, for editors."""
    return Path(__file__).with_name("campaign.schema.json").read_text(encoding="utf-8")


def _job(top: Table, repair: Table, pace: Pace) -> Job:
    name = top.text("name", _stem(top.file))
    if not _NAME.fullmatch(name):
        top.fail("name", f"may hold a-z, 0-9 and - only, 60 at the most, not {name!r}")
    branch = top.text("branch", f"remediator/{name}")
    try:
        git.check_branch(branch)
    except RemediatorError as error:
        top.fail("branch", error.message)
    base = top.text("base")
    try:
        if base:
            git.check_branch(base)
    except RemediatorError as error:
        top.fail("base", error.message)
    for key in ("title", "message", "body"):
        try:
            messages.check(top.text(key), key)
        except RemediatorError as error:
            top.fail(key, error.message.removeprefix(f"{key}: "))
    return Job(
        name="",
        url="",
        campaign=name,
        branch=branch,
        author=_author(top),
        date=top.time("date"),
        options=_options(top, repair),
        base=base,
        new=repair.texts("new"),
        live=repair.texts("live"),
        title=top.text("title"),
        message=top.text("message"),
        body=top.text("body"),
        split=top.flag("split"),
        sign=top.flag("sign") if top.has("sign") else None,
        validate=repair.flag("validate", default=True),
        time_limit=pace.time_limit,
    )


def _stem(file: Path) -> str:
    """Return the name of a campaign that has none: that of its file, as far as it can be one."""
    return re.sub(r"[^a-z0-9]+", "-", file.stem.lower()).strip("-")[:60].strip("-") or "campaign"


def _author(top: Table) -> str:
    if not top.has("author"):
        try:
            return git.default_author()
        except RemediatorError as error:
            top.fail("author", f"is missing: {error.message}")
    author = top.text("author")
    try:
        commit.check_author(author)
    except ConfigError:
        top.fail("author", f'must be "Name <address>", not {author!r}')
    return author


def _options(top: Table, repair: Table) -> Options:
    """Return what the campaign says of the repairs; `allow` must be said."""
    known = ", ".join(Consequence)
    if not top.has("allow"):
        top.fail(
            "allow",
            "is missing: merging may mean deploying, so say which consequences a repair may have, "
            f'such as allow = ["safe"]; the known ones are {known}',
        )
    options = Options(
        allow=frozenset(top.texts("allow")),
        select=_names(repair, "select"),
        ignore=_names(repair, "ignore"),
        new=repair.flag("nothing-deployed"),
        strategy=repair.text("strategy") or None,
        rotation=repair.text("rotation") or None,
        manual_secrets=repair.text("manual-secrets") or None,
    )
    for table, key, name in (
        (top, "allow", "allow"),
        *((repair, name.replace("_", "-"), name) for name in ("strategy", "rotation")),
        (repair, "manual-secrets", "manual_secrets"),
        (repair, "select", "select"),
        (repair, "ignore", "ignore"),
    ):
        try:
            one = Options(**{name: getattr(options, name)})
            registry.load(config.with_options(Settings(), one))
        except ConfigError as error:
            said = error.message.removeprefix(f"--{key}").lstrip(": ")
            table.fail(key, f"is wrong: {said}" if said == error.message else said)
    return options


def _names(table: Table, key: str) -> frozenset[str] | None:
    return frozenset(table.texts(key)) if table.has(key) else None


def _target(propose: Table, folder: Path) -> Target:
    via = Via(propose.choice("via", tuple(Via), Via.FILES))
    target = Target(
        via=via,
        folder=str(folder / propose.text("folder", "proposals")),
        merge_request=propose.flag("merge-request"),
        draft=propose.flag("draft"),
        labels=propose.texts("labels"),
        reviewers=propose.texts("reviewers"),
    )
    ways = {
        "folder": (Via.FILES,),
        "url": (Via.PUSH, Via.GH),
        "merge-request": (Via.PUSH,),
        "draft": (Via.PUSH, Via.GH),
        "labels": (Via.PUSH, Via.GH),
        "reviewers": (Via.PUSH, Via.GH),
    }
    for key, those in ways.items():
        if propose.values.get(key) and via not in those:
            named = " or ".join(f'"{each}"' for each in those)
            propose.fail(key, f'goes with via = {named}, not with "{via}"')
    return target


def _push_url(propose: Table) -> str:
    url = propose.text("url")
    if not url:
        return ""
    if "{name}" not in url and "{last}" not in url:
        propose.fail("url", "needs {name} or {last}: all or the last step of a repository's name")
    try:
        git.check_url(url)
    except RemediatorError as error:
        propose.fail("url", error.message)
    if has_password(url):
        propose.fail("url", "holds a password; git asks your credential helper for it")
    return url


def _pace(propose: Table, work: Table) -> Pace:
    return Pace(
        processes=work.count("processes", 0, least=0),
        time_limit=work.number("time-limit", TIME_LIMIT, least=1),
        attempts=work.count("attempts", 3),
        wait=work.number("wait", 2.0, least=0),
        at_most=propose.count("at-most", 0, least=0),
        pause=propose.number("pause", 1.0, least=0),
    )


def _sources(top: Table, table: Table) -> Sources:
    sources = Sources(
        urls=table.texts("urls"),
        paths=table.texts("paths"),
        list=top.file.absolute().parent / table.text("list") if table.has("list") else None,
        command=table.texts("command"),
        ignore=table.texts("ignore"),
    )
    if not (sources.urls or sources.paths or sources.list or sources.command):
        _no_source(top, table)
    return sources


def _no_source(top: Table, table: Table) -> None:
    where: Sequence[str] = ("urls", "paths", "list", "command")
    owner = table if table.values else top
    key = next(iter(table.values)) if table.values else "repositories"
    owner.fail(key, f"names no repository: give {', '.join(where[:-1])} or {where[-1]}")
