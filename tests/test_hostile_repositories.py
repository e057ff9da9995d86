"""A repository that means harm: nothing of it runs, hangs, leads out of it or steers a terminal."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import pytest
from test_masking import formats, said

from remediator.config import Rule
from remediator.repository import Repository
from remediator.toml_file import MAX_BYTES
from remediator.work_tree import untracked

ROOT = Path(__file__).parent.parent
TEMPLATE = """\
Parameters:
  DBPassword:
    Type: String
    NoEcho: true
    Default: hunter2hunter2
Resources:
  Database:
    Type: AWS::RDS::DBInstance
    Properties:
      Engine: mysql
      MasterUsername: dba
      MasterUserPassword: !Ref DBPassword
Outputs:
  Arn:
    Value: x
    Export:
"""


class Hangs(BaseException):
    """No Exception: those become errors of a file, and the test would go on."""


@pytest.fixture(autouse=True)
def _in_time() -> Iterator[None]:
    """End a test that hangs, instead of all of them. No test comes near this time."""

    def stop(*_: object) -> None:
        raise Hangs

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(120)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


# --- nothing runs ------------------------------------------------------------------------------

# What remediator imports, what Python imports by itself, and what other tools would run.
MODULES = (
    *("__future__", "sitecustomize", "usercustomize", "conftest", "setup", "noxfile", "tasks"),
    *("argparse", "codecs", "collections", "contextlib", "dataclasses", "enum", "functools"),
    *("importlib", "json", "os", "pathlib", "re", "runpy", "signal", "subprocess", "tempfile"),
    *("tomllib", "types", "typing", "yaml", "_yaml", "ruamel", "typer", "click", "rich", "shlex"),
    *("jsonpatch", "jsonpointer", "deepdiff", "evil", "export_names", "transforms", "plugins"),
    *("remediator_transforms", "cloudformation_validate"),
)
GIT_CONFIG = """\
[core]
    fsmonitor = {trap}
    hooksPath = hooks
    pager = {trap}
    editor = {trap}
    sshCommand = {trap}
    askPass = {trap}
    gitProxy = {trap}
    alternateRefsCommand = {trap}
    attributesFile = .gitattributes
[extensions]
    partialClone = origin
[remote "origin"]
    url = .
    promisor = true
    uploadpack = {trap}
    vcs = ext
[protocol "ext"]
    allow = always
[diff]
    external = {trap}
[diff "x"]
    textconv = {trap}
    command = {trap}
[filter "x"]
    clean = {trap}
    smudge = {trap}
    process = {trap}
    required = true
[merge "x"]
    driver = {trap}
[credential]
    helper = !{trap}
[alias]
    ls-files = !{trap}
    status = !{trap}
    diff = !{trap}
    rev-parse = !{trap}
[submodule "x"]
    update = !{trap}
[pager]
    ls-files = {trap}
[gpg]
    program = {trap}
[include]
    path = ../more.config
