"""The script that makes the secrets which repaired templates read, from the current passwords."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from ..model import Seed
from ..results import RunResult, Status
from .mask import mask

SCRIPT_HEAD = "#!/bin/sh\n# Creates the secrets that repaired templates read"
"""How every such script begins."""

_VARIABLE = re.compile(r"\$\{([^}]*)\}")
_KNOWN = {
    "AWS::StackName": "stack",
    "AWS::Region": "region",
    "AWS::AccountId": "account",
}

# A value travels through `read`, the shell's own printf and a pipe: it never is an argument, a
# variable of the environment or a line of a log.
_FUNCTIONS = r"""
# shellcheck disable=SC2016 # a text of a template is meant as it stands
set -eu
umask 077
echo_on() { if [ -t 0 ]; then stty echo; fi; }
trap echo_on EXIT
trap 'exit 130' HUP INT TERM

# ask WHAT DEFAULT: sets $answer
ask() {
    printf '%s [%s]: ' "$1" "$2" >&2
    answer=
    IFS= read -r answer || true
    answer=${answer:-$2}
}

# is_there NAME: whether the secret exists; ends where that cannot be told
is_there() {
    if deleted=$(aws secretsmanager describe-secret --secret-id "$1" \
        --query DeletedDate --output text 2>&1); then
        case $deleted in
        *None | '') return 0 ;;
        esac
        printf '%s is to be deleted; bring it back with restore-secret first\n' "$1" >&2
        exit 1
    fi
    case $deleted in
    *ResourceNotFoundException*) return 1 ;;
    esac
    printf '%s\n' "$deleted" >&2
    exit 1
}

# create NAME WHAT: asks for a value of one line, without echo
create() {
    if is_there "$1"; then
        printf 'exists already, not changed: %s\n' "$1"
        return
    fi
    if [ -t 0 ]; then stty -echo; fi
    printf 'Current value of %s, for %s: ' "$2" "$1" >&2
    value=
    IFS= read -r value || true
    echo_on
    printf '\n' >&2
    if [ -z "$value" ]; then
        printf 'no value: %s is not made\n' "$1" >&2
        exit 1
    fi
    printf '%s' "$value" | aws secretsmanager create-secret --name "$1" \
        --secret-string file:///dev/stdin --query ARN --output text
    value=
    printf 'made: %s\n' "$1"
}

# create_from_file NAME WHAT: asks for the file that holds a value of several lines
create_from_file() {
    if is_there "$1"; then
        printf 'exists already, not changed: %s\n' "$1"
        return
    fi
    ask "File with the current value of $2, for $1" ''
    if [ ! -s "$answer" ]; then
        printf 'no such file, or empty: %s is not made\n' "$1" >&2
        exit 1
    fi
    aws secretsmanager create-secret --name "$1" \
        --secret-string file:///dev/stdin --query ARN --output text <"$answer"
    printf 'made: %s\n' "$1"
}
"""


def script(result: RunResult) -> str:
    """Return a POSIX shell script that asks for every value a run's templates read by name.

    It takes the name of a stack for every template that has such secrets, in the order of the
    run; `-` passes one over. It holds no secret.
    """
    seeds = {path: found for path, found in _by_template(result).items() if found}
    lines = [SCRIPT_HEAD + ": run it before they are deployed."]
    lines += [f"#   {number}. {json.dumps(path)}" for number, path in enumerate(seeds, 1)]
    lines.append(
        "# Region and profile come from AWS_REGION and AWS_PROFILE, as for the aws command."
    )
    if not seeds:
        return "\n".join([*lines, "", "echo 'there is no secret to make'", ""])
    lines.append(_FUNCTIONS)
    lines.append(f"if [ $# -ne {len(seeds)} ]; then")
    lines.append(
        f"    printf 'usage: %s {usage(result)} (- for one that is not deployed)\\n' \"$0\" >&2"
    )
    lines += [
        f"    printf '%s\\n' {shlex.quote(f'  {number}. {json.dumps(path)}')} >&2"
        for number, path in enumerate(seeds, 1)
    ]
    lines += ["    exit 2", "fi"]
    for number, (path, found) in enumerate(seeds.items(), 1):
        lines += _of_template(number, path, found)
    return "\n".join([*lines, ""])


def usage(result: RunResult) -> str:
    """Return the arguments of the script: a stack for each template; empty where it has none."""
    number = sum(bool(found) for found in _by_template(result).values())
    return " ".join(f"STACK-OF-{each}" for each in range(1, number + 1))


def _by_template(result: RunResult) -> Mapping[str, tuple[Seed, ...]]:
    done = (Status.FIXED, Status.WOULD_FIX)
    return {
        file.path: tuple(
            _masked(seed, file.masked)
            for outcome in file.outcomes
            if outcome.status in done and outcome.finding.fix is not None
            for seed in outcome.finding.fix.seeds
            if mask(seed.name, file.masked) == seed.name
        )
        for file in result.files
    }


def _masked(seed: Seed, secrets: Sequence[str]) -> Seed:
    """Return a seed without secrets: a default that holds one is not offered."""
    defaults = tuple((n, "" if mask(d, secrets) != d else d) for n, d in seed.defaults)
    return replace(seed, label=mask(seed.label, secrets), defaults=defaults)


def _of_template(number: int, path: str, seeds: tuple[Seed, ...]) -> Iterator[str]:
    yield ""
    yield f"# {json.dumps(path)}"
    yield f"stack=${{{number}}}"
    yield "if [ \"$stack\" != '-' ]; then"
    variables = {name for seed in seeds for name in _VARIABLE.findall(seed.name)}
    if "AWS::Region" in variables:
        yield "    region=${AWS_REGION:-${AWS_DEFAULT_REGION:-$(aws configure get region)}}"
    if "AWS::AccountId" in variables:
        yield "    account=$(aws sts get-caller-identity --query Account --output text)"
    defaults = {name: default for seed in seeds for name, default in seed.defaults}
    for name, default in defaults.items():
        yield f"    ask {shlex.quote('Parameter ' + name)} {shlex.quote(default)}"
        yield f"    p_{name}=$answer"
    for seed in seeds:
        command = "create_from_file" if seed.is_file else "create"
        yield f"    {command} {_name(seed.name)} {shlex.quote(seed.label)}"
    yield "fi"


def _name(text: str) -> str:
    """Return a text of `Fn::Sub` as a word of the shell; what it holds has been looked at."""
    return '"%s"' % _VARIABLE.sub(lambda m: "${%s}" % _KNOWN.get(m[1], "p_" + m[1]), text)
