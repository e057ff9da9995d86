"""Templates that are made to do harm: bounded time and memory, and a result or a clear refusal.

Each group runs in a process of its own, with bounded memory: a crash of libyaml, or a text that
takes for ever, could not be caught otherwise. The time limit is many times what they take.
"""

from __future__ import annotations

import json
import re
import resource
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

# The rules engine has a time limit of its own, a text: test_validator.py.
COMMAND = (
    *(sys.executable, "-m", "remediator", "fix", "--dry-run", "--no-validate"),
    *("--format", "json"),
)
MEMORY = 1_500_000_000
SECONDS = 180
TOPIC = "Resources:\n  T: {Type: AWS::SNS::Topic}\n"
DATABASE = (
    "  Db:\n    Type: AWS::RDS::DBInstance\n    Properties:\n      Engine: mysql\n"
    "      MasterUsername: admin\n      MasterUserPassword: !Ref P\n"
)


def fed(parameter: str = "", database: str = DATABASE, more: str = "") -> str:
    """Return a template whose one password parameter feeds a database."""
    own = f"Parameters:\n  P: {{Type: String, NoEcho: true{parameter}}}\n"
    return f"{own}Resources:\n{database}{more}"


def databases(count: int) -> str:
    return "".join(DATABASE.replace("Db", f"D{number}") for number in range(count))


def conditions(lines: str, uses: str) -> str:
    conditioned = DATABASE.replace("    Type", f"    Condition: {uses}\n    Type")
    return f"Conditions:\n{lines}" + fed(database=conditioned)


DEEP = "nests deeper than 200 levels"
MANY = "so many are not looked at"
DEPTH = 10_000
NESTED = {
    "flow": "X: " + "[" * DEPTH + "]" * DEPTH,
    "flow of mappings": "X: " + "{a: " * DEPTH + "}" * DEPTH,
    "mixed": "X: " + "[{a: " * DEPTH + "}]" * DEPTH,
    "pairs": "X: " + "[a: " * DEPTH + "]" * DEPTH,
    "block": "X:\n" + "".join(" " * level + " a:\n" for level in range(2000)),
    "block lists": "X:\n" + "".join(" " * level + " -\n" for level in range(2000)),
    "dashes": "X:\n  " + "- " * DEPTH + "a",
    "questions": "X:\n  " + "? " * DEPTH + "a",
    "tagged": "X: " + "!Sub [" * DEPTH + "]" * DEPTH,
    "anchored": "X: " + "&a [" * DEPTH + "]" * DEPTH,
    "block below flow": "X:\n" + " - a:\n" * 150 + "X2: " + "[" * DEPTH,
}
Group = Mapping[str, tuple[str, str]]
"""Name of a file -> its text, and what the report says of it."""


def nesting() -> Group:
    found = {name: (f"{TOPIC}{text}\n", DEEP) for name, text in NESTED.items()}
    found["old line ends"] = (f"{TOPIC}{NESTED['block']}".replace("\n", "\r"), DEEP)
    for newline in ("\x85", "\u2028"):  # line ends of YAML 1.1 that no editor knows
        found[f"U+{ord(newline):04X}"] = (
            f"{TOPIC}{NESTED['block']}".replace("\n", newline),
            "nest",
        )
    for name, (start, end) in {"lists": ("[", "]"), "objects": ('{"a":', "}")}.items():
        whole = '{"Resources": {"T": {"Type": "AWS::SNS::Topic"}}, "X": %s1%s}'
        found[f"{name}.json"] = (whole % (start * DEPTH, end * DEPTH), DEEP)
    return found