"""


def trap(folder: Path, name: str, marker: Path, *, python: bool) -> None:
    """Write a file that makes the marker when it is executed."""
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    code = f"open({str(marker)!r}, 'a').write({name!r} + '\\n')\n"
    file.write_text(code if python else f"#!/bin/sh\necho {name} >>'{marker}'\n")
    file.chmod(0o755)


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    """A repository in which everything that could run writes `../marker`."""
    tree, marker = tmp_path / "tree", tmp_path / "marker"
    (tree / "templates").mkdir(parents=True)
    (tree / "templates" / "t.yaml").write_text(TEMPLATE)
    (tree / "templates" / "python.yaml").write_text(
        f"{TEMPLATE}    Description: !!python/object/apply:os.system ['touch {marker}']\n"
        f"Transform: {{Name: AWS::Include, Parameters: {{Location: evil.py}}}}\n"
    )
    for command in (["init", "-q"], ["add", "."]):
        subprocess.run(["git", *command], cwd=tree, check=True)
    script = tree / "trap.sh"
    trap(tree, script.name, marker, python=False)
    for name in MODULES:
        trap(tree, f"{name}.py", marker, python=True)
    for name in ("transforms", "plugins", "yaml", "ruamel/yaml", "tests"):
        trap(tree, f"{name}/__init__.py", marker, python=True)
    for hook in ("post-index-change", "pre-commit", "post-checkout", "fsmonitor-watchman"):
        trap(tree / "hooks", hook, marker, python=False)
        trap(tree / ".git" / "hooks", hook, marker, python=False)
    for program in ("git", "python", "python3", "less", "aws", "cfn-lint"):
        trap(tree, program, marker, python=False)
    (tree / ".git" / "config").write_text(GIT_CONFIG.format(trap=script))
    (tree / "more.config").write_text(f"[core]\n    fsmonitor = {script}\n")
    (tree / ".gitattributes").write_text("* filter=x diff=x merge=x\n")
    (tree / "evil.pth").write_text("import evil\n")
    for folder in ("evil-1.0.dist-info", "evil.egg-info"):
        (tree / folder).mkdir()
        (tree / folder / "METADATA").write_text("Metadata-Version: 2.1\nName: evil\nVersion: 1.0\n")
        (tree / folder / "entry_points.txt").write_text("[remediator.transforms]\nevil = evil:T\n")
    return tree


def test_the_traps_work(hostile: Path) -> None:
    """Else the tests below would prove nothing: git and Python do walk into them."""
    marker = hostile.parent / "marker"
    subprocess.run(["git", "status"], cwd=hostile, capture_output=True, check=False)
    assert "trap.sh" in marker.read_text()
    marker.unlink()
    subprocess.run([sys.executable, "-c", "import yaml"], cwd=hostile, check=False)
    assert "yaml" in marker.read_text()


SCRIPT = Path(sysconfig.get_path("scripts")) / "remediator"
WAYS = {
    "script": [str(SCRIPT)],
    "safe module": [sys.executable, "-P", "-m", "remediator"],
    "module": [sys.executable, "-m", "remediator"],
}
OUTPUTS = [
    "--diff",
    "x.diff",
    "--patch",
    "x.json",
    "--deploy-policy",
    "p.json",
    "--seed-script",
    "s",
]
DRY = ["fix", "--dry-run", *OUTPUTS, "."]
PLUGIN = ["check", "--format", "json", "--plugin", "evil", "."]
FIX = ["fix", "templates/t.yaml"]
RUNS = {"script": [DRY, PLUGIN, FIX], "safe module": [PLUGIN, FIX], "module": [DRY, FIX]}


def run(way: str, arguments: list[str], cwd: Path) -> subprocess.CompletedProcess[str]:
    # A path that begins with the current folder is a mistake of its own, and does no harm here.
    environment = {**os.environ, "PATH": f".{os.pathsep}{os.environ['PATH']}"}
    return subprocess.run(
        [*WAYS[way], *arguments],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )


@pytest.mark.skipif(not SCRIPT.exists(), reason="remediator is not installed")
@pytest.mark.parametrize("way", WAYS)
def test_nothing_of_a_repository_runs(hostile: Path, way: str) -> None:
    if way != "module":  # see test_a_package_of_our_name below
        trap(hostile, "remediator/__init__.py", hostile.parent / "marker", python=True)
        trap(hostile, "remediator/__main__.py", hostile.parent / "marker", python=True)
    for arguments in RUNS[way]:
        done = run(way, arguments, hostile)
        assert "Traceback" not in done.stderr
        if "--plugin" in arguments:
            assert "there is no plugin evil (known: none is installed)" in done.stderr
        else:
            assert done.returncode in (0, 1), done.stdout + done.stderr
    assert not (hostile.parent / "marker").exists(), (hostile.parent / "marker").read_text()
    assert "DBPasswordSecret" in (hostile / "templates" / "t.yaml").read_text()
    assert "review with `git diff`" in done.stdout  # the index was read


@pytest.mark.parametrize("name", ["remediator.toml", "pyproject.toml"])
@pytest.mark.parametrize("key", ["plugin", "plugins"])
def test_a_repository_cannot_name_code(hostile: Path, name: str, key: str) -> None:
    table = "" if name == "remediator.toml" else "[tool.remediator]\n"
    (hostile / name).write_text(f"{table}{key} = ['evil']\n")
    for command in (["check"], ["fix", "--dry-run"], ["fix", "--config", str(hostile / name)]):
        assert "a settings file cannot load plugins" in " ".join(said(*command, hostile).split())
    assert not (hostile.parent / "marker").exists()
    assert (hostile / "templates" / "t.yaml").read_text() == TEMPLATE


AUDIT = """
import os, sys
tree = os.path.realpath(sys.argv.pop(1))
seen = []
starts = ("os.system", "os.exec", "os.posix_spawn", "os.spawn", "pty.spawn", "socket.connect")
def hook(event, args):
    if event in starts:
        seen.append((event, args))
    elif event == "subprocess.Popen" and args[0] != sys.executable:
        seen.append((event, args))
    elif event == "exec" and args[0].co_filename.startswith(tree):
        seen.append((event, args[0].co_filename))
    elif event == "import" and str(args[1] or "").startswith(tree):
        seen.append((event, args[:2]))
