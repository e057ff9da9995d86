"""The review page as text: what it holds, and what it must not."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from base64 import b64encode
from dataclasses import replace
from functools import cache
from hashlib import sha256
from html.parser import HTMLParser
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from test_cli import BROKEN_EXPORT, CLEAN, remediator, write

from remediator import registry, review
from remediator.config import Options, as_words
from remediator.model import Settings, is_telling
from remediator.report import diff
from remediator.report.highlight import highlighted
from remediator.report.page import About, render
from remediator.report.picture import pictures
from remediator.results import FileResult, RunResult, Status
from remediator.run import Run
from remediator.runner import Runner

ROOT = Path(__file__).parent.parent
CASES = ROOT / "tests" / "cases"


@cache
def run(*paths: Path, strategy: str = "generated") -> RunResult:
    settings = Settings(strategy=strategy)
    runner = Runner(registry.load(settings), registry.catalogue(), settings)
    return Run(runner).over(paths)


@cache
def one(path: Path, strategy: str = "generated") -> FileResult:
    (file,) = run(path, strategy=strategy).files
    return file


class Page(HTMLParser):
    """The elements of a page, as a browser would find them, and its embedded texts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[str, dict[str, str | None], str]] = []
        self._inside = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        self._inside = tag in ("script", "style")

    def handle_endtag(self, tag: str) -> None:
        self._inside = False

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.texts.append((*self.found[-1], data))

    @property
    def index(self) -> dict[str, Any]:
        (text,) = (text for _, attributes, text in self.texts if attributes.get("id") == "data")
        found: dict[str, Any] = json.loads(text)
        return found

    @property
    def bodies(self) -> list[dict[str, Any]]:
        kind = "application/json"
        return [
            json.loads(text)
            for _, attributes, text in self.texts
            if attributes.get("type") == kind and "id" not in attributes
        ]


def page_of(result: RunResult) -> Page:
    return Page(render(result, About()))


# --- what it holds ---------------------------------------------------------------------------


def test_it_tells_what_the_json_report_tells() -> None:
    result = run(ROOT / "examples")
    page = page_of(replace(result, command="fix --dry-run"))
    files_, bodies = page.index["files"], page.bodies
    assert [file["path"] for file in files_] == [file.path for file in result.files]
    assert [body.get("diff", "") for body in bodies] == [diff.of_file(f) for f in result.files]
    titles = [each["title"] for file in files_ for each in file["findings"]]
    assert "DBPassword becomes the generated secret DBPasswordSecret" in titles
    assert page.index["choosable"]
    assert not page_of(replace(result, command="fix")).index["choosable"]


def test_the_summary_counts_secrets_and_their_price() -> None:
    text = render(run(ROOT / "examples"), About())
    assert "<h1>4 repairs would be made in 2 files</h1>" in text
    assert "2 secrets added: about 0.80 USD a month (0.40 each)" in text
    assert "9 actions of rds, secretsmanager" in text
    assert "2 of 2 templates with findings deploy without input" in text


def test_a_run_without_findings_has_a_page() -> None:
    page = page_of(RunResult((FileResult("a.yaml", Status.CLEAN),), "fix"))
    assert page.bodies == [{}]
    assert page.index["files"][0]["findings"] == []


