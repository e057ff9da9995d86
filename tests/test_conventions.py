"""How a template's authors name and tag."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from remediator import registry
from remediator.document import Document
from remediator.template import Template

registry.builtin_transforms()
_conventions: Any = sys.modules["remediator.transforms._conventions"]


def _named(*names: str) -> Template:
    resources = "".join(
        f"  R{n}: {{Type: AWS::SNS::Topic, Properties: {{TopicName: {name}}}}}\n"
        for n, name in enumerate(names)
    )
    return Template(Document.parse(f"Resources:\n{resources}"))


@pytest.mark.parametrize(
    ("names", "pattern"),
    [
        (["!Sub 'a-x-${S}'", "!Sub 'a-y-${S}'", "!Sub 'a-z-w-${S}'"], ("a-", "-${S}")),
        (["!Sub '${S}-x'", "!Sub '${S}-y'", "!Sub '${S}-z'"], ("${S}-", "")),
        (["!Sub 'a-x-${S}'", "!Sub 'a-y-${S}'"], None),
        (["a-x", "a-y", "a-z"], None),  # the same in every stack
        (["!Sub 'a-x-${S}'", "!Sub 'a-y-${S}'", "!Sub 'a-z-${S}'", "q", "r"], None),
        (["!Ref A", "!Ref B", "!Ref C", "!GetAtt R0.Arn"], None),
        (
            [f"!Join ['-', [a, {x}, !Ref S]]" for x in "xyz"],
            ("a-", "-${S}"),
        ),
        (["!Sub ['a-${X}-${S}', {X: x}]"] * 3, None),
    ],
)
def test_naming_pattern(names: list[str], pattern: tuple[str, str] | None) -> None:
    assert _conventions.naming_pattern(_named(*names)) == pattern


@pytest.mark.parametrize(
    ("words", "kebab"),
    [
        ("DBPassword", "db-password"),
        ("OnPremisesDBPassword", "on-premises-db-password"),
        ("dbMasterUser2", "db-master-user-2"),
        ("Password", "password"),
        ("RDSMySQLPassword", "rds-my-sql-password"),
    ],
)
def test_kebab(words: str, kebab: str) -> None:
    assert _conventions.kebab(words) == kebab


def test_names_take_the_separator_of_the_pattern() -> None:
    assert _conventions.name_by(("shop_", "_${S}"), "DBPassword") == "shop_db_password_${S}"
    assert _conventions.name_by(("/shop/", ""), "DBPassword") == "/shop/db-password"


def test_convention_tags() -> None:
    tags = "[{Key: Team, Value: shop}, {Key: Name, Value: %s}]"
    resources = "".join(
        f"  R{n}: {{Type: AWS::SNS::Topic, Properties: {{Tags: {tags % n}}}}}\n" for n in range(3)
    )
    few = Template(Document.parse(f"Resources:\n{resources}"))
    assert _conventions.convention_tags(few) == [{"Key": "Team", "Value": "shop"}]
    more = resources + "".join(
        f"  S{n}: {{Type: AWS::SNS::Topic, Properties: {{Tags: [{{Key: X, Value: {n}}}]}}}}\n"
        for n in range(3)
    )
    assert _conventions.convention_tags(Template(Document.parse(f"Resources:\n{more}"))) == []
