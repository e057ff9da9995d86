"""Repositories to migrate, made by git on this machine, for the tests of a campaign."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from remediator.config import Options
from remediator.migrate.jobs import Job

BRANCH = "remediator/passwords"
PASSWORD = """\
Parameters:
  DBPassword:
    Type: String
    NoEcho: true
Resources:
  Database:
    Type: AWS::RDS::DBInstance
    Properties:
      Engine: mysql
      MasterUsername: dba
      MasterUserPassword: !Ref DBPassword
"""
EXPORT = """\
Resources:
  Topic:
    Type: AWS::SNS::Topic
Outputs:
  Topic:
    Value: !Ref Topic
    Export:
"""
LITERAL = """\
Resources:
  Database:
    Type: AWS::RDS::DBInstance
    Properties:
      Engine: mysql
      MasterUsername: dba
      MasterUserPassword: Ti9erLil1ly
"""
CLEAN = """\
Resources:
  Topic:
    Type: AWS::SNS::Topic
"""


@dataclass(frozen=True)
class Repository:
    """A repository in a folder, to be cloned from there."""

    folder: Path

    def git(self, *arguments: str, given: bytes | None = None) -> str:
        """Return what a command of git prints."""
        who = ("-c", "user.name=Ann Author", "-c", "user.email=ann@example.com")
        done = subprocess.run(
            ["git", *who, *arguments], cwd=self.folder, input=given, capture_output=True
        )
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode("utf-8", "surrogateescape").strip("\n")

    def commit(self, files: Mapping[str, str | bytes], message: str = "Work") -> str:
        """Commit these files on the current branch; returns the commit."""
        for name, content in files.items():
            place = self.folder / name
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content.encode() if isinstance(content, str) else content)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", message)
        return self.git("rev-parse", "HEAD")

    def file(self, commit: str, path: str) -> str:
        """Return a file of a commit."""
        return self.git("show", f"{commit}:{path}")

    def branches(self) -> dict[str, str]:
        """Return the branches with their commits."""
        lines = self.git("for-each-ref", "--format=%(refname) %(objectname)", "refs/heads")
        pairs = (line.split() for line in lines.splitlines())
        return {name.removeprefix("refs/heads/"): commit for name, commit in pairs}

    def job(self, **changes: Any) -> Job:
        """Return the work on this repository."""
        values: dict[str, Any] = {
            "name": "acme/payments",
            "url": str(self.folder),
            "campaign": "passwords-2026",
            "branch": BRANCH,
            "author": "Campaign <campaign@example.com>",
            "date": "2026-01-31T12:00:00+01:00",
            "options": Options(allow=frozenset({"safe", "rotates", "external"})),
            "validate": False,
            "time_limit": 60.0,
        }
        return Job(**values | changes)


def make(folder: Path, files: Mapping[str, str | bytes], *options: str) -> Repository:
    """Return a new repository with one commit of these files, or with none."""
    folder.mkdir(parents=True)
    repository = Repository(folder)
    repository.git("init", "--quiet", "--initial-branch=main", *options)
    repository.git("config", "uploadpack.allowFilter", "true")
    # The tests push into it, and it is not bare.
    repository.git("config", "receive.denyCurrentBranch", "ignore")
    if files:
        repository.commit(files)
    return repository


def script(file: Path, text: str) -> Path:
    """Write a shell script that can be run."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    file.chmod(0o755)
    return file


def alone(home: Path) -> dict[str, str]:
    """Return an environment in which git knows no user, and nothing of this machine."""
    home.mkdir(exist_ok=True)
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("GIT_", "XDG_", "SSH_"))}
    return kept | {"HOME": str(home), "GIT_CONFIG_NOSYSTEM": "1"}