def aliases() -> Group:
    lists = "".join(f"  a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 10))
    pairs = "".join(f"  a{n}: &a{n} {{l: *a{n - 1}, r: *a{n - 1}}}\n" for n in range(1, 60))
    merges = "".join(f"  a{n}: &a{n} {{<<: [*a{n - 1}, *a{n - 1}]}}\n" for n in range(1, 60))
    chain = "".join(f"  a{n}: &a{n} {{<<: *a{n - 1}, k{n}: v}}\n" for n in range(1, 5000))
    bomb = "its aliases stand for more than 1,000,000 values"
    first = f"{TOPIC}X:\n  a0: &a0 {{x: y}}\n"
    anchors = fed(more="X: [" + ", ".join(f"&a{n} v" for n in range(3000)) + "]\n")
    return {
        "lists": (first + lists, bomb),
        "pairs": (first + pairs, bomb),
        "merges": (first + merges, bomb),
        "chain": (first + chain, bomb),
        "itself": (TOPIC + "X: &a [*a]\n", "an alias stands within its own anchor"),
        "anchors": (anchors, "1 repaired"),
        "in the way": (fed().replace("!Ref P", "&p !Ref P") + "X: *p\n", "1 left for a person"),
        "merged": (fed().replace("Db:", "Db:\n    <<: {a: b}"), ""),
        "many merges": (f"{TOPIC}Y: &a {{b: c}}\nX: {{" + "<<: *a, " * 30_000 + "}\n", ""),
    }


ODD = {
    "\x00": "U+0000",
    "\x07": "U+0007",
    "\x1b": "U+001B",
    "\x7f": "U+007F",
    "\x9f": "U+009F",
    "\ufffe": "U+FFFE",
    "\uffff": "U+FFFF",
}
"""Characters that YAML forbids."""
STRANGE = ("\u202e", "\u2066", "\u200b", "\u200d", "\u2060", "\U0001f511", "\U0010fffd", "\xa0")


def unicode() -> Group:
    found = {
        f"U+{ord(odd):04X}": (fed(more=f"X: 'a{odd}b'\n"), f"the control character {words}")
        for odd, words in ODD.items()
    }
    for odd in (*STRANGE, "\x85", "\u2028", "\u2029"):
        found[f"U+{ord(odd):04X}"] = (fed(more=f"X: 'a{odd}b'\n"), "1 repaired")
        found[f"U+{ord(odd):04X} in a name"] = (fed().replace("P", f"P{odd}"), "")
    found["a mark in the middle"] = (fed(more="X: 'a\ufeffb'\n"), "")
    found["two marks"] = ("\ufeff\ufeff" + fed(), "")
    found["half a pair"] = (
        '{"Resources": {"T": {"Type": "AWS::SNS::Topic"}}, "X": "\\ud800"}',
        "a surrogate escape",
    )
    return found


def tags() -> Group:
    touch = "['touch harm-was-done']"
    handle = "%TAG !e! tag:yaml.org,2002:python/\n---\n"
    return {
        "python": (fed(more=f"X: !!python/object/apply:os.system {touch}\n"), "1 repaired"),
        "python by another name": (
            f"{handle}{TOPIC}X: !e!object/apply:os.system {touch}\n",
            "",
        ),
        "all of it": (f"!!python/object/apply:os.system {touch}\n# {TOPIC}", "is not"),
        "yaml 1.1": ("%YAML 1.1\n---\n" + fed(), ""),
        "yaml 1.2": ("%YAML 1.2\n---\n" + fed(), ""),
        "own handle": ("%TAG ! tag:x,2000:\n---\n" + fed(), ""),
        "directives": ("%FOO bar\n" * 10_000 + "---\n" + TOPIC, "is not valid YAML"),
        "documents": (TOPIC + "---\n" * 100_000, "holds several YAML documents"),
        "long": (fed(more="X: !" + "a" * 500_000 + " b\n"), ""),
    }


def numbers() -> Group:
    digits = "9" * 100_000
    plain = fed(
        more=f"X: {digits}\nY: 0x{digits}\nZ: -{digits}\nF: {digits}.5\nO: 0b{'1' * 9999}\n"
    )
    whole: dict[str, Any] = {
        "Parameters": {"P": {"Type": "String"}},
        "Resources": {
            "R": {
                "Type": "AWS::RDS::DBInstance",
                "Properties": {"MasterUsername": "a", "MasterUserPassword": {"Ref": "P"}},
            }
        },
    }
    text = json.dumps(whole).replace('"a"', digits)
    return {
        "plain": (plain, "1 repaired"),
        "object.json": (text, "1 repaired"),
        "at least": (fed(f", MinLength: '{digits}'"), "[limits-exclude-each-other]"),
        "at most": (fed(f", MaxLength: {digits}"), "1 repaired"),
        "not ours": (fed(", MinLength: '٣²'"), "1 repaired"),
    }


PATTERNS = (
    *("(a+)+$", "(.|.)*!", ".?" * 40 + "." * 40, "(.|.)" * 60 + "!", ".{1,60}" * 9 + "!"),
    *("[" * 100_000, "(" * 100_000, "[\\" * 50_000, "[\\p{ASCII}&&[^" * 50_000, "&&[^" * 50_000),
    *("([a]|" * 50_000, "[a-z]{1,4000000000}", "((.{1,99}){1,99}){1,99}!", "a?" * 120 + "a" * 120),
)


def patterns() -> Group:
    return {
        f"pattern {number}": (fed(f", AllowedPattern: '{pattern}'"), "[pattern-not-met]")
        for number, pattern in enumerate(PATTERNS)
    }


def logic() -> Group:
    chain = "".join(f"  C{n}: !Not [!Condition C{n - 1}]\n" for n in range(1, 10_000))
    double = "".join(
        f"  C{n}: !And [!Condition C{n - 1}, !Condition C{n - 1}]\n" for n in range(1, 60)
    )
    first = "  C0: !Equals [!Ref X, a]\n"
    equals = ", ".join(f"!Equals [!Ref X, a{n}]" for n in range(4000))
    branches = "!Ref P"
    for number in range(8):
        branches = f"!If [C{number}, {branches}, !If [C{number + 1}, {branches}, x]]"
    many = "".join(f"  C{n}: !Equals [!Ref X{n}, a]\n" for n in range(3000))
    return {
        "chain": (conditions(first + chain, "C9999"), "[too-many-conditions]"),
        "double": (conditions(first + double, "C59"), "[too-many-conditions]"),
        "itself": (conditions("  C0: !Not [!Condition C0]\n", "C0"), "1 repaired"),
        "circle": (conditions("  C0: !Condition C1\n  C1: !Condition C0\n", "C0"), "1 repaired"),
        "values": (conditions(f"  C0: !Or [{equals}]\n", "C0"), "[too-many-conditions]"),
        "branches": ("Conditions:\n" + many + fed().replace("!Ref P", branches), ""),
        "thousands": ("Conditions:\n" + many + fed(), "1 repaired"),
        "odd": (
            "Conditions: 3\nRules: [{a: !Ref P}]\nMetadata: [x]\nMappings: [y]\nOutputs: [z]\n"
            "Transform: {a: b}\n" + fed(),
            "",
        ),
    }


def many() -> Group:
    topics = "".join(f"  T{n}:\n    Type: AWS::SNS::Topic\n" for n in range(50_000))
    own = "".join(f"  P{n}: {{Type: String, NoEcho: true}}\n" for n in range(600))
    joined = "!Join ['', [" + ", ".join(f"!Ref P{n}" for n in range(600)) + "]]"
    nested = "'${P}'"
    for _ in range(60):
        nested = f"['${{a}}${{a}}', {{a: !Sub {nested}}}]"
    return {
        "resources": (fed(more=topics), "[too-many-resources]"),
        "databases": (fed(database=databases(1100)), "has more than 1,000 credentials"),
        "uses": (fed(database=databases(220)), "[too-many-references]"),
        "parameters": (
            f"Parameters:\n{own}Resources:\n" + DATABASE.replace("!Ref P", joined),
            "has more than 200 password parameters",
        ),
        "keys": (f"{TOPIC}X: {{" + ",".join(f"k{n}" for n in range(150_000)) + "}\n", MANY),
        "the same key": (f"{TOPIC}X:\n" + "  a: 1\n" * 40_000, "stands twice"),
        "nulls": ("Resources:\n  T: {Type: AWS::SNS::Topic, Tags: null}\n" + "X:\n", ""),
        "variables": (
            fed(more="X: !Sub '" + "".join(f"${{A{n}}}" for n in range(100_000)) + "'\n"),
            "",
        ),
        "nested texts": (fed(more=f"      X: !Sub {nested}\n"), ""),
    }


def long_lines() -> Group:
    blanks, n = " " * 300_000, 100_000
    return {
        "blanks in a variable": (fed(more=f"      X: !Sub '${{a{blanks}x'\n"), ""),
        "variables that do not end": (fed(more="      X: !Sub '" + "${a " * n + "'\n"), ""),
        "references that do not end": (
            fed(more="      X: !Sub '" + "{{resolve:secretsmanager:" * n + "${P}'\n"),
            "1 left for a person",
        ),
        "blanks": (fed(more=f"X: a{blanks}# comment\n"), "1 repaired"),
        "hashes": (fed(more="# " * n + "\n"), "1 repaired"),
        "rules": (fed(more="# " + "--" * n + "\n"), "1 repaired"),
        "brackets": (f"{TOPIC}X: '" + "[ { " * n + "'\n", ""),
        "escapes.json": (
            '{"Resources": {"T": {"Type": "AWS::SNS::Topic"}}, "\\ud83d\\ude00": "%s"}'
            % ("\\\\a" * n),
            "a surrogate escape",
        ),
        "secret": (
            "Parameters:\n  P: {Type: String, NoEcho: true}\nResources:\n  S:\n"
            "    Type: AWS::SecretsManager::Secret\n    Properties:\n      SecretString: !Sub "
            + '\'{"password": "${P}", "x": %s%s}\'\n'
            % ("[" * n, "]" * n),
            "1 left for a person",
        ),
        "nearly 5 MB": (fed(more="X: " + "a" * 4_990_000 + "\n"), "[template-too-large]"),
        "blank lines": (fed(more="\n" * 4_900_000), "[template-too-large]"),
    }


GROUPS: tuple[Callable[[], Group], ...] = (
    *(nesting, aliases, unicode, tags, numbers, patterns, logic, many, long_lines),
)


def run(folder: Path, *names: str) -> subprocess.CompletedProcess[str]:
    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))

    return subprocess.run(
        [*COMMAND, *names],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        preexec_fn=limit,
        check=False,
    )


