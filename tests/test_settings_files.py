"""Settings files without a parameter: tests/settings/<case>/before/<file> becomes after/<file>, or
is refused with the words of refused.txt. The parameter is always DBPassword."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from remediator import call_sites, settings_files, settings_toml
from remediator.call_sites import Site
from remediator.errors import EditError, ProofError
from remediator.model import Remove, Replace, value_at
from remediator.settings_files import Edited, without
from remediator.settings_text import SettingsText

CASES = sorted((Path(__file__).parent / "settings").iterdir())
PARAMETER = "DBPassword"
SECRETS = ("s3cr3t", "0ld", "n3w")


def only_file(folder: Path) -> Path:
    [file] = [each for each in folder.rglob("*") if each.is_file()]
    return file


def sites(name: str, text: str) -> list[Site]:
    text = text.removeprefix("\ufeff")
    if name.endswith(".toml"):
        return list(call_sites.in_toml(text))
    return list(call_sites.in_settings(call_sites.compose(text), name))


def edited(name: str, text: str, parameter: str = PARAMETER) -> Edited:
    found = [site for site in sites(name, text) if site.parameter == parameter]
    result = without(name, text, found)
    assert without(name, text, found, proven=False) == result  # as a check asks for it
    return result


def given_values(found: list[Site]) -> Counter[tuple[str, str | None]]:
    return Counter((site.parameter, site.value) for site in found)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_case(case: Path) -> None:
    before = only_file(case / "before")
    name = before.relative_to(case / "before").as_posix()
    text = before.read_bytes().decode()
    if (case / "refused.txt").exists():
        with pytest.raises(EditError) as refused:
            edited(name, text)
        assert refused.value.message == (case / "refused.txt").read_text().removesuffix("\n")
        assert not any(secret in str(refused.value) for secret in SECRETS)
        return
    result = edited(name, text)
    assert result.text.encode() == (case / "after" / name).read_bytes()
    # No other parameter lost its value, and none got another.
    old, new = sites(name, text), sites(name, result.text)
    assert given_values(new) == given_values([s for s in old if s.parameter != PARAMETER])


def test_enough_cases() -> None:
    refused = [case for case in CASES if (case / "refused.txt").exists()]
    assert len(CASES) - len(refused) >= 40
    assert len(refused) >= 12
    assert all((case / "after").exists() != (case / "refused.txt").exists() for case in CASES)


def test_several_parameters_go_at_once() -> None:
    text = "A: 1\nDBPassword: x\n\n# own\nB: 2\nC: 3\n"
    result = without("p.yaml", text, [s for s in sites("p.yaml", text) if s.parameter != "A"])
    assert result.text == "A: 1\n"
    assert {operation.path for operation in result.operations} == {
        ("DBPassword",),
        ("B",),
        ("C",),
    }


def test_the_operations_tell_what_changed() -> None:
    text = '[default.deploy.parameters]\nparameter_overrides = "A=1 DBPassword=x"\n'
    place = ("default", "deploy", "parameters", "parameter_overrides")
    assert edited("samconfig.toml", text).operations == (Replace(place, "A=1"),)
    assert edited("p.json", '{"DBPassword": "x"}').operations == (Remove(("DBPassword",)),)
    assert edited("p.yaml", "--- {A: 1}\n--- {DBPassword: x}\n").operations == (
        Remove((1, "DBPassword")),
    )


@pytest.mark.parametrize(
    "site",
    [
        Site(PARAMETER, 1, "command `sam deploy`"),
        Site(PARAMETER, 1, "nested stack", places=(("Resources",),), edit="template"),
        Site(PARAMETER, 1, "parameter file", places=((),), edit="yaml"),
        Site(PARAMETER, 1, "parameter file", places=(("B",),), edit="yaml"),
        Site(PARAMETER, 1, "parameter file", places=((0,),), edit="yaml"),
        Site(PARAMETER, 1, "SAM configuration", places=(("B", "C"),), edit="toml"),
        Site(PARAMETER, 1, "SAM configuration", places=(("A", "C"),), edit="toml"),
    ],
    ids=lambda site: f"{site.edit}-{site.places}",
)
def test_a_place_that_is_none(site: Site) -> None:
    text = 'A = "1"\n' if site.edit == "toml" else "A: 1\n"
    with pytest.raises(EditError):
        without("p.yaml", text, [site])


def test_sites_of_two_kinds() -> None:
    kinds = [Site("A", 1, "x", places=(("A",),), edit=edit) for edit in ("yaml", "toml")]
    with pytest.raises(EditError):
        without("p.yaml", "A: 1\n", kinds)
    with pytest.raises(EditError):
        without("p.yaml", "A: 1\n", [])


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("p.yaml", "A: *s3cr3t\n"),
        ("p.yaml", "A: 's3cr3t\n"),
        ("p.yaml", "A: s3cr3t: s3cr3t\n"),
        ("p.yaml", "A: s3cr3t\nDBPassword: s3cr3t\n\ts3cr3t: b"),
        ("p.yaml", ""),
        ("p.yaml", "# s3cr3t\n"),
        ("p.yaml", "- " * 300 + "s3cr3t"),
        ("p.json", "[" * 300 + '"s3cr3t"' + "]" * 300),
        ("p.yaml", "x" * 5_000_001),
        ("p.json", '{"A": "s3cr3t\\q"}'),
        ("p.json", '{"A": "s3cr3t"'),
        ("p.yaml", "? [a, s3cr3t]\n: 1\n"),
        ("p.yaml", "&a [*a]"),
        ("samconfig.toml", 'A = "s3cr3t'),
        ("samconfig.toml", "A = s3cr3t"),
    ],
)
def test_what_cannot_be_read_is_refused_without_a_word_of_it(name: str, text: str) -> None:
    edit = "toml" if name.endswith(".toml") else "yaml"
    with pytest.raises(EditError) as refused:
        without(name, text, [Site("A", 1, "parameter file", places=(("A",),), edit=edit)])
    assert "s3cr3t" not in str(refused.value)


def test_a_secret_that_stands_as_a_key_is_masked() -> None:
    text = '{"DBPassword": "x", "s3cr3t-0ld", "Other": 1, "s3cr3t-0ld": 2}'
    with pytest.raises(EditError) as refused:
        edited("p.json", text)
    assert (
        refused.value.message == "the key *** stands twice in one mapping, in lines 1 and 1; "
        "remove one of them"
    )


def test_a_text_of_settings_is_a_list_of_its_documents() -> None:
    read = SettingsText.parse("a: 1\n---\n- b\n", "x.yaml")
    assert read.data == [{"a": 1}, ["b"]]
    assert read.is_stream
    assert read.place((1, 0)) == (3, 3)
    assert not SettingsText.parse("a: 1\n", "x.yaml").is_stream


# --- any settings file -----------------------------------------------------------------------

NAMES = st.sampled_from(["DBPassword", "DBName", "Environment", "Size", "A", "B"])
WORDS = st.text("ab =:#'\"\\,{}[]-&*!%@`|>é\n", max_size=8)
VALUES = st.one_of(
    WORDS, st.integers(-5, 500), st.booleans(), st.lists(st.sampled_from("abc"), max_size=3)
)
GIVEN: st.SearchStrategy[list[tuple[str, object]]] = st.lists(
    st.tuples(NAMES, VALUES), min_size=1, max_size=5, unique_by=lambda pair: pair[0]
)
SHAPES = ("map", "section", "list", "assignments", "taskcat", "sceptre")


def shaped(shape: str, given_pairs: list[tuple[str, object]]) -> tuple[str, object]:
    plain = dict(given_pairs)
    return {
        "map": ("params.yaml", plain),
        "section": ("params.yaml", {"Parameters": plain, "Tags": {"a": "b"}}),
        "list": (
            "params.yaml",
            [{"ParameterKey": key, "ParameterValue": value} for key, value in given_pairs],
        ),
        "assignments": ("params.yaml", [f"{key}={value}" for key, value in given_pairs]),
        "taskcat": (
            ".taskcat.yml",
            {"project": {"parameters": plain}, "tests": {"t": {"parameters": plain}}},
        ),
        "sceptre": ("config/db.yaml", {"template_path": "db.yaml", "parameters": plain}),
    }[shape]


@st.composite
def written(draw: st.DrawFn) -> tuple[str, str]:
    """Return a settings file's name and text, with comments and blank lines put anywhere."""
    name, data = shaped(draw(st.sampled_from(SHAPES)), draw(GIVEN))
    if draw(st.booleans()):
        indent = draw(st.sampled_from([None, 2, "\t"]))
        text = json.dumps(data, indent=indent, ensure_ascii=draw(st.booleans()))
    else:
        text = yaml.dump(
            data,
            Dumper=_Plain,
            sort_keys=False,
            allow_unicode=True,
            default_flow_style=draw(st.sampled_from([False, None, True])),
            indent=draw(st.sampled_from([2, 4])),
            width=draw(st.sampled_from([10, 80])),
        )
        lines = text.split("\n")
        for _ in range(draw(st.integers(0, 4))):
            place = draw(st.integers(0, len(lines) - 1))
            lines.insert(place, draw(st.sampled_from(["", "# c", "  # c", "    # d", "#---"])))
        text = "\n".join(lines)
    if draw(st.booleans()):
        text = text.replace("\n", "\r\n")
    if draw(st.booleans()):
        text = text.rstrip("\r\n")
    return name, draw(st.sampled_from(["", "\ufeff"])) + text


