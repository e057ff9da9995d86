"""A campaign file: what it says, how a mistake is told, which repositories it names."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from test_cli import remediator

from remediator.errors import ConfigError
from remediator.migrate import campaign as campaigns
from remediator.migrate import git
from remediator.migrate.campaign import KEYS, Campaign, load
from remediator.migrate.jobs import Via
from remediator.migrate.listing import Repository, repositories

SCHEMA = json.loads(campaigns.schema())
VALIDATOR = Draft202012Validator(SCHEMA)
LEAST = """\
allow = ["safe"]
author = "Team <team@example.com>"

[repositories]
urls = ["https://github.com/acme/payments.git"]
"""
MOST = r'''
name = "no-passwords"
allow = ["safe", "rotates"]
branch = "chores/no-passwords"
base = "main"
split = true
author = "Team <team@example.com>"
date = 2026-01-31T12:00:00Z
sign = false
title = "$count repairs"
message = """
Repair $files templates

$repairs
"""
body = "$description"

[repositories]
urls = ["https://github.com/acme/payments.git"]
paths = ["repos/*"]
list = "list.txt"
command = ["gh", "repo", "list"]
ignore = ["acme/archive-*"]

[repair]
select = ["password-parameters"]
ignore = ["null-values"]
strategy = "reference"
rotation = "30d"
manual-secrets = "replace"
nothing-deployed = false
new = ["sandbox/**"]
live = ["sandbox/live/**"]
validate = false

[propose]
via = "gh"
url = "https://github.com/bot/{last}.git"
draft = true
labels = ["security"]
reviewers = ["acme/platform"]
at-most = 20
pause = 5

[work]
processes = 4
time-limit = 120.5
attempts = 5
wait = 1
'''


def write(folder: Path, text: str) -> Path:
    file = folder / "No Passwords.toml"
    file.write_text(text)
    return file


def git_repository(folder: Path, *options: str) -> Path:
    subprocess.run(["git", "init", "-q", *options, folder], check=True)
    return folder


def test_what_is_left_out_has_a_default(tmp_path: Path) -> None:
    campaign = load(write(tmp_path, LEAST))
    assert campaign.name == "no-passwords"
    assert campaign.job.branch == "remediator/no-passwords"
    assert campaign.job.options.allow == frozenset({"safe"})
    assert campaign.job.options.new is False
    assert (campaign.target.via, campaign.target.folder) == (Via.FILES, f"{tmp_path}/proposals")
    assert campaign.beside("state") == tmp_path / "No Passwords.state"
    assert not campaign.push_url


def test_what_is_said_is_taken(tmp_path: Path) -> None:
    campaign = load(write(tmp_path, MOST))
    job = campaign.job_of("acme/payments", "https://github.com/acme/payments", "then")
    assert (job.name, job.url, job.date) == (
        "acme/payments",
        "https://github.com/acme/payments",
        "then",
    )
    assert (job.branch, job.base, job.split, job.sign) == (
        "chores/no-passwords",
        "main",
        True,
        False,
    )
    assert job.push_url == "https://github.com/bot/payments.git"
    assert job.message == "Repair $files templates\n\n$repairs\n"
    assert job.options.select == frozenset({"password-parameters"})
    assert (job.options.strategy, job.options.rotation) == ("reference", "30d")
    assert (job.new, job.live) == (("sandbox/**",), ("sandbox/live/**",))
    assert not job.validate
    assert job.time_limit == 120.5
    assert campaign.job.date == "2026-01-31T12:00:00+00:00"
    assert (campaign.target.draft, campaign.target.labels) == (True, ("security",))
    assert (campaign.pace.at_most, campaign.pace.pause, campaign.pace.attempts) == (20, 5, 5)


MISTAKES = [
    ("allow =", "alow =", 1, "alow is no key that is known here; these are: name, allow,"),
    ('["safe"]', '["safe", "rotate"]', 1, "unknown consequence 'rotate'"),
    ('["safe"]', '"safe"', 1, "allow must be a list of texts"),
    ("author", 'name = "No Passwords"\nauthor', 2, "name may hold a-z, 0-9 and - only"),
    ("author", 'branch = "-x..y"\nauthor', 2, "cannot be the name of a branch"),
    ("author", 'base = "a b"\nauthor', 2, "cannot be the name of a branch"),
    ("author", "split = 1\nauthor", 2, "split must be true or false, not a number"),
    ("author", "date = 2026-01-31T12:00:00\nauthor", 2, "date needs an offset"),
    ("author", 'date = "soon"\nauthor', 2, "date must be a time such as"),
    ("author", 'title = "$cuont"\nauthor', 2, "there is no $cuont"),
    ("author", 'message = """\n[work]\nprocesses = $"""\nauthor', 2, "a lone $ is written $$"),
    ("Team <team@example.com>", "Team", 2, "author must be \"Name <address>\", not 'Team'"),
    ("author", 'coauthor = "x"\nauthor', 2, "coauthor is no key that is known here; these are: "),
    ("urls", "url", 5, "[repositories] url is no key"),
    ("urls", "ignore", 5, "[repositories] ignore names no repository: give urls, paths, list or"),
    ("[repositories]", "[repository]", 4, "repository is no key"),
    ('["https', '[""]\npaths = ["https', 5, "[repositories] urls must be a list of texts"),
    ("\n[repo", "\nrepair = 1\n[repo", 4, "repair must be a table [repair], not a number"),
    ("\n[repo", '\n[repair]\nstrategy = "x"\n[repo', 5, "[repair] strategy must be"),
    ("\n[repo", '\n[repair]\nselect = ["x"]\n[repo', 5, "[repair] select"),
    ("\n[repo", '\n[repair]\nrotation = "30"\n[repo', 5, "[repair] rotation must be"),
    ("\n[repo", "\n[repair]\nplugins = []\n[repo", 5, "[repair] plugins is no key"),
    ("\n[repo", '\n[propose]\nvia = "mail"\n[repo', 5, "[propose] via must be"),
    ("\n[repo", '\n[propose]\nurl = "https://x/{name}"\n[repo', 5, 'goes with via = "push" or'),
    ("\n[repo", '\n[propose]\nvia = "gh"\nurl = "https://x/y"\n[repo', 6, "needs {name} or {last}"),
    (
        "\n[repo",
        '\n[propose]\nvia = "gh"\nurl = "https://a:s3cretword@x/{name}"\n[repo',
        6,
        "holds a password",
    ),
    ("\n[repo", "\n[propose]\nmerge-request = true\n[repo", 5, 'goes with via = "push", not'),
    ("\n[repo", "\n[propose]\nat-most = 1.5\n[repo", 5, "at-most must be a whole number"),
    ("\n[repo", "\n[work]\ntime-limit = 0\n[repo", 5, "[work] time-limit must be a number, 1 or"),
    ("\n[repo", '\n[work]\nattempts = "3"\n[repo', 5, "[work] attempts must be a number"),
]


@pytest.mark.parametrize(("old", "new", "line", "message"), MISTAKES)
def test_a_mistake_is_told_with_its_line(
    tmp_path: Path, old: str, new: str, line: int, message: str
) -> None:
    file = write(tmp_path, LEAST.replace(old, new, 1))
    with pytest.raises(ConfigError) as caught:
        load(file)
    assert caught.value.message.startswith(f"{file}:{line}: "), caught.value.message
    assert message in caught.value.message
    assert "s3cretword" not in caught.value.message


def test_what_must_be_said_is_asked_for(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="allow is missing: merging may mean deploying"):
        load(write(tmp_path, LEAST.partition("\n")[2]))
    with pytest.raises(ConfigError, match="repositories names no repository"):
        load(write(tmp_path, LEAST.partition("[repo")[0]))


def test_the_author_is_gits_own_user_where_none_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write(tmp_path, LEAST.replace("author", "# author"))
    monkeypatch.setattr(git, "default_author", lambda: "Git <git@example.com>")
    assert load(file).job.author == "Git <git@example.com>"

    def unknown() -> str:
        raise ConfigError("git does not know who commits")

    monkeypatch.setattr(git, "default_author", unknown)
    with pytest.raises(ConfigError, match="author is missing: git does not know"):
        load(file)


def test_what_is_no_toml_is_told_too(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"is not valid TOML: .* line 2"):
        load(write(tmp_path, "allow = []\nauthor\n"))
    with pytest.raises(ConfigError, match="cannot be read"):
        load(tmp_path / "none.toml")


def test_a_change_of_what_is_done_is_seen(tmp_path: Path) -> None:
    digest = load(write(tmp_path, LEAST)).digest
    other = LEAST.replace("Team <", "Others <") + "[work]\nprocesses = 2\ntime-limit = 9\n"
    assert load(write(tmp_path, other)).digest == digest
    for changed in (
        LEAST.replace('"safe"', '"safe", "rotates"'),
        LEAST + '[repair]\nnew = ["x"]\n',
        'title = "x"\n' + LEAST,
    ):
        assert load(write(tmp_path, changed)).digest != digest


def test_the_digest_is_the_same_in_every_process(tmp_path: Path) -> None:
    file = write(tmp_path, LEAST.replace('"safe"', '"safe", "rotates", "external", "replaces"'))
    program = (
        "import sys; from pathlib import Path; from remediator.migrate.campaign import load; "
        "print(load(Path(sys.argv[1])).digest)"
    )
    found = {
        subprocess.run(
            [sys.executable, "-P", "-c", program, file],
            env={"PYTHONHASHSEED": seed, "PATH": "/usr/bin:/bin"},
            capture_output=True,
            check=True,
        ).stdout
        for seed in "123"
    }
    assert len(found) == 1


# --- the schema -------------------------------------------------------------------------------


def test_the_schema_has_the_keys_of_the_code(tmp_path: Path) -> None:
    Draft202012Validator.check_schema(SCHEMA)
    tables = {"": SCHEMA, **{name: SCHEMA["properties"][name] for name in KEYS if name}}
    for name, keys in KEYS.items():
        assert set(tables[name]["properties"]) == set(keys)
        assert tables[name]["additionalProperties"] is False
        for key, value in tables[name]["properties"].items():
            assert value["description"].endswith("."), key
    for name in KEYS:
        text = f"{LEAST}[{name}]\nnonsense = 1\n" if name else f"nonsense = 1\n{LEAST}"
        if name == "repositories":
            text = LEAST + "nonsense = 1\n"
        with pytest.raises(ConfigError, match="nonsense is no key") as caught:
            load(write(tmp_path, text))
        known = caught.value.message.partition("these are: ")[2]
        assert set(known.split(", ")) == set(KEYS[name])


@pytest.mark.parametrize("text", [LEAST, MOST])
def test_the_schema_takes_what_is_taken(text: str) -> None:
    VALIDATOR.validate(json.loads(json.dumps(tomllib.loads(text), default=str)))


@pytest.mark.parametrize(("old", "new", "_", "message"), MISTAKES)
def test_the_schema_refuses_most_of_what_is_refused(
    old: str, new: str, _: int, message: str
) -> None:
    beyond = ("cannot be the name", "there is no $", "a lone $", "holds a password", "goes with")
    content = json.loads(json.dumps(tomllib.loads(LEAST.replace(old, new, 1)), default=str))
    if not message.startswith(beyond) and "date" not in message and "select" not in message:
        assert not VALIDATOR.is_valid(content)


def test_the_schema_can_be_printed() -> None:
    assert json.loads(remediator("explain", "campaign").stdout) == SCHEMA


# --- the repositories -------------------------------------------------------------------------


def campaign(folder: Path, sources: str) -> Campaign:
    text = LEAST.partition("urls")[0] + sources
    return load(write(folder, text))


def named(folder: Path, sources: str, **known: str) -> dict[str, str]:
    found = repositories(campaign(folder, sources), known)
    return {repository.name: repository.url for repository in found}


def test_names_are_made_of_urls(tmp_path: Path) -> None:
    sources = """urls = [
        "https://github.com/acme/payments.git",
        "git@github.com:acme/orders.git",
        "ssh://git@example.com:2222/~team/shop",
        "https://user@dev.azure.com/acme/_git/a%20b/",
        "file:///srv/git/billing.git",
    ]"""
    assert list(named(tmp_path, sources)) == [
        "acme/payments",
        "acme/orders",
        "team/shop",
        "acme/_git/a-20b",
        "billing",
    ]


def test_each_repository_counts_once(tmp_path: Path) -> None:
    sources = """urls = [
        "https://github.com/acme/payments.git",
        "https://GitHub.com/acme/payments/",
        "git@github.com:acme/payments.git",
        "ssh://git@github.com/acme/payments",
    ]"""
    assert named(tmp_path, sources) == {"acme/payments": "https://github.com/acme/payments.git"}


def test_names_are_unique_and_can_be_folders(tmp_path: Path) -> None:
    sources = """urls = [
        "https://one.example/acme/payments",
        "https://two.example/acme/Payments",
        "https://two.example/acme/payments/api",
        "https://two.example/acme",
        "https://three.example/../..",
        "https://three.example/.git/-x/.y",
    ]"""
    names = list(named(tmp_path, sources))
    assert names == [
        "acme/payments",
        "two.example/acme/Payments",
        "two.example-acme-payments-api",
        "two.example-acme",
        "repository",
        "git/x/y",
    ]
    for name in names:
        others = [other.casefold() for other in names if other != name]
        assert not any(other.startswith(f"{name.casefold()}/") for other in others), names
        assert all(step and not step.startswith((".", "-")) for step in name.split("/"))


def test_a_name_stays_what_it_was(tmp_path: Path) -> None:
    one = 'urls = ["https://one.example/acme/payments"]'
    (first,) = repositories(campaign(tmp_path, one))
    both = 'urls = ["https://two.example/acme/payments", "https://one.example/acme/payments"]'
    found = repositories(campaign(tmp_path, both), {first.key: first.name})
    assert found[1] == first
    assert found[0].name == "two.example/acme/payments"


def test_lists_paths_and_commands_are_read(tmp_path: Path) -> None:
    for name in ("repos/one", "repos/two", "elsewhere/three"):
        git_repository(tmp_path / name)
    git_repository(tmp_path / "repos" / "bare.git", "--bare")
    (tmp_path / "repos" / "no-repository").mkdir()
    (tmp_path / "list.txt").write_text("# ours\n\n  elsewhere/three\nhttps://h.example/a/b\n")
    program = json.dumps([sys.executable, "-c", "print('https://h.example/c/d')"])
    sources = f'paths = ["repos/*"]\nlist = "list.txt"\ncommand = {program}\nignore = ["a/*"]'
    assert named(tmp_path, sources) == {
        "bare": f"{tmp_path}/repos/bare.git",
        "one": f"{tmp_path}/repos/one",
        "two": f"{tmp_path}/repos/two",
        "three": f"{tmp_path}/elsewhere/three",
        "c/d": "https://h.example/c/d",
    }


@pytest.mark.parametrize(
    ("sources", "message"),
    [
        ('urls = ["ext::sh -c id"]', "neither a URL nor a git repository"),
        ('urls = ["--upload-pack=id"]', "neither a URL nor a path"),
        ('urls = ["ftp://h.example/x"]', "is no URL with one of file, git, http, https, ssh"),
        ('urls = ["https:///x"]', "is no URL with one of"),
        ('urls = ["https://[x/y"]', "is no URL that can be read"),
        ('urls = ["https://u:s3cretword@h.example/x"]', "a URL of h.example holds a password"),
        ('urls = ["none"]', "neither a URL nor a git repository"),
        ('paths = ["none/*"]', "matches no git repository"),
        ('paths = ["/**x/../"]', "is no pattern of paths|matches no git repository"),
        ('list = "none.txt"', "none.txt: the list of repositories cannot be read"),
        ('list = "list.txt"', "list.txt:2: 'a\\tb' is neither|list.txt:2: is neither"),
        ('command = ["none-such"]', "none-such does not start: No such file"),
        ('command = ["false"]', "false failed with exit code 1"),
        ('command = ["true"]', "its sources name no repository"),
        ('urls = ["https://h.example/a/b"]\nignore = ["**"]', "its sources name no repository"),
    ],
)
def test_what_is_no_repository_is_told(tmp_path: Path, sources: str, message: str) -> None:
    (tmp_path / "list.txt").write_text("https://h.example/a/b\na\tb\n")
    with pytest.raises(ConfigError, match=message) as caught:
        named(tmp_path, sources)
    assert "s3cretword" not in caught.value.message


def test_many_repositories_are_named_in_no_time(tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text(
        "".join(f"https://h{n % 3}.example/team{n % 50}/app{n // 100}\n" for n in range(20_000))
    )
    found = repositories(campaign(tmp_path, 'list = "list.txt"'))
    assert len({repository.name for repository in found}) == len(found)
    assert isinstance(found[0], Repository)
