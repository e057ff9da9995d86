"""The review page in a browser: it filters, takes choices and hands them out, and runs nothing."""

from __future__ import annotations

import json
import shlex
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from selenium.common.exceptions import JavascriptException
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select
from test_cli import remediator

if TYPE_CHECKING:
    from chromium import Browser

pytest_plugins = ["chromium"]
pytestmark = pytest.mark.browser

FOUND = ["broken.yaml", "export.yaml", "left.yaml", "stacks/literal.yaml", "stacks/passwords.yaml"]


def choose(browser: Browser, name: str, value: str) -> None:
    Select(browser.one(f"#{name}")).select_by_value(value)


def tick(browser: Browser, title: str) -> None:
    row = browser.row("passwords.yaml")
    (label,) = (
        each for each in row.find_elements(By.CSS_SELECTOR, "label") if each.text.startswith(title)
    )
    browser.click(label.find_element(By.CSS_SELECTOR, "input"))


# --- what is shown ---------------------------------------------------------------------------


def test_what_was_found_is_listed_and_clean_files_on_request(browser: Browser, page: Path) -> None:
    browser.open(page)
    assert browser.rows() == FOUND
    assert browser.one("#shown").text == "5 files, 5 repairs, 1 left"
    choose(browser, "status", "clean")
    assert browser.rows() == ["clean.yaml"]


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("status", "left", ["left.yaml"]),
        ("status", "error", ["broken.yaml"]),
        ("status", "would-fix", [FOUND[1], *FOUND[3:]]),
        ("transform", "export-names", ["export.yaml", "stacks/passwords.yaml"]),
        ("consequence", "rotates", FOUND[3:]),
        ("folder", "stacks", FOUND[3:]),
    ],
)
def test_filters(browser: Browser, page: Path, name: str, value: str, expected: list[str]) -> None:
    browser.open(page)
    choose(browser, name, value)
    assert browser.rows() == expected
    browser.one("#filters [type=reset]").click()
    browser.wait(lambda: browser.rows() == FOUND)


def test_free_text_and_the_codes_of_what_is_left(browser: Browser, page: Path) -> None:
    browser.open(page)
    browser.one("#search").send_keys("second SECRET")
    assert browser.rows() == ["stacks/passwords.yaml"]
    row = browser.row("passwords.yaml")
    shown = [each for each in row.find_elements(By.CSS_SELECTOR, "article") if each.is_displayed()]
    assert len(shown) == 1
    browser.one("#search").clear()
    browser.one("#search").send_keys("nothing like this")
    assert browser.one("#nothing").is_displayed()
    browser.one(".codes button").click()
    assert browser.rows() == ["left.yaml"]
    text = browser.row("left.yaml").text
    assert "used-in-output" in text
    assert "Value: !Ref PasswordSecret" in text


def test_a_file_opens_with_its_diff_picture_and_reasons(browser: Browser, page: Path) -> None:
    browser.open(page)
    assert not browser.all(".body")
    row = browser.row("passwords.yaml")
    assert "First becomes the generated secret FirstSecret" in row.text
    assert "Because the live password of A" in row.text
    figure = row.find_element(By.CSS_SELECTOR, "figure")
    assert figure.get_attribute("role") == "img"
    assert "First (parameter) feeds MasterUserPassword of A" in str(
        figure.get_attribute("aria-label")
    )
    assert len(figure.find_elements(By.CSS_SELECTOR, "svg")) == 2
    assert len(row.find_elements(By.CSS_SELECTOR, "table.split")) == 1
    assert row.find_elements(By.CSS_SELECTOR, "td.code .k")
    browser.one("#unified").click()
    table = row.find_element(By.CSS_SELECTOR, "table.unified")
    assert table.find_elements(By.CSS_SELECTOR, "td.added .changed")
    assert browser.one("#unified").get_attribute("aria-pressed") == "true"