class _Plain(yaml.SafeDumper):
    def ignore_aliases(self, data: object) -> bool:
        return True


def data_of(text: str) -> object:
    text = text.removeprefix("\ufeff")
    try:
        return json.loads(text)
    except ValueError:
        return yaml.safe_load(text)


@settings(max_examples=300, deadline=None)
@given(written(), NAMES)
def test_any_entry_of_any_file_goes_exactly_or_not_at_all(
    file: tuple[str, str], parameter: str
) -> None:
    name, text = file
    found = [site for site in sites(name, text) if site.parameter == parameter]
    if not found:
        return
    try:
        result = without(name, text, found)
    except EditError:
        return
    expected = data_of(text)
    for place in sorted((site.places[0] for site in found), key=repr, reverse=True):
        parent = value_at(expected, place[:-1])  # type: ignore[arg-type]
        assert isinstance(parent, dict | list)
        del parent[place[-1]]  # type: ignore[arg-type]
    assert data_of(result.text) == expected
    assert text.startswith("\ufeff") == result.text.startswith("\ufeff")
    assert text.endswith("\n") == result.text.endswith("\n")
    assert ("\r\n" in result.text) <= ("\r\n" in text)
    if name != "params.yaml" or "[" not in text:  # a line of a block stays or goes as a whole
        old_lines = [line.rstrip("\r") for line in text.split("\n")]
        new_lines = [line.rstrip("\r") for line in result.text.split("\n")]
        changed = [line for line in new_lines if line not in old_lines]
        assert len(changed) <= len(found) or "{" in text


