"""AWS's schemas of resource types, as cfn-lint ships them, and the tables made from them.

The tables stand in transforms/: one JSON object each, one line for each service. The schemas are
AWS's own: https://github.com/aws-cloudformation/resource-provider-enhanced-schemas
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

SOURCE = "AWS's provider schemas (resource-provider-enhanced-schemas), as cfn-lint ships them"
TRANSFORMS = Path(__file__).parent.parent / "transforms"

SAM = "AWS::Serverless::"
"""Not in the tables: SAM reads these types before CloudFormation does."""


def read(file: Path) -> Any:
    """Return what a file of JSON holds."""
    return json.loads(file.read_text(encoding="utf-8"))


def _folder() -> Path:
    """Return the folder of cfn-lint's schemas."""
    found = find_spec("cfnlint")
    assert found is not None
    assert found.origin is not None
    return Path(found.origin).parent / "data" / "schemas"


def schemas() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every resource type of AWS with its schema; again where Regions have different ones."""
    folder = _folder()
    providers = sorted((folder / "providers").glob("*-*.json"))  # a file a Region
    for kind, digest in {pair for provider in providers for pair in read(provider).items()}:
        if kind.startswith(("AWS::", "Alexa::")) and not kind.startswith(SAM):
            yield kind, read(folder / "resources" / f"{digest}.json")


def table(types: Mapping[str, str]) -> dict[str, Any]:
    """Return a table of what is to be known of each type."""
    services: dict[str, dict[str, str]] = {}
    for kind in sorted(types):
        service, _, name = kind.rpartition("::")
        services.setdefault(service, {})[name] = types[kind]
    date = read(_folder() / "version.json")["schema_date"]
    return {"source": SOURCE, "schema_date": date, "services": services}


def text(content: dict[str, Any]) -> str:
    """Return a table's text: one line a service."""
    head = [f"  {json.dumps(k)}: {json.dumps(content[k])}," for k in ("source", "schema_date")]
    services = content["services"].items()
    lines = [f"    {json.dumps(service)}: {json.dumps(kinds)}" for service, kinds in services]
    return "\n".join(["{", *head, '  "services": {', ",\n".join(lines), "  }", "}"]) + "\n"


def by_type(content: dict[str, Any]) -> dict[str, str]:
    """Return a table as resource type -> what is to be known of it."""
    return {
        f"{service}::{kind}": known
        for service, kinds in content["services"].items()
        for kind, known in kinds.items()
    }


def check_fresh(file: Path, installed: dict[str, Any]) -> None:
    """Compare a table with what the installed schemas give: of the same date word for word; those
    of other dates differ in a few types."""
    content = read(file)
    if content["schema_date"] == installed["schema_date"]:
        assert file.read_text(encoding="utf-8") == text(installed)
    here, there = by_type(content), by_type(installed)
    shared = here.keys() & there.keys()
    assert len(shared) > 1000
    other = sorted(kind for kind in shared if here[kind] != there[kind])
    assert len(other) <= len(shared) // 20, other
