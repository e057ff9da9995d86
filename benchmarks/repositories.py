"""Makes synthetic repositories with a history, to try a campaign on and to measure it.

    python benchmarks/repositories.py FOLDER NUMBER [--seed S] [--history N]

`FOLDER/<group>/<name>.git` are bare repositories, `FOLDER/list.txt` names them by file:// URLs, one
a line. The same seed makes the same commits. Of ten, about one is clean and one holds other things
than templates; every thirtieth has no commit. The others hold exports without names, passwords as
parameters or written out, hand-made secrets, nested stacks that pass a password, parameter files
that give one, and templates and folders that have nothing to do with any of it.

    git daemon --export-all --base-path=FOLDER FOLDER

serves them, too: as git://localhost/<group>/<name>.git, which git speaks in a campaign only where
`git config --global protocol.git.allow always` says so.
"""

from __future__ import annotations

import argparse
import random
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

GROUPS = ("billing", "identity", "logistics", "platform", "search")
WORDS = ("orders", "invoices", "users", "ledger", "routes", "events", "media", "audit", "stock")
START = 1_750_000_000
EMPTY = 30
"""One repository of so many has no commit."""

DATABASE = """\
  {name}:
    Type: AWS::RDS::DBInstance
    Properties:
      Engine: {engine}
      DBInstanceClass: db.t3.medium
      AllocatedStorage: '{size}'
      # Managed by the {word} team
      MasterUsername: {user}
      MasterUserPassword: {password}
"""
SECRET = """\
  {name}Secret:
    Type: AWS::SecretsManager::Secret
    Properties:
      SecretString: !Sub '{{"username": "{user}", "password": "${{{parameter}}}"}}'
"""
PARAMETER = """\
  {name}:
    Type: String
    NoEcho: true
    MinLength: 12
    Description: Master password of {word}
"""
QUEUE = """\
  {name}Queue:
    Type: AWS::SQS::Queue
    Properties:
      VisibilityTimeout: {size}
      Tags:
        - Key: team
          Value: {word}
"""
OUTPUT = """\
  {name}Arn:
    Description: What others subscribe to
    Value: !GetAtt {name}Queue.Arn
"""


def main() -> None:
    parser = argparse.ArgumentParser(description="Makes synthetic repositories.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("number", type=int)
    parser.add_argument("--seed", default="1")
    parser.add_argument("--history", type=int, default=5, help="commits of each")
    arguments = parser.parse_args()
    folder = arguments.folder.resolve()
    places = []
    for number in range(arguments.number):
        chance = random.Random(f"{arguments.seed}/{number}")
        place = folder / GROUPS[number % len(GROUPS)] / f"{chance.choice(WORDS)}-{number:04}.git"
        make(place, number, chance, arguments.history)
        places.append(place)
    (folder / "list.txt").write_text("".join(f"{place.as_uri()}\n" for place in places))
    print(f"{len(places)} repositories in {folder}")


def make(place: Path, number: int, chance: random.Random, history: int) -> None:
    """Make one repository, unless it is there."""
    if (place / "HEAD").exists():
        return
    place.mkdir(parents=True)
    run(place, "init", "--quiet", "--bare", "--initial-branch=main", "--template=", ".")
    run(place, "config", "uploadpack.allowFilter", "true")
    if number % EMPTY != EMPTY - 1:
        files = dict(content(number, chance))
        run(place, "fast-import", "--quiet", given="".join(commits(files, chance, history)))


def run(place: Path, *arguments: str, given: str = "") -> None:
    subprocess.run(["git", *arguments], cwd=place, input=given.encode(), check=True)


def commits(files: Mapping[str, str], chance: random.Random, history: int) -> Iterator[str]:
    """Yield the orders for a history that ends with these files: each commit adds to them."""
    names = sorted(files)
    for commit in range(history):
        message = f"Change {commit}: {chance.choice(WORDS)}"
        when = START + commit * 86_400
        yield f"commit refs/heads/main\ncommitter Dev <dev@example.com> {when} +0000\n"
        yield f"data {len(message)}\n{message}\n"
        last = commit == history - 1
        for name in names if last else chance.sample(names, max(1, len(names) // 2)):
            text = files[name]
            shown = text if last else text + f"# as of change {commit}\n"
            yield f"M 644 inline {name}\ndata {len(shown.encode())}\n{shown}\n"


def content(number: int, chance: random.Random) -> Iterator[tuple[str, str]]:
    """Yield the files of a repository."""
    yield "README.md", f"# {chance.choice(WORDS)}\n"
    for name in chance.sample(WORDS, 4):
        yield f"src/{name}.py", f"NAME = '{name}'\n" * chance.randrange(1, 80)
    if number % 10 == 8:
        yield "config/settings.json", '{"size": 1}\n'
        return
    for stack in range(chance.randrange(1, 6)):
        kind = "clean" if number % 10 == 9 else chance.choice(KINDS)
        name = f"{chance.choice(WORDS)}-{stack}"
        yield from stack_of(kind, name, chance)


KINDS = ("clean", "export", "parameter", "parameter", "literal", "hand-made", "nested", "passed")


def stack_of(kind: str, name: str, chance: random.Random) -> Iterator[tuple[str, str]]:
    """Yield the files of one stack."""
    word = chance.choice(WORDS)
    values = {
        "name": name.title().replace("-", ""),
        "word": word,
        "user": f"{word}admin",
        "engine": chance.choice(("mysql", "postgres", "mariadb")),
        "size": str(chance.randrange(20, 200)),
        "parameter": "DBPassword",
    }
    parameters = resources = ""
    if kind in ("parameter", "nested", "passed", "hand-made"):
        parameters += PARAMETER.format(**values | {"name": "DBPassword"})
        resources += DATABASE.format(**values, password="!Ref DBPassword")
    if kind == "hand-made":
        resources += SECRET.format(**values)
    if kind == "literal":
        resources += DATABASE.format(**values, password=f"Pw{chance.randrange(10**9):09}x")
    queues = [f"{values['name']}{letter}" for letter in "ABCDEFGH"[: chance.randrange(1, 9)]]
    resources += "".join(QUEUE.format(**values | {"name": each}) for each in queues)
    outputs = "".join(OUTPUT.format(name=each) for each in queues)
    if kind == "export":
        outputs += "    Export:\n"
    head = f"AWSTemplateFormatVersion: '2010-09-09'\nDescription: The stack {name}\n\n"
    parameters = f"Parameters:\n{parameters}\n" if parameters else ""
    text = f"{head}{parameters}Resources:\n{resources}\nOutputs:\n{outputs}"
    yield f"stacks/{name}.yaml", text
    if kind == "nested":
        yield f"stacks/{name}-parent.yaml", parent_of(name, values["name"])
    if kind == "passed":
        parameters = '[{"ParameterKey": "DBPassword", "ParameterValue": "from-the-pipeline"}]\n'
        yield f"stacks/{name}-params.json", parameters


def parent_of(name: str, logical: str) -> str:
    return f"""\
Parameters:
{PARAMETER.format(name="DBPassword", word=name)}
Resources:
  {logical}:
    Type: AWS::CloudFormation::Stack
    Properties:
      TemplateURL: ./{name}.yaml
      Parameters:
        DBPassword: !Ref DBPassword
"""


if __name__ == "__main__":
    main()