BEFORE = [only_file(case / "before") for case in CASES]
TEXTS = [
    (file.relative_to(case / "before").as_posix(), file.read_bytes().decode())
    for case, file in zip(CASES, BEFORE, strict=True)
]


@settings(max_examples=500, deadline=None)
@given(
    st.sampled_from(TEXTS),
    st.lists(
        st.tuples(
            st.floats(0, 0.999),
            st.integers(0, 6),
            st.text("\n\r\t #:,-{}[]\"'=&*!|>\\aé.", max_size=3),
        ),
        max_size=3,
    ),
)
def test_a_broken_file_is_refused_and_never_misread(
    file: tuple[str, str], changes: list[tuple[float, int, str]]
) -> None:
    name, text = file
    for where, length, new in changes:
        place = int(where * len(text))
        text = text[:place] + new + text[place + length :]
    found = [site for site in sites(name, text) if site.parameter == PARAMETER]
    try:
        result = without(name, text, found)
    except (EditError, ProofError) as error:  # either leaves the file as it is
        refused = error.message
    else:
        refused = ""
    assert not any(secret in refused for secret in SECRETS)
    if refused:
        return
    old, new_sites = sites(name, text), sites(name, result.text)
    assert given_values(new_sites) == given_values(
        [site for site in old if site.parameter != PARAMETER or not site.edit]
    )


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("p.yaml", "A: 0ld\nDBPassword: s3cr3t\n"),
        (
            "samconfig.toml",
            '[a.b.parameters]\nparameter_overrides = ["A=0ld", "DBPassword=s3cr3t"]\n',
        ),
    ],
)
def test_a_proof_that_fails_says_nothing_of_a_value(
    name: str, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings_files, "apply", lambda *_, **__: "A: s3cr3t\n")
    monkeypatch.setattr(settings_toml, "_merged", lambda _: [])
    with pytest.raises(ProofError) as failed:
        edited(name, text)
    assert not any(secret in str(failed.value) for secret in SECRETS)