@pytest.mark.parametrize("form", ["split", "unified"])
def test_the_diff_shows_every_line(browser: Browser, page: Path, form: str) -> None:
    browser.open(page)
    browser.one(f"#{form}").click()
    row = browser.row("export.yaml")
    script = row.find_element(By.CSS_SELECTOR, "script").get_attribute("textContent")
    lines = json.loads(script or "")["diff"].split("\n")[3:-1]
    shown = [
        each.get_attribute("textContent")
        for each in row.find_elements(By.CSS_SELECTOR, "td.code:not(.none)")
    ]
    twice = [line for line in lines if line[0] == " "] if form == "split" else []
    assert sorted(each or "" for each in shown) == sorted(line[1:] for line in [*lines, *twice])


def test_lines_that_became_one_another_stand_side_by_side(browser: Browser, page: Path) -> None:
    browser.open(page)
    diff = "@@ -1,3 +1,4 @@\n-a\n-B: 1\n-c\n+x\n+y\n+B: 2\n+z\n"
    body = {"diff": diff, "tokens": {}, "words": {}, "pairs": [[2, 6]]}
    rows = browser.run(
        "return [...diffTable(arguments[0], true, '').querySelectorAll('tr:not(.hunk)')].map("
        "(row) => [...row.children].map((cell) => cell.textContent).join('|'))",
        body,
    )
    assert rows == ["1|-|a|1|+|x", "|||2|+|y", "2|-|B: 1|3|+|B: 2", "3|-|c|4|+|z"]


# --- the choice ------------------------------------------------------------------------------


def test_the_command_line_makes_what_was_accepted(browser: Browser, page: Path, shop: Path) -> None:
    browser.open(page)
    assert browser.command() == "remediator fix ."
    tick(browser, "First becomes")
    command = browser.command()
    assert command.startswith("remediator fix --skip ")
    assert "4 of 5 repairs accepted" in browser.one("#chosen").text
    assert browser.run("return document.querySelectorAll('.choice')[2].indeterminate")
    assert remediator(*shlex.split(command)[1:]).exit_code == 2  # for the broken file
    text = (shop / "stacks" / "passwords.yaml").read_text()
    assert "SecondSecret" in text
    assert "FirstSecret" not in text
    assert "Name:" in text


def test_few_accepted_repairs_are_named(browser: Browser, page: Path, shop: Path) -> None:
    browser.open(page)
    browser.one("#reject").click()
    assert browser.command() == ""
    assert not browser.one("#copy").is_enabled()
    tick(browser, "Second becomes")
    command = browser.command()
    assert command.startswith("remediator fix --only ")
    assert "," not in command
    remediator(*shlex.split(command)[1:])
    text = (shop / "stacks" / "passwords.yaml").read_text()
    assert "SecondSecret" in text
    assert "FirstSecret" not in text
    assert (shop / "stacks" / "literal.yaml").read_text().count("Sup3rSecretValue") == 1


def test_accept_and_reject_follow_the_filter(browser: Browser, page: Path) -> None:
    browser.open(page)
    choose(browser, "transform", "export-names")
    browser.one("#reject").click()
    assert browser.one("#chosen").text.startswith("3 of 5 repairs accepted")
    browser.one("#list > li:not([hidden]) .choice").click()
    assert browser.one("#chosen").text.startswith("4 of 5 repairs accepted")


def test_the_command_line_is_copied(browser: Browser, page: Path) -> None:
    browser.cdp("Browser.grantPermissions", permissions=["clipboardReadWrite"])
    browser.open(page)
    browser.one("#copy").click()
    browser.wait(lambda: browser.one("#told").text)
    assert browser.one("#told").text.startswith(("Copied", "Press Ctrl+C"))