def test_only_its_own_script_and_style_may_run() -> None:
    page = page_of(run(ROOT / "examples"))
    (policy,) = (a["content"] for _, a in page.found if a.get("http-equiv"))
    assert policy is not None
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    for tag in ("script", "style"):
        (text,) = (text for name, attributes, text in page.texts if (name, attributes) == (tag, {}))
        digest = b64encode(sha256(text.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy
    for tag, attributes in page.found:
        assert tag not in ("link", "img", "iframe", "base", "object")
        assert not {"src", "style"} & attributes.keys()
        assert not [name for name in attributes if name.startswith("on")]


def test_it_needs_no_network() -> None:
    text = render(run(ROOT / "examples"), About())
    addresses = set(re.findall(r"(?:https?:)?//[\w.]+[\w/.]*", text)) - {"//examples"}
    assert {each for each in addresses if "w3.org/2000/svg" not in each} == set()


def test_it_is_loaded_for_a_page_only() -> None:
    program = (
        "import sys, remediator.session as s; print(sorted({'jinja2','pygments'} & {*sys.modules}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"


# --- what it must not hold -------------------------------------------------------------------


def test_no_literal_secret_is_on_it() -> None:
    result = run(CASES / "literal-passwords")
    secrets = {each for file in result.files for each in file.masked if is_telling(each)}
    secrets = {each for each in secrets if len(each) >= 8}  # shorter ones are words elsewhere
    assert len(secrets) > 5
    text = render(result, About())
    page = Page(text)
    everything = text + json.dumps([page.index, page.bodies], ensure_ascii=False)
    for secret in secrets:
        for form in (secret, json.dumps(secret)[1:-1], b64encode(secret.encode()).decode()):
            assert form not in everything, secret
    assert any(file["masked"] for file in page.index["files"])


def test_a_hostile_template_or_name_makes_no_element(tmp_path: Path) -> None:
    evil = "</script><!--<script><img src=x onerror=alert(1)>"
    name = "'\"><img src=x onerror=alert(1)>{{ 7 * 7 }}.yaml"
    template = {
        "Description": evil,
        "Resources": {"T": {"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": evil}}},
        "Outputs": {evil: {"Description": evil, "Value": evil, "Export": None}},
    }
    folder = tmp_path / "<b>" / "&lt;i>"
    folder.mkdir(parents=True)
    write(folder, json.dumps(template, indent=1), name)
    plain = page_of(run(ROOT / "examples" / "rds-minimal.yaml"))
    page = page_of(run(tmp_path))
    assert {tag for tag, _ in page.found} <= {tag for tag, _ in plain.found}
    assert len([tag for tag, _ in page.found if tag == "script"]) == 3
    (file,) = page.index["files"]
    assert evil in json.dumps(file["findings"])
    assert "7 * 7" in file["path"]
    assert file["path"].endswith(name)


def test_what_turns_the_direction_of_text_is_written_out() -> None:
    text = render(RunResult((FileResult("a\u202elmay.x", Status.CLEAN),), "fix"), About())
    assert "a⟨U+202E⟩lmay.x" in text
    assert "\u202e" not in text.partition('id="data"')[0]


def test_a_name_that_is_no_utf_8_is_escaped() -> None:
    text = render(RunResult((FileResult("bad\udcff.yaml", Status.CLEAN),), "fix"), About())
    assert "bad\\udcff.yaml" in text.encode().decode()


# --- diffs and pictures ----------------------------------------------------------------------


def test_tokens_and_words_fit_their_lines() -> None:
    seen = 0
    for after in sorted(CASES.glob("*/*/after.*")):
        before = after.with_name("before" + after.suffix)
        if not before.exists():
            continue
        old, new = (file.read_bytes().decode() for file in (before, after))
        file = FileResult("t", Status.FIXED, old=old, new=new)
        text = diff.of_file(file)
        lines = text.split("\n")
        told = highlighted(text, is_json=file.new.startswith("{"))
        for number, runs in told["tokens"].items():
            length = len(lines[number][1:].rstrip("\r").encode("utf-16-le")) // 2
            assert sum(runs[::2]) == length, lines[number]
            seen += 1
        for number, spans in told["words"].items():
            assert spans == sorted(spans)
            assert not spans or spans[-1] < len(lines[number])
        for pair in (told["pairs"],):
            assert [old for old, _ in pair] == sorted({old for old, _ in pair})
            assert [new for _, new in pair] == sorted({new for _, new in pair})
            assert all(lines[old][0] == "-" and lines[new][0] == "+" for old, new in pair)
    assert seen > 1000


def test_lines_belong_together_by_key_and_words_are_told() -> None:
    text = (
        "--- a/t\n+++ b/t\n@@ -1,2 +1,2 @@\n"
        "-  A: !Ref B\n-  Type: String\n+  Type: X\n+  A: !Sub '😀'\n"
    )
    told = highlighted(text, is_json=False)
    assert told["pairs"] == [[3, 6]]
    assert told["words"] == {3: [6, 9, 10, 11], 6: [6, 9, 10, 14]}
    assert told["tokens"][6] == [2, "", 1, "k", 2, "", 4, "t", 1, "", 4, "s"]


@pytest.mark.parametrize("name", ["no-newline", "windows"])
def test_line_ends_do_not_disturb(name: str) -> None:
    end = "\r\n" if name == "windows" else "\n"
    old = end.join(["A: 1", "B: 2", "C: 3"]) + (end if name == "windows" else "")
    file = FileResult(
        "t.yaml", Status.FIXED, old=old, new=old.replace("2", "3").replace("C: 3", "C: 4")
    )
    told = highlighted(diff.of_file(file), is_json=False)
    assert len(told["pairs"]) == 2


def test_a_picture_shows_who_feeds_whom() -> None:
    (picture,) = pictures(one(ROOT / "examples" / "rds-minimal.yaml")).values()
    assert picture["before"]["edges"] == [("DBPassword", "Database", "MasterUserPassword")]
    assert picture["after"] == {
        "nodes": [
            ("DBPasswordSecret", "secret", "SecretsManager::Secret"),
            ("DBSecretAttachment", "tie", "SecretsManager::SecretTargetAttachment"),
            ("Database", "resource", "RDS::DBInstance"),
        ],
        "edges": [
            ("DBPasswordSecret", "Database", "MasterUserPassword"),
            ("DBSecretAttachment", "DBPasswordSecret", "SecretId"),
            ("DBSecretAttachment", "Database", "TargetId"),
        ],
        "more": 0,
    }
    assert picture["text"].startswith(
        "Before: DBPassword (parameter) feeds MasterUserPassword of Database (RDS::DBInstance). "
    )


@pytest.mark.parametrize(
    ("path", "strategy", "side", "node"),
    [
        ("examples/rds-minimal.yaml", "managed", "after", ("secret of Database", "service", "")),
        (
            "examples/rds-minimal.yaml",
            "reference",
            "after",
            ("${AWS::StackName}-db-password", "outside", ""),
        ),
        (
            "tests/cases/literal-passwords/written-out/before.yaml",
            "generated",
            "before",
            ("DB.MasterUserPassword", "text", ""),
        ),
    ],
)
def test_what_is_no_entry_of_the_template_is_drawn_too(
    path: str, strategy: str, side: str, node: tuple[str, str, str]
) -> None:
    picture = next(iter(pictures(one(ROOT / path, strategy)).values()))
    assert node in picture[side]["nodes"]
    assert node[0] in {source for source, _, _ in picture[side]["edges"]}


def test_what_connects_nothing_has_no_picture(tmp_path: Path) -> None:
    assert pictures(one(write(tmp_path))) == {}
    assert pictures(FileResult("t", Status.FIXED, old="a: [", new="a: ]")) == {}


# --- how it is asked for ---------------------------------------------------------------------


def test_report_writes_the_page_and_never_over_something_else(tmp_path: Path) -> None:
    file, target = write(tmp_path), tmp_path / "review.html"
    for _ in range(2):
        assert remediator("fix", "--dry-run", "--report", target, file).exit_code == 0
        assert target.read_text().startswith("<!doctype html>")
    assert file.read_text() == BROKEN_EXPORT
    clean = write(tmp_path, CLEAN, "clean.yaml")
    (tmp_path / "other.html").write_text("<p>Resources")
    for other in (file, clean, tmp_path / "other.html"):
        before = other.read_text()
        assert remediator("fix", "--dry-run", "--report", other, file).exit_code == 2
        assert other.read_text() == before
    assert remediator("fix", "--report", target, file).exit_code == 0
    assert not Page(target.read_text()).index["choosable"]
    assert "Name:" in file.read_text()


def test_the_command_line_asks_for_the_same(tmp_path: Path) -> None:
    file, target = write(tmp_path, name="it's a.yaml"), tmp_path / "review.html"
    arguments = ["--strategy", "reference", "--allow", "safe", "--ignore", "null-values"]
    remediator("fix", "--dry-run", "--report", target, "--no-validate", *arguments, file)
    index = Page(target.read_text()).index
    assert index["command"] == (
        "remediator fix --ignore null-values --allow safe --strategy reference --no-validate"
    )
    assert index["paths"] == f"'{tmp_path}/it'\"'\"'s a.yaml'"
    assert index["declined"] == []
    (finding,) = index["files"][0]["findings"]
    remediator("fix", "--dry-run", "--report", target, "--skip", finding["id"], file)
    assert Page(target.read_text()).index["declined"] == [finding["id"]]


def test_every_option_is_told_again() -> None:
    options = Options(
        select=frozenset("ba"),
        new=True,
        rotation="30d",
        manual_secrets="replace",
        plugins=("p", "q"),
        only=frozenset("x"),
    )
    assert as_words(options) == [
        *("--new", "--select", "a,b", "--rotation", "30d", "--manual-secrets", "replace"),
        *("--plugin", "p", "--plugin", "q"),
    ]
    assert as_words(Options()) == []


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        (["a b", "c"], "'a b' c"),
        (["-x"], "-- -x"),
        (["-"], "-"),
        (["a\n\udcff'"], "$'a\\012\\377\\''"),
    ],
)
def test_paths_are_quoted_for_a_shell(paths: list[str], expected: str) -> None:
    text = review.page(RunResult((), "fix"), paths, [])
    assert Page(text).index["paths"] == expected
    if expected.startswith("$"):
        shown = subprocess.run(
            ["bash", "-c", f"printf %s {expected}"], capture_output=True, check=True
        )
        assert shown.stdout == b"a\n\xff'"


