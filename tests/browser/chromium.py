"""A headless Chromium, and the review page of a small repository."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.webdriver import WebDriver
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait
from test_cli import CLEAN, remediator

WAIT = 30
PASSWORDS = """\
Parameters:
  First: {Type: String, NoEcho: true}
  Second: {Type: String, NoEcho: true}
Resources:
  A:
    Type: AWS::Redshift::Cluster
    Properties: {MasterUsername: a, MasterUserPassword: !Ref First}
  B:
    Type: AWS::Redshift::Cluster
    Properties: {MasterUsername: b, MasterUserPassword: !Ref Second}
Outputs:
  C:
    Value: c
    Export:
"""
LITERAL = """\
Resources:
  Stock:
    Type: AWS::Redshift::Cluster
    Properties:
      MasterUsername: stock
      MasterUserPassword: Sup3rSecretValue
"""
LEFT = """\
Parameters:
  Password: {Type: String, NoEcho: true}
Resources:
  Cluster:
    Type: AWS::Redshift::Cluster
    Properties: {MasterUsername: a, MasterUserPassword: !Ref Password}
Outputs:
  Shown:
    Value: !Ref Password
"""
EXPORT = (
    "Resources: {A: {Type: AWS::SNS::Topic}}\r\n"
    "Outputs:\r\n  Café:\r\n    Value: '😀'\r\n    Export:\r\n"
)


@dataclass(frozen=True)
class Browser:
    """A driver, and what every test needs of it."""

    driver: WebDriver
    downloads: Path

    def open(self, page: Path) -> None:
        self.driver.get(page.as_uri())

    def all(self, css: str) -> list[WebElement]:
        return self.driver.find_elements(By.CSS_SELECTOR, css)

    def one(self, css: str) -> WebElement:
        return self.driver.find_element(By.CSS_SELECTOR, css)

    def run(self, script: str, *arguments: object) -> Any:
        return self.driver.execute_script(script, *arguments)

    def wait(self, condition: Callable[[], Any]) -> Any:
        return WebDriverWait(self.driver, WAIT, poll_frequency=0.05).until(lambda _: condition())

    def cdp(self, command: str, **parameters: object) -> Any:
        return self.driver.execute_cdp_cmd(command, parameters)

    def errors(self) -> list[str]:
        """Return what the console complains of: refused by the policy, exceptions."""
        return [entry["message"] for entry in self.driver.get_log("browser")]  # type: ignore[no-untyped-call]

    def rows(self) -> list[str]:
        """Return the paths of the files that the filter shows."""
        return [each.text for each in self.all("#list > li:not([hidden]) .path")]

    def row(self, path: str) -> WebElement:
        """Return the row of a file, opened."""
        (row,) = (
            each
            for each in self.all("#list > li")
            if path in str(each.find_element(By.CSS_SELECTOR, ".path").get_property("textContent"))
        )
        if not row.find_elements(By.CSS_SELECTOR, "details[open]"):
            self.click(row.find_element(By.CSS_SELECTOR, "summary"))
        self.wait(lambda: row.find_elements(By.CSS_SELECTOR, ".body"))
        return row

    def click(self, element: WebElement) -> None:
        """Click where the bars do not lie above it."""
        self.run("arguments[0].scrollIntoView({block: 'center'})", element)
        element.click()

    def command(self) -> str:
        return str(self.one("#command").get_attribute("value"))

    def downloaded(self, name: str) -> Path:
        """Return a file once it has arrived whole."""
        file = self.downloads / name
        self.wait(lambda: file.exists() and not list(self.downloads.glob("*.crdownload")))
        return file


@pytest.fixture(scope="session")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    assert chromium, "make test-browser installs chromium"
    assert driver, "make test-browser installs chromium-driver"
    downloads = tmp_path_factory.mktemp("downloads")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    # Root, as in a container, has no sandbox; /dev/shm is small there.
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"):
        options.add_argument(argument)
    options.add_argument("--window-size=1400,1000")
    options.add_experimental_option("prefs", {"download.default_directory": str(downloads)})
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    service = webdriver.ChromeService(executable_path=driver)
    browser = webdriver.Chrome(options=options, service=service)
    yield Browser(browser, downloads)
    browser.quit()


@pytest.fixture
def browser(started: Browser) -> Iterator[Browser]:
    """The one browser; at the end of each test nothing was refused and nothing failed."""
    for old in started.downloads.iterdir():
        old.unlink()
    yield started
    assert started.errors() == []


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with one file of every kind; the current folder."""
    folder = tmp_path / "shop"
    texts = {
        "stacks/passwords.yaml": PASSWORDS,
        "stacks/literal.yaml": LITERAL,
        "left.yaml": LEFT,
        "export.yaml": EXPORT,
        "clean.yaml": CLEAN,
        "broken.yaml": "Resources:\n  A: {Type: AWS::SNS::Topic\nOutputs:\n  B:\n    Export:\n",
    }
    for name, text in texts.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text.encode())
    subprocess.run(["git", "init", "--quiet", str(folder)], check=True)
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def page(shop: Path, tmp_path: Path) -> Path:
    """The review page of a dry run over the repository."""
    file = tmp_path / "review.html"
    remediator("fix", "--dry-run", "--report", file, ".")
    return file