def test_git_takes_the_patch_of_what_was_accepted(browser: Browser, page: Path, shop: Path) -> None:
    browser.open(page)
    tick(browser, "First becomes")
    assert "Patch: 1 file; 2 files by the command only." in browser.one("#chosen").text
    browser.one("#download").click()
    patch = browser.downloaded("export.yaml.patch")
    tick(browser, "First becomes")
    browser.one("#download").click()
    both = browser.downloaded("remediator.patch")
    for file in (patch, both):
        subprocess.run(["git", "apply", "--check", str(file)], cwd=shop, check=True)
    subprocess.run(["git", "apply", "--whitespace=nowarn", str(both)], cwd=shop, check=True)
    patched = {
        name: (shop / name).read_bytes() for name in ("export.yaml", "stacks/passwords.yaml")
    }
    subprocess.run(["git", "apply", "-R", "--whitespace=nowarn", str(both)], cwd=shop, check=True)
    remediator("fix", ".")
    assert patched == {name: (shop / name).read_bytes() for name in patched}
    assert b"\r\n" in patched["export.yaml"]


def test_a_file_is_a_patch_of_its_own_where_it_can_be(browser: Browser, page: Path) -> None:
    browser.open(page)
    row = browser.row("literal.yaml")
    assert "It hides a secret" in row.text
    assert not row.find_element(By.CSS_SELECTOR, ".patch button").is_enabled()
    row = browser.row("passwords.yaml")
    browser.click(row.find_element(By.CSS_SELECTOR, ".patch button"))
    assert browser.downloaded("passwords.yaml.patch").read_text().startswith("--- a/stacks/pass")
    tick(browser, "Second becomes")
    assert not row.find_element(By.CSS_SELECTOR, ".patch button").is_enabled()
    assert "Not all repairs of the file are accepted" in row.text


def test_a_patch_is_of_one_repository(browser: Browser, shop: Path, tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name / ".git").mkdir(parents=True)
        (tmp_path / name / "t.yaml").write_bytes((shop / "export.yaml").read_bytes())
    page = tmp_path / "review.html"
    remediator("fix", "--dry-run", "--report", page, tmp_path / "one", tmp_path / "two")
    browser.open(page)
    assert browser.rows() == ["one t.yaml", "two t.yaml"]
    assert not browser.one("#download").is_enabled()
    choose(browser, "repository", "two")
    assert browser.rows() == ["two t.yaml"]
    assert browser.one("#download").is_enabled()


def test_what_is_written_is_no_longer_chosen(browser: Browser, shop: Path, page: Path) -> None:
    remediator("fix", "--report", page, ".")
    browser.open(page)
    assert not browser.all("input[type=checkbox]")
    assert "The repairs are written" in browser.one("#chosen").text
    assert not browser.one("#command").is_displayed()
    assert browser.one("#download").is_enabled()


# --- for everybody ---------------------------------------------------------------------------


def test_all_of_it_is_done_with_the_keyboard(browser: Browser, page: Path) -> None:
    browser.open(page)

    def focused() -> str:
        script = "const e = document.activeElement; return e.id || e.className || e.tagName"
        return str(browser.run(script))

    def press(key: str) -> None:
        browser.driver.switch_to.active_element.send_keys(key)

    press(Keys.TAB)
    assert focused() == "skip"
    press(Keys.ENTER)
    met = []
    while "choice" not in met:
        press(Keys.TAB)
        met.append(focused())
        assert len(met) < 50
        style = "getComputedStyle(document.activeElement).outlineStyle"
        assert browser.run(f"return {style}") in ("solid", "auto")
    press(Keys.SPACE)
    assert "4 of 5 repairs accepted" in browser.one("#chosen").text
    press(Keys.TAB)
    assert focused() == "SUMMARY"
    press(Keys.ENTER)
    browser.wait(lambda: browser.all(".body"))
    press(Keys.TAB)
    press(Keys.SPACE)
    assert "5 of 5 repairs accepted" in browser.one("#chosen").text


def test_every_control_has_a_name(browser: Browser, page: Path) -> None:
    browser.open(page)
    browser.row("passwords.yaml")
    browser.cdp("Accessibility.enable")
    nodes = browser.cdp("Accessibility.getFullAXTree")["nodes"]
    roles = ("button", "checkbox", "combobox", "searchbox", "textbox", "image", "table", "region")
    found = [node for node in nodes if node.get("role", {}).get("value") in roles]
    assert len(found) > 20
    assert not [node["role"] for node in found if not node.get("name", {}).get("value")]
    browser.cdp("Accessibility.disable")