def said(file: dict[str, Any]) -> str:
    """Return what a report says of a file."""
    words = [str((file.get("error") or {}).get("message")), file["status"]]
    for finding in file["findings"]:
        repaired = finding["status"] == "would-fix"
        words.append("1 repaired" if repaired else f"1 left for a person [{finding['code']}]")
        words.append(finding.get("reason") or "")
    return "\n".join(words)


@pytest.mark.parametrize("group", GROUPS, ids=lambda group: str(group.__name__))
def test_hostile_input(tmp_path: Path, group: Callable[[], Group]) -> None:
    texts = group()
    names = {}
    for number, name in enumerate(texts):
        names[f"{number}{'.json' if name.endswith('.json') else '.yaml'}"] = name
    for file, name in names.items():
        (tmp_path / file).write_bytes(texts[name][0].encode("utf-8", errors="surrogatepass"))
    done = run(tmp_path, *names)
    assert done.returncode in (0, 1, 2), (done.returncode, done.stderr[-1000:])
    assert "defect" not in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    files = {file["path"]: said(file) for file in json.loads(done.stdout)["files"]}
    wrong = {
        name: files[file][:300]
        for file, name in names.items()
        if texts[name][1].lower() not in files[file].lower()
    }
    assert not wrong
    assert not list(tmp_path.rglob("harm-was-done"))


def test_a_file_of_100_megabytes_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "t.yaml").open("wb") as file:
        file.write(f"{TOPIC}X: ".encode())
        file.truncate(100_000_000)
    done = run(tmp_path, "t.yaml")
    assert done.returncode == 2
    assert re.search(r"has 100\.0 MB, remediator reads up to 5 MB", done.stdout)
