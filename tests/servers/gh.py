"""Stands for GitHub's command line in tests: keeps pull requests in a file, and what it was told.

It takes the options that gh takes (https://cli.github.com/manual/gh_pr_create), and no others.
`GH_FAKE` names the file; its `fail` are what the next calls say before they end with code 1.
"""

from __future__ import annotations

import fcntl
import json
import os
import sys
from pathlib import Path

KNOWN = {
    "list": {"repo", "head", "state", "limit", "json"},
    "create": {"repo", "head", "base", "title", "body-file", "label", "reviewer", "draft"},
}
file = Path(os.environ["GH_FAKE"])
# One that outlives a driver that was killed may still be at work beside the next one's.
own = file.with_suffix(".lock").open("w")
fcntl.flock(own, fcntl.LOCK_EX)
kept = json.loads(file.read_text()) if file.exists() else {"pulls": [], "fail": [], "calls": []}
words = sys.argv[1:]
kept["calls"].append(words)
options = {}
for word in words[2:]:
    name, _, value = word.removeprefix("--").partition("=")
    options[name] = value
fails = kept["fail"].pop(0) if kept["fail"] and words[:2] == kept["fail"][0][0] else None
if words == ["api", "rate_limit"]:
    print(json.dumps({"resources": kept["limits"]}))
elif fails is not None:
    print(fails[1], file=sys.stderr)
elif words[0] != "pr" or set(options) - KNOWN[words[1]]:
    fails = words
    print(f"unknown command or option: {words}", file=sys.stderr)
elif words[1] == "list":
    assert options["state"] == "all"
    assert ":" not in options["head"]
    there = f"https://{options['repo']}/pull/"
    pulls = [each for each in kept["pulls"] if each["url"].startswith(there)]
    found = [each for each in pulls if each["headRefName"] == options["head"]]
    fields = options["json"].split(",")
    print(json.dumps([{name: each[name] for name in fields} for each in reversed(found)]))
else:
    owner, _, branch = options["head"].rpartition(":")
    number = len(kept["pulls"]) + 1
    pull = {
        "url": f"https://{options['repo']}/pull/{number}",
        "state": "OPEN",
        "headRefOid": "?",
        "headRefName": branch,
        "headRepositoryOwner": {"login": owner or options["repo"].split("/")[1]},
        "baseRefName": options["base"],
        "title": options["title"],
        "body": sys.stdin.read(),
        "draft": "draft" in options,
    }
    kept["pulls"].append(pull)
    print(f"Creating pull request for {branch}\n\n{pull['url']}")
new = file.with_suffix(".new")
new.write_text(json.dumps(kept))
new.replace(file)
sys.exit(fails is not None)