def test_dark_where_it_is_wanted(browser: Browser, page: Path) -> None:
    shades = []
    for scheme in ("light", "dark"):
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        browser.cdp("Emulation.setEmulatedMedia", features=features)
        browser.open(page)
        shades.append(browser.run("return getComputedStyle(document.body).backgroundColor"))
    browser.cdp("Emulation.setEmulatedMedia", features=[])
    assert shades == ["rgb(255, 255, 255)", "rgb(20, 23, 26)"]


def test_on_paper_everything_is_open(browser: Browser, page: Path) -> None:
    browser.open(page)
    browser.run("dispatchEvent(new Event('beforeprint'))")
    assert len(browser.all("#list > li:not([hidden]) > details[open] > .body")) == 5
    assert browser.all("table.unified")
    assert not browser.all("table.split")
    browser.run("dispatchEvent(new Event('afterprint'))")
    assert not browser.all("details[open]")
    assert len(browser.cdp("Page.printToPDF")["data"]) > 10_000


def test_a_narrow_window_has_the_unified_form(browser: Browser, page: Path) -> None:
    size = {"width": 400, "height": 800, "deviceScaleFactor": 1, "mobile": False}
    browser.cdp("Emulation.setDeviceMetricsOverride", **size)
    browser.open(page)
    browser.row("passwords.yaml")
    assert browser.all("table.unified")
    wide = browser.run("return document.documentElement.scrollWidth")
    browser.cdp("Emulation.clearDeviceMetricsOverride")
    assert wide <= 400


# --- nothing else runs -----------------------------------------------------------------------


def test_hostile_content_is_text(browser: Browser, tmp_path: Path) -> None:
    evil = '</script></template><script>window.hit=1</script><img src=x onerror="window.hit=1">'
    key = "</script><img src=x onerror=window.hit=1>"
    template = {
        "Description": evil,
        "Parameters": {"P": {"Type": "String", "NoEcho": True, "Description": evil}},
        "Resources": {
            "C": {
                "Type": "AWS::Redshift::Cluster",
                "Properties": {"MasterUsername": key, "MasterUserPassword": {"Ref": "P"}},
            }
        },
        "Outputs": {
            key: {"Description": evil, "Value": evil, "Export": None},
            f"{key}2": {"Value": {"Ref": "P"}},
        },
    }
    folder = tmp_path / "<img src=x onerror=window.hit=1>" / "\u202e"
    folder.mkdir(parents=True)
    name = "\"'><img src=x onerror=window.hit=1>.json"
    (folder / name).write_text(json.dumps(template, indent=1))
    page = tmp_path / "r.html"
    remediator("fix", "--dry-run", "--report", page, tmp_path)
    browser.open(page)
    row = browser.row(name)
    browser.one("#unified").click()
    for details in browser.all("details.about"):
        browser.run("arguments[0].open = true", details)
    assert key in row.text
    assert evil in row.text.replace('\\"', '"')
    assert "⟨U+202E⟩" in row.text
    assert browser.all("img, iframe, [onerror]") == []
    assert browser.run("return window.hit === undefined")


def test_the_policy_refuses_what_is_not_the_pages_own(browser: Browser, page: Path) -> None:
    browser.open(page)
    with pytest.raises(JavascriptException, match="TrustedHTML"):
        browser.run("document.body.innerHTML = '<p>x'")
    with pytest.raises(JavascriptException, match="TrustedScript"):
        browser.run("document.body.append(Object.assign(document.createElement('script'), "
                    "{text: 'window.hit = 1'}))")  # fmt: skip
    browser.run(
        "const i = document.createElement('img'); i.src = 'https://example.com/x.png';"
        "document.body.append(i)"
    )
    refused = browser.wait(lambda: [each for each in browser.errors() if "example.com" in each])
    assert "Content Security Policy" in refused[0]
    assert browser.run("return window.hit === undefined")