sys.addaudithook(hook)
from remediator.__main__ import main
from remediator.toml_file import MAX_BYTES
options = sys.argv[1:]
for arguments in (["fix", *options], ["check", "--format", "json", "."], ["fix", "-"]):
    sys.argv[1:] = arguments
    try:
        main()
    except SystemExit:
        pass
sys.stderr.write(f"audited: {seen}")
"""


def test_no_program_is_started_and_no_connection_made(hostile: Path) -> None:
    """Asked of Python itself: whatever would start a program or connect raises an audit event."""
    done = subprocess.run(
        [sys.executable, "-P", "-c", AUDIT, str(hostile), *OUTPUTS, "."],
        cwd=hostile,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        input=TEMPLATE,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "DBPasswordSecret" in (hostile / "templates" / "t.yaml").read_text(), done.stderr
    assert done.stderr.endswith("audited: []"), done.stderr


def test_a_package_of_our_name(tmp_path: Path) -> None:
    """What `python -m remediator` cannot keep from running, and -P and the script can: README."""
    trap(tmp_path, "remediator/__main__.py", tmp_path / "marker", python=True)
    run("safe module", ["--version"], tmp_path)
    assert not (tmp_path / "marker").exists()
    assert "python -P -m remediator" in (ROOT / "SECURITY.md").read_text()


# --- git ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", ["2", "4"])
@pytest.mark.parametrize("hashes", ["sha1", "sha256"])
def test_the_index_is_read_as_git_reads_it(tmp_path: Path, version: str, hashes: str) -> None:
    def git(*arguments: str) -> bytes:
        done = subprocess.run(["git", *arguments], cwd=tmp_path, capture_output=True, check=False)
        return done.stdout

    git("init", "-q", f"--object-format={hashes}")
    if not (tmp_path / ".git" / "objects").is_dir():
        pytest.skip("this git knows one format only")
    git("config", "index.version", version)
    names = ["a.yaml", "a/b c.yaml", "a/bc.yaml", "ü\n.yaml", "d/" + "x" * 200, "later"]
    files = [tmp_path / name for name in [*names, *(f"many/{n}" for n in range(70))]]
    for file in files:
        file.parent.mkdir(exist_ok=True)
        file.touch()
    git("add", "--", *(str(file) for file in files if file.name != "later"))
    git("add", "-N", "later")
    (tmp_path / "new").touch()
    assert len(git("ls-files", "-z").split(b"\0")) == len(files) + 1
    assert untracked([*files, tmp_path / "new"]) == (tmp_path / "new",)


@pytest.mark.parametrize("content", [b"", b"DIRC", b"DIRC\0\0\0\4\xff\xff\xff\xff" + b"\xff" * 99])
def test_a_broken_index_is_none(tmp_path: Path, content: bytes) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "index").write_bytes(content)
    assert untracked([tmp_path / "t"]) == (tmp_path / "t",)


def test_git_as_a_file_a_link_and_a_pipe(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "t.yaml").write_text(TEMPLATE)
    subprocess.run(["git", "init", "-q", "--separate-git-dir", "../real/x"], cwd=tree, check=True)
    subprocess.run(["git", "add", "."], cwd=tree, check=True)
    assert (tree / ".git").is_file()
    assert untracked([tree / "t.yaml"]) == ()
    (tree / ".git").unlink()
    (tree / ".git").symlink_to("../real/x")
    assert untracked([tree / "t.yaml"]) == ()
    (tree / ".git").unlink()
    os.mkfifo(tree / ".git")
    assert untracked([tree / "t.yaml"]) == (tree / "t.yaml",)
    (tree / ".git").unlink()
    (tree / ".git").mkdir()
    os.mkfifo(tree / ".git" / "index")
    assert "does not show it" in said("fix", tree)


# --- nothing leads out -------------------------------------------------------------------------

SCRIPT_THAT_CALLS = (
    "aws cloudformation create-stack --template-body file://t.yaml "
    "--parameters ParameterKey=DBPassword,ParameterValue=x\n"
)


@pytest.mark.parametrize(
    "link", [".github", ".github/workflows", ".taskcat.yml", "deploy", "deploy.sh", "other.yaml"]
)
def test_no_link_is_followed_out_of_the_tree(tmp_path: Path, link: str) -> None:
    outside, tree = tmp_path / "outside", tmp_path / "tree"
    for folder in (outside / "workflows", tree):
        folder.mkdir(parents=True)
    (tree / "t.yaml").write_text(TEMPLATE)
    for name in ("deploy.sh", "workflows/deploy.sh"):
        (outside / name).write_text(SCRIPT_THAT_CALLS)
    (outside / "taskcat.yml").write_text(
        "tests: {a: {template: t.yaml, parameters: {DBPassword: x}}}\n"
    )
    (outside / "other.yaml").write_text(TEMPLATE)
    targets = {".github": "", ".github/workflows": "workflows", "deploy": ""}
    targets |= {".taskcat.yml": "taskcat.yml"}
    (tree / link).parent.mkdir(exist_ok=True)
    real = tree / link
    inside = Repository(tree)
    real.symlink_to(outside / targets.get(link, Path(link).name))
    assert dict(inside.callers(tree / "t.yaml", ["DBPassword"])) == {}
    told = said("fix", tree)
    assert "DBPasswordSecret" in (tree / "t.yaml").read_text()
    assert "outside" not in told
    assert (outside / "other.yaml").read_text() == TEMPLATE
    # The same without the link is found.
    if link != "other.yaml":
        real.unlink()
        source = outside / targets.get(link, Path(link).name)
        (shutil.copytree if source.is_dir() else shutil.copy)(source, real)
        assert Repository(tree).callers(tree / "t.yaml", ["DBPassword"])["DBPassword"]


@pytest.mark.parametrize("option", ["--diff", "--patch", "--output", "--deploy-policy"])
def test_no_file_is_written_out_of_the_tree_by_a_link(tmp_path: Path, option: str) -> None:
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "t.yaml").write_text(TEMPLATE)
    (tree / "asked").symlink_to("../victim")
    (tree / "folder").symlink_to("..")
    os.mkfifo(tree / "pipe")
    for name in ("asked", "folder/victim", "pipe"):
        told = said("fix", option, tree / name, tree / "t.yaml")
        assert ("leads out of" if name != "pipe" else "no regular file") in told
    assert not (tmp_path / "victim").exists()
    assert (tree / "t.yaml").read_text() == TEMPLATE
    assert "leads out" not in said("fix", option, tree / ".." / "victim", tree / "t.yaml")
    assert (tmp_path / "victim").exists()


# --- nothing hangs -----------------------------------------------------------------------------


def test_pipes_and_devices_are_not_read(tmp_path: Path) -> None:
    (tmp_path / "t.yaml").write_text(TEMPLATE)
    (tmp_path / ".github").mkdir()
    places = ["pipe.yaml", "remediator.toml", "pyproject.toml", ".taskcat.yml", "Makefile"]
    for name in [*places, ".github/workflows", "samconfig.toml", "a.sh"]:
        os.mkfifo(tmp_path / name)
    (tmp_path / "zero.yaml").symlink_to("/dev/zero")
    told = said("fix", tmp_path)
    assert "1 finding repaired" in told or "2 findings repaired" in told, told
    for name in ("pipe.yaml", "zero.yaml"):
        assert "is neither a file nor a folder" in said("check", tmp_path / name)
    for file in (tmp_path / "remediator.toml", Path("/dev/zero")):
        told = said("check", "--config", file, tmp_path)
        assert "it is no regular file" in told


@pytest.mark.parametrize(
    "content",
    [
        "x = '" + "x" * MAX_BYTES + "'\n",
        ".".join("a" * 100_000) + " = 1\n",
        "[" + ".".join("a" * 100_000) + "]\n",
        "a = " + "[" * 100_000,
        "a = " + "{a=" * 100_000,
        "a = " + "9" * 100_000 + "\n",
    ],
    ids=["large", "key", "table", "lists", "tables", "digits"],
)
@pytest.mark.parametrize("name", ["remediator.toml", "pyproject.toml", "samconfig.toml"])
def test_a_configuration_that_exhausts_is_refused(tmp_path: Path, name: str, content: str) -> None:
    (tmp_path / "t.yaml").write_text(TEMPLATE)
    (tmp_path / name).write_text(content + "# DBPassword, remediator")
    told = said("check", tmp_path)
    if name != "samconfig.toml":
        assert re.search(r"cannot be read|is not valid TOML", told), told[:500]
    assert "defect" not in told


def test_a_pattern_of_paths_does_not_exhaust() -> None:
    assert not Rule("**a" * 300 + "b", ()).matches("a" * 4000)
    assert Rule("**/a*?/**", ()).matches("x/y/abc/d/e")


EXHAUSTING = {
    "names.sh": "a" * 990_000,
    "dots.sh": "a." * 490_000,
    "braces.sh": "${" * 490_000,
    "suffixes.sh": ".yaml" * 190_000,
    "commands.sh": "create-stack DBPassword=\n" * 39_000,
    "one-line.sh": "create-stack " + "DBPassword= " * 80_000,
    "comment.sh": "# create-stack " + "DBPassword= " * 80_000,
    "blanks.sh": "cloudformation" + " " * 980_000,
    "samconfig.toml": "parameter_overrides = '''" + "DBPassword= a=" * 60_000 + "'''",
    "bomb.yaml": "a0: &a0 [DBPassword, x]\n"
    + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 12)),
    "deep.json": '{"DBPassword": ' + "[" * 100_000 + "]" * 100_000 + "}",
    "parent.yaml": "Resources:\n  P: {Type: AWS::CodePipeline::Pipeline, Properties: {S: [\n"
    + "{Configuration: &c {ParameterOverrides: '" + '"DBPassword": ' * 9_000 + "'}}\n"
    + ", {Configuration: *c}" * 20_000 + "]}}\n",
}  # fmt: skip


@pytest.mark.parametrize("name", EXHAUSTING)
def test_no_file_around_a_template_exhausts(tmp_path: Path, name: str) -> None:
    text = EXHAUSTING[name]
    assert len(text) < 1_000_000, "else it is not read at all"
    (tmp_path / "t.yaml").write_text(TEMPLATE)
    (tmp_path / name).write_text(text + "\n# DBPassword t.yaml\n")
    assert "defect" not in said("check", tmp_path)


def test_a_tree_with_too_much_in_it_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("remediator.tree_files.MAX_TOTAL", 2_000)
    (tmp_path / "t.yaml").write_text(TEMPLATE)
    (tmp_path / "a.sh").write_text("#" * 2_000)
    assert "what gives its parameters a value cannot be found out" in said("fix", tmp_path)
    assert (tmp_path / "t.yaml").read_text() == TEMPLATE


def test_a_thousand_folders_within_each_other(tmp_path: Path) -> None:
    folders = [tmp_path / "d"]
    for _ in range(999):
        folders.append(folders[-1] / "d")
    try:
        for folder in folders:
            folder.mkdir()
        file = folders[-1] / "t.yaml"
        file.write_text(TEMPLATE)
        assert "repaired in 1 file" in said("fix", "-q", tmp_path)
        assert "DBPasswordSecret" in file.read_text()
    finally:  # pytest's own way to remove them is recursive
        file.unlink(missing_ok=True)
        for folder in reversed(folders):
            folder.rmdir()


ENTRIES = 2_000  # 100 000 took half a minute, nearly all of it to make them


def test_a_folder_with_many_entries(tmp_path: Path) -> None:
    (tmp_path / "t.yaml").write_text(TEMPLATE)
    for number in range(ENTRIES):
        os.close(os.open(tmp_path / f"{number}.yaml", os.O_CREAT))
    report = json.loads(said("check", "--format", "json", tmp_path))
    assert [Path(file["path"]).name for file in report["files"]] == ["t.yaml"]
    assert report["summary"]["skipped"] == ENTRIES


# --- nothing steers the terminal ---------------------------------------------------------------

STEERING = re.compile("[\0-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
OURS = re.compile("\x1b\\[(?:0|1|7|31|32|33|36)m")
ATTACKS = {
    "escape": "\x1b]52;c;ZXZpbA==\x07\x1b[2J\x1b[8m",
    "C1": "\x9b2J\x85",
    "return": "ok\rclean",
    "bidi": "\u202enimda\u2066x\u2069",
    "backspace": "bad\b\b\bgood\x7f",
}


def assert_plain(output: str) -> None:
    found = STEERING.search(OURS.sub("", output))
    assert found is None, repr(output[max(found.start() - 100, 0) : found.end() + 50])


# The commands of --format github itself.
COMMAND = "(?:notice|warning|error) (?:file|title)=|stop-commands::[0-9a-f]{32}$|[0-9a-f]{32}::$"


def outputs(path: Path) -> Iterator[str]:
    """Yield what is said of a path, by every command, in every format, in colour, too."""
    for form in formats():
        yield said("check", "--format", form, path)
        for colour in ("--color", "--no-color"):
            yield said("fix", "--dry-run", colour, "--format", form, path)


@pytest.mark.parametrize("attack", ATTACKS)
def test_what_a_template_says_does_not_steer(tmp_path: Path, attack: str) -> None:
    text = json.dumps(ATTACKS[attack])
    file = tmp_path / "t.yaml"
    beside = f"Description: {text}\nMetadata:\n  {text}: x\n"
    name = text[1:-1]
    template = TEMPLATE.replace("DBPassword", f'"{name}"', 1).replace(
        "!Ref DBPassword", f'{{Ref: "{name}"}}'
    )
    template = template.replace("Database:", f'"{name}Db":').replace("Arn:", f'"{name}":')
    template = template.replace("Value: x", f"Description: {text}\n    Value: !Ref {text}")
    file.write_text(beside + template)
    for output in outputs(file):
        assert_plain(output)
    shown = said("fix", "--dry-run", file)
    assert ("\\u202e" if attack == "bidi" else "\\") in shown
    file.write_text(f"Resources:\n  A: {{Type: AWS::X, Type: x, {text}: a, {text}: b}}\n")
    for output in outputs(file):
        assert_plain(output)


@pytest.mark.parametrize("attack", ["\u202eevil\u2066", "\x1b[2J", "\x9b2J"])
def test_raw_characters_do_not_steer_and_a_diff_keeps_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, attack: str
) -> None:
    monkeypatch.chdir(tmp_path)
    text = f"# {attack}\n{TEMPLATE}# {attack}\n"
    Path("t.yaml").write_text(text)
    for output in outputs(Path("t.yaml")):
        assert_plain(output)
    if attack.startswith("\u202e"):  # YAML forbids the others
        assert "\\u202eevil\\u2066" in said("fix", "--dry-run", "--diff", "x.diff", "t.yaml")
        assert attack in Path("x.diff").read_text()
        subprocess.run(["git", "apply", "x.diff"], check=True)
        assert attack in Path("t.yaml").read_text()
        assert "DBPasswordSecret" in Path("t.yaml").read_text()


NAMES = [
    b"new\nline.yaml",
    b"\x1b]0;title\x07.yaml",
    b"return\r.yaml",
    b"\xff\xfe.yaml",
    "\u202elmay.x.yaml".encode(),
    b"\xc2\x9b2J.yaml",
    b" -o x $(touch marker) `touch marker`; 'quoted\" .yaml",
    b"::error file=x::y%0A\n ::warning::##vso[task.x]y.yaml",
]


@pytest.mark.parametrize("text", [TEMPLATE, "Resources: [AWS::X\n", "[AWS::X, Resources"])
def test_what_a_file_is_called_does_not_steer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in NAMES:
        (tmp_path / os.fsdecode(name)).write_text(text)
    for output in [*outputs(Path()), said("fix", "--diff", "x.diff", ".")]:
        assert_plain(output)
        assert not re.search(rf"(?m)^\s*(line\.yaml|::(?!{COMMAND}))|##vso", output), output
    report = json.loads(said("check", "--format", "json", "."))
    assert {Path(file["path"]).name for file in report["files"]} >= {
        os.fsdecode(name) for name in NAMES if text == TEMPLATE
    }
    assert not (tmp_path / "marker").exists()


def test_settings_and_options_do_not_steer(tmp_path: Path) -> None:
    (tmp_path / "t.yaml").write_text(TEMPLATE)
    for content in (
        '"\\u001b[2J\\u202e" = 1\n',
        '[paths."\\u001b[2J"]\nx = 1\n',
        "strategy='\u202e'",
    ):
        (tmp_path / "remediator.toml").write_text(content)
        for output in outputs(tmp_path):
            assert_plain(output)
            assert re.search("error|could not be handled", output)
        assert_plain(said("check", "--config", tmp_path / "remediator.toml", tmp_path))
    (tmp_path / "remediator.toml").write_text("[paths.'**\u202e*']\nnew = true\n")
    for output in outputs(tmp_path):
        assert_plain(output)
    for arguments in (["--plugin", "\x1b[2J"], ["--select", "\x1b[2J"], ["--config", "\x1b[2J"]):
        assert_plain(said("check", *arguments, tmp_path))
