"""Who may import whom: read from the sources with `ast`, so that nothing has to run."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "remediator"
TRANSFORMS = ROOT / "transforms"
SOURCES = sorted([*PACKAGE.rglob("*.py"), *TRANSFORMS.glob("*.py")])
NAMES = [str(file.relative_to(ROOT)) for file in SOURCES]

# A module imports only those above it. Modules that are not named here are parts of one that is:
# they must not bring a cycle, nor a way around this order.
ORDER = (
    *("errors", "model", "document", "template", "transform", "splice", "verify", "registry"),
    *("engine", "config", "repository", "runner", "testing", "report", "desk", "lsp", "migrate"),
    "cli",
)
PACKAGES = {"report", "migrate"}
READS_YAML = {
    "document": "templates",
    "repository": "configurations that name a template",
    "nodes": "configurations that name a template",
    "given": "configurations that name a template",
    "settings_sites": "configurations that name a template",
    "template_sites": "configurations that name a template",
    "tree_files": "configurations that name a template",
    "settings_text": "settings files that are edited",
}
READS_RUAMEL = {"splice", "render", "verify", "readers"}
SPEAKS_TO_EDITORS = {"lsp", "lsp_values"}


def module_of(file: Path) -> str:
    """Return `engine` for remediator/engine.py, `report` for anything below report/."""
    return file.relative_to(PACKAGE).with_suffix("").parts[0]


def imports(file: Path) -> Iterator[tuple[str, bool]]:
    """Yield the dotted names a file imports, and whether as soon as it is imported itself."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    package = [*file.relative_to(ROOT).parts[:-1]]
    late = {
        inner
        for node in ast.walk(tree)
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        or (isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING")
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node not in late
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            source = ".".join([*base, *([node.module] if node.module else [])])
            for alias in node.names:
                yield f"{source}.{alias.name}", node not in late


def own_imports(file: Path) -> set[str]:
    """Return the modules of the package that a file imports, at any time."""
    found = {name.split(".")[1] for name, _ in imports(file) if name.startswith("remediator.")}
    return {name for name in found if (PACKAGE / f"{name}.py").is_file() or name in PACKAGES}


GRAPH: dict[str, set[str]] = {}
for source in PACKAGE.rglob("*.py"):
    GRAPH.setdefault(module_of(source), set()).update(own_imports(source) - {module_of(source)})


def reached(module: str) -> set[str]:
    seen: set[str] = set()
    waiting = [module]
    while waiting:
        for following in GRAPH.get(waiting.pop(), ()):
            if following not in seen:
                seen.add(following)
                waiting.append(following)
    return seen


def test_sources_are_found() -> None:
    assert {"remediator/engine.py", "transforms/export_names.py"} <= set(NAMES)
    assert "engine" in GRAPH["runner"]


@pytest.mark.parametrize("module", sorted(GRAPH))
def test_imports_point_one_way(module: str) -> None:
    below = reached(module)
    assert module not in below, f"{module} imports itself by way of others"
    if module in ORDER:
        place = ORDER.index(module)
        assert not below & set(ORDER[place + 1 :])


def test_reports_know_neither_engine_nor_files() -> None:
    assert not reached("report") & {"engine", "splice", "verify", "runner", "registry"}


def test_the_second_opinion_shares_no_code_with_what_plans() -> None:
    values = reached("model") | {"errors", "model"}
    assert reached("meaning") == values | {"passwords", "resolved", "sources", "worlds"}
    planning = reached("engine") - reached("meaning") - {"meaning"}
    for module in ("resolved", "sources", "worlds"):
        assert not [other for other in planning - {"engine"} if module in GRAPH[other]]
    for file in TRANSFORMS.glob("*.py"):
        assert not {name.split(".")[1] for name, _ in imports(file) if "remediator." in name} & (
            reached("meaning") - values | {"meaning"}
        )


def test_nothing_imports_the_command_line() -> None:
    assert {module for module in GRAPH if "cli" in GRAPH[module]} <= {"__main__"}


@pytest.mark.parametrize("file", SOURCES, ids=NAMES)
def test_parsers_stay_in_their_modules(file: Path) -> None:
    module = module_of(file) if file.is_relative_to(PACKAGE) else file.stem
    for name, at_once in imports(file):
        root = name.split(".")[0]
        if root == "yaml":
            assert module in READS_YAML, f"{file.name} imports PyYAML"
        if root == "ruamel":
            assert module in READS_RUAMEL, f"{file.name} imports ruamel.yaml"
        if root in ("boto3", "botocore"):
            assert module == "change_set", f"{file.name} imports {root}"
        if root in ("pygls", "lsprotocol"):
            assert module in SPEAKS_TO_EDITORS, f"{file.name} imports {root}"
        late = {"ruamel", "jsonpatch", "jsonpointer", "deepdiff", "tomlkit", "rich", "jinja2"}
        if root in late | {"boto3", "botocore"}:
            assert not at_once, f"{file.name} imports {root} before it is needed"


def test_the_language_server_is_loaded_by_its_command_alone() -> None:
    importers = {module for module in GRAPH if GRAPH[module] & SPEAKS_TO_EDITORS}
    assert importers == {"cli", "lsp"}
    at_once = {name for name, early in imports(PACKAGE / "cli.py") if early}
    assert not {name for name in at_once if name.startswith("remediator.lsp")}


@pytest.mark.parametrize("file", SOURCES, ids=NAMES)
def test_only_the_command_line_prints_and_exits(file: Path) -> None:
    allowed = {"cli.py", "cli_migrate.py", "__main__.py", "validator_child.py"}
    if file.parent == PACKAGE and file.name in allowed:
        return
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call):
            continue
        called = ast.unparse(node.func)
        assert called not in ("print", "exit", "quit", "typer.echo"), file.name
        if called == "os._exit":  # a process whose driver is gone
            assert file == PACKAGE / "migrate" / "executors.py"
        if called == "sys.exit":  # a script that is run as a module
            assert file == PACKAGE / "testing.py"


@pytest.mark.parametrize("file", sorted(TRANSFORMS.glob("*.py")), ids=lambda file: file.name)
def test_transforms_are_pure(file: Path) -> None:
    """They see a template and a context: no files, no environment, no parser, no engine."""
    ours = {"model", "template", "transform", "arguments", "conditions", "errors", "limits"}
    forbidden = {"os", "pathlib", "sys", "subprocess", "shutil", "io", "tempfile", "socket", "glob"}
    for name, _ in imports(file):
        parts = name.split(".")
        assert parts[0] not in forbidden | {"yaml", "ruamel", "importlib"}, f"{file.name}: {name}"
        if parts[0] == "remediator":
            assert parts[1] in ours, f"{file.name} imports {name}"


@pytest.mark.parametrize("file", sorted(TRANSFORMS.glob("[a-z]*.py")), ids=lambda f: f.name)
def test_transforms_do_not_open_files(file: Path) -> None:
    called = {
        ast.unparse(node.func)
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
    }
    assert not called & {"open", "eval", "exec", "__import__", "print"}


def test_transforms_are_imported_by_nobody() -> None:
    """A scanned repository may have a folder of that name: see registry.py."""
    for file in [*PACKAGE.rglob("*.py"), *(ROOT / "tests").rglob("*.py")]:
        for name, _ in imports(file):
            assert name.split(".")[0] != "transforms", file.name
            assert not name.startswith("remediator.transforms"), file.name
