"""The comment on a pull request, read as GitHub reads it."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from remediator.model import Consequence, Finding, Fix, Refusal, Replace
from remediator.report import markdown
from remediator.report.markup import block, code, in_html, plain
from remediator.results import Deployment, FileResult, Outcome, Permission, RunResult, Status

EVIL = (
    "<script>alert(1)</script>",
    "![x](https://evil.example/x.png)",
    "[x](https://evil.example)",
    "<img src=x>",
    "@octocat",
    "https://evil.example",
    "http://evil.example www.evil.example a@evil.example mailto:a@evil.example",
    "</summary></details><h1>",
    "`",
    "```\n# x",
    "a|b\\|c\\\\|d",
    "x\n\n# heading\n- [ ] item",
    "#12 GH-12 o/r#12",
    "1. x",
    "> quote",
    "**bold** _it_ ~~gone~~ $x$ ${AWS::StackName}",
    "&lt;b&gt; &#64;octocat",
)
OURS = re.compile(
    r"</?(?:details|summary|code|span)(?: open)?>|"
    r"<details(?: open)?><summary><code>[^<>]*</code></summary>\n?"
)


def reader() -> MarkdownIt:
    reads = MarkdownIt("gfm-like", {"html": True})
    assert reads.linkify is not None
    reads.linkify.set({"fuzzy_link": False, "fuzzy_email": True})
    return reads


def tokens(text: str) -> list[Token]:
    found = []
    for token in reader().parse(text):
        found += [token, *(token.children or ())]
    return found


def texts(text: str) -> list[str]:
    """Return what a reader sees outside of code, where GitHub looks for mentions and references."""
    found = []
    for token in reader().parse(text):
        depth = 0
        for child in token.children or ():
            depth += (child.content == "<code>") - (child.content == "</code>")
            if child.type == "text" and not depth:
                found.append(child.content)
    return found


def is_harmless(text: str) -> None:
    for token in tokens(text):
        assert token.type not in ("link_open", "image"), token
        if token.type in ("html_block", "html_inline"):
            assert OURS.fullmatch(token.content.rstrip()), token.content
    for shown in texts(text):
        assert not re.search(r"@\w|#\d|GH-\d|https?://|www\.\w", shown), shown


@pytest.mark.parametrize("evil", EVIL)
def test_the_texts_of_others_are_shown_as_they_are(evil: str) -> None:
    for made in (plain(evil), code(evil)):
        lines = f"x\n\n| a | b |\n|---|---|\n| {made} | end |\n\n- {made}\n"
        is_harmless(lines)
        cells = [token for token in reader().parse(lines) if token.type == "td_open"]
        assert len(cells) == 2
        rendered = reader().render(lines)
        shown = re.sub(r"<[^>]*>|\u200b", "", rendered)
        for entity, character in (("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&amp;", "&")):
            shown = shown.replace(entity, character)
        wanted = " ".join(evil.split())
        assert [" ".join(line.split()) for line in shown.splitlines()].count(wanted) == 2, shown
    assert "<" not in in_html(evil)
    assert "\n" not in in_html(evil)
    (fence,) = reader().parse(block(evil, "diff"))
    assert (fence.type, fence.content) == ("fence", evil + "\n")


@given(st.text(st.sampled_from("ab1 `|\\<>&*_[]()!#@~$-+.:/\n\r\u2028"), max_size=12))
def test_no_text_gets_out_of_its_place(text: str) -> None:
    for made in (plain(text), code(text)):
        row = f"| a | b |\n|---|---|\n| {made} | end |\n"
        found = reader().parse(row)
        assert [token.type for token in found].count("td_open") == 2, made
        is_harmless(row)
        item = reader().parse(f"- x {made}\n")
        assert [token.type for token in item][:2] == ["bullet_list_open", "list_item_open"]
        assert len(item) == 7
    assert [token.type for token in reader().parse(block(text))] == ["fence"]


# --- the comment -----------------------------------------------------------------------------

FIX = Fix("X becomes y", (Replace(("a",), 1),), Consequence.ROTATES, "it is live", ("Tell Ann.",))
LEFT = Refusal("used-in-userdata", "UserData holds it.")


def outcome(status: Status, line: int = 3, text: str = "") -> Outcome:
    left = status is Status.LEFT
    fix = replace(FIX, title=FIX.title + text, follow_ups=(FIX.follow_ups[0] + text,))
    refusal = Refusal(LEFT.code, LEFT.reason + text)
    finding = Finding(
        ("a",),
        f"found {text}",
        None if left else fix,
        refusal if left else None,
        masked=("Tr0ub4dor",),
    )
    return Outcome("export-names", finding, status, line, 5, finding.refusal, "0123456789")


def comment(*files: FileResult, command: str = "fix --dry-run") -> str:
    return markdown.render(RunResult(files, command, scanned=len(files)))


def full(path: str = "t.yaml", text: str = "") -> FileResult:
    return FileResult(
        path,
        Status.WOULD_FIX,
        (outcome(Status.WOULD_FIX, text=text), outcome(Status.LEFT, 1, text)),
        old=f"a: Tr0ub4dor\nb: {text}\n",
        new=f"a: 1\nb: {text}\n",
        needs_after=("Network",),
        deployment=Deployment(
            (Permission("Read", ("secretsmanager:GetSecretValue",), ("*",)),),
            ("CAPABILITY_IAM",),
            ("mind the copy",),
        ),
    )


def test_the_comment_has_all_of_its_parts_in_order() -> None:
    error = FileResult("bad.yaml", Status.ERROR, error="is no template", error_line=4)
    shown = comment(full(), error)
    parts = [
        "## remediator\n\n**1 finding would be repaired in 1 file, 1 left for a person, 1 input",
        "- At the next deployment:\n  - 1 rotates: live credentials become others",
        "### Would be repaired",
        "| `t.yaml:3` | X becomes y | `rotates`: it is live | `0123456789` |",
        "### Could not be handled\n\n- `bad.yaml:4`: is no template",
        "### To do by hand\n\n- [ ] `t.yaml:3`: Tell Ann.",
        "### The deployment",
        "t.yaml still needs a value for: Network",
        "mind the copy",
        "secretsmanager:GetSecretValue",
        "CAPABILITY\\_IAM",
        "<details open><summary><code>t.yaml</code></summary>",
        "- `t.yaml:1`: found (`used-in-userdata`). UserData holds it.",
        "The literal secrets are hidden",
        "```diff\n--- a/t.yaml",
        "-a: ********",
        "</details>",
    ]
    places = [shown.find(part) for part in parts]
    assert -1 not in places, parts[places.index(-1)]
    assert places == sorted(places)
    assert "Tr0ub4dor" not in shown
    is_harmless(shown)


def test_nothing_to_say_is_short() -> None:
    shown = comment(FileResult("t", Status.CLEAN), command="check")
    assert shown == "## remediator\n\n**1 template clean.**\n"


@pytest.mark.parametrize("evil", EVIL)
def test_names_and_texts_do_no_harm(evil: str) -> None:
    shown = comment(full(evil, evil))
    is_harmless(shown)
    headings = [token.tag for token in tokens(shown) if token.type == "heading_open"]
    assert headings == ["h2", "h3", "h3", "h3", "h3", "h4"]


def test_a_declined_repair_is_not_left_for_a_person() -> None:
    declined = replace(outcome(Status.LEFT), refusal=Refusal("declined", "r"))
    shown = comment(FileResult("t", Status.LEFT, (declined,)))
    assert "1 declined" in shown
    assert "### Files" not in shown


def big(number: int, lines: int, text: str = "", name: str = "t") -> list[FileResult]:
    body = "".join(f"  line {line}: {'x' * 40}\n" for line in range(lines))
    return [
        replace(full(f"{name}{each}.yaml", text), old=body, new=body.replace("line", "Line"))
        for each in range(number)
    ]


def test_diffs_that_do_not_fit_are_left_out_and_it_is_said() -> None:
    files = [*big(1, 600, name="big"), *big(3, 20)]
    shown = comment(*files)
    assert len(shown.encode()) < 65_536
    assert shown.count("```diff") == 3
    assert "1 diff is left out" in shown
    assert shown.count("<details open>") == 4


@pytest.mark.parametrize("text", ["", "é€\U0001f512$|" * 2000])
def test_rows_that_do_not_fit_are_left_out_and_it_is_said(text: str) -> None:
    shown = comment(*big(900, 2, text))
    assert len(shown.encode()) < 65_536
    assert "900 findings would be repaired" in shown
    assert "more are left out here" in shown
    is_harmless(shown)


def test_a_name_that_is_no_utf8_is_shown_escaped() -> None:
    assert "`t\\udcff.yaml:3`" in comment(full("t\udcff.yaml"))