def test_files_are_told_by_their_repository_where_there_are_several(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("one", "two", "deep/two"):
        (tmp_path / name / ".git").mkdir(parents=True)
        (tmp_path / name / "stacks").mkdir()
        write(tmp_path / name / "stacks")
    remediator("fix", "--dry-run", "--report", "r.html", ".")
    places = [(f["repository"], f["path"]) for f in Page(Path("r.html").read_text()).index["files"]]
    assert places == [
        (str(tmp_path / "deep" / "two"), "stacks/t.yaml"),
        ("one", "stacks/t.yaml"),
        (str(tmp_path / "two"), "stacks/t.yaml"),
    ]
    remediator("fix", "--dry-run", "--report", "r.html", "one")
    (file,) = Page(Path("r.html").read_text()).index["files"]
    assert (file["repository"], file["path"], file["folder"]) == (
        "",
        "one/stacks/t.yaml",
        "one/stacks",
    )


# --- colours ---------------------------------------------------------------------------------


def palettes() -> list[dict[str, str]]:
    style = files("remediator.report").joinpath("page.css").read_text()
    blocks = re.findall(r":root \{(.*?)\}", style, re.DOTALL)
    return [dict(re.findall(r"--([\w-]+): (#\w+)", block)) for block in blocks]


def brightness(colour: str) -> float:
    digits = colour[1:] if len(colour) == 7 else "".join(each * 2 for each in colour[1:])
    parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("number", [0, 1, 2])
def test_text_can_be_read_on_its_background(number: int) -> None:
    """At least 4.5 to 1: https://www.w3.org/TR/WCAG22/#contrast-minimum"""
    palette = palettes()[number]
    on_code = ("key", "scalar", "tag", "comment", "constant", "text")
    on_page = ("text", "soft", "link", "red", "green", "amber", "violet")
    grounds = [
        ("back", on_page),
        ("panel", (*on_page, *on_code)),
        ("removed", on_code),
        ("added", on_code),
    ]
    grounds += [
        ("removed-word", ("key", "scalar", "tag")),
        ("added-word", ("key", "scalar", "tag")),
    ]
    for ground, inks in grounds:
        for ink in set(inks) & palette.keys():
            light, dark = sorted([brightness(palette[ink]), brightness(palette[ground])])[::-1]
            assert (light + 0.05) / (dark + 0.05) >= 4.5, (ink, ground)


def test_the_hash_is_of_what_a_browser_sees() -> None:
    """Line ends become \\n for a browser, so that the assets must have no others."""
    for name in ("page.css", "page.js", "page_diff.js", "page_picture.js"):
        assert b"\r" not in files("remediator.report").joinpath(name).read_bytes()
