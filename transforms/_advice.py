"""What a person pastes where a password stays: lines that read its secret, what allows them to."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from itertools import takewhile

from remediator.conditions import literal
from remediator.model import Path, Value, value_at
from remediator.template import Kind, Reference, Template, references, section_of, walk

from ._secrets import SECRET, flattened

_LAUNCHED_BY = ("AWS::EC2::LaunchTemplate", "AWS::AutoScaling::LaunchConfiguration")


def secret_and_key(template: Template, parameter: str) -> tuple[str, str]:
    """Return the secret that holds the password of a parameter, or will, and the key in it."""
    for reference in template.references_to(parameter):
        path = reference.path
        if path[2:4] == ("Properties", "SecretString") and template.type_of(str(path[1])) == SECRET:
            text = flattened(value_at(template.document.data, path[:4]))
            key = re.search(r'"(\w+)"\s*:\s*"?\$\{%s\}' % re.escape(parameter), text)
            return str(path[1]), key[1] if key else "password"
    wanted = f"{parameter}Secret"
    taken = {*template.resources, *template.parameters, *template.conditions.expressions}
    numbered = (f"{wanted}{number}" for number in range(2, 1000))
    return next(name for name in (wanted, *numbered) if name not in taken), "password"


def joined(template: Template, parameter: str, pieces: Iterable[str]) -> str:
    """Return pieces of advice as one, with what comes after them; nothing for none."""
    found = list(dict.fromkeys(filter(None, pieces)))
    if not found:
        return ""
    secret, _ = secret_and_key(template, parameter)
    adds = "" if secret in template.resources else f" It adds {secret} once nothing is in the way."
    return "\n\n".join((*found, f"Then run remediator again.{adds}"))


_TRACES = re.compile(r"set -\w*x|/(?:ba)?sh -\w*x")


def at_boot(template: Template, reference: Reference, where: str) -> str:
    """Return how an instance reads the password when it starts, in place of a reference.

    Secrets Manager generates no `"` and no `\\`, so that `sed` finds the password's end: neither
    jq nor Python need be on the machine. Source: the command line's reference of
    `secretsmanager get-secret-value`, the PowerShell tools' of `Get-SECSecretValue`.
    """
    name, resource = reference.target, str(reference.path[1])
    secret, key = secret_and_key(template, name)
    text = json.dumps(value_at(template.document.data, reference.path[:4])).lower()
    if "powershell" in text:
        line = (
            f"$Secret = Get-SECSecretValue -SecretId '${{{secret}}}' -Region '${{AWS::Region}}'\n"
            f"${name} = ($Secret.SecretString | ConvertFrom-Json).{key}"
        )
    else:
        line = (
            f"{name}=$(aws secretsmanager get-secret-value --region ${{AWS::Region}} \\\n"
            f"  --secret-id ${{{secret}}} --query SecretString --output text |\n"
            f"""  sed -n 's/.*"{key}": *"\\([^"]*\\)".*/\\1/p')"""
        )
        if _TRACES.search(text):  # the log of the start would show the password
            line = f"set +x\n{line}\nset -x"
    inside = reference.kind is Kind.SUB or "Fn::Sub" in reference.path
    instead = "${!%s}" % name if inside else "${%s}" % name
    return "\n".join(
        (
            where,
            _indented(_script(template, line, inside=inside)),
            f"then {instead} in place of the parameter, within double quotes.",
            *_allowed(template, secret, _role_of_instance(template, resource)),
        )
    )


def _script(template: Template, line: str, *, inside: bool) -> str:
    """Return lines of a script as they stand in an `Fn::Sub`, or as a part of an `Fn::Join`."""
    if template.document.is_json:
        joined = line.replace(" \\\n  ", " ").replace("|\n  ", "| ") + "\n"
        return json.dumps(joined)[1:-1] if inside else json.dumps({"Fn::Sub": joined}) + ","
    return line if inside else "- !Sub |\n" + _indented(line, "  ")


def for_custom_resource(template: Template, reference: Reference) -> str:
    """Return how the function of a custom resource reads the password."""
    resource = str(reference.path[1])
    function = _first(template, ("Resources", resource, "Properties", "ServiceToken"), "Lambda")
    arn = 'event["ResourceProperties"]["SecretArn"]'
    return _passed(
        template,
        reference,
        (f"In the properties of {resource}, in place of the password:", "SecretArn"),
        ("In its function (Python):", arn),
        _role_of_function(template, function),
    )


def for_function(template: Template, reference: Reference) -> str:
    """Return how a function with inline code reads the password."""
    resource = str(reference.path[1])
    return _passed(
        template,
        reference,
        (f"In the environment variables of {resource}:", "SECRET_ARN"),
        ("In its code (Python):", 'os.environ["SECRET_ARN"]'),
        _role_of_function(template, resource),
    )


def _passed(
    template: Template,
    reference: Reference,
    given: tuple[str, str],
    read: tuple[str, str],
    role: str,
) -> str:
    """Return how code is given the secret's ARN under a name, how it reads it, and its role."""
    secret, key = secret_and_key(template, reference.target)
    (where, name), (there, arn) = given, read
    return "\n".join(
        (
            where,
            _indented(_written(template, {name: {"Ref": secret}})),
            there,
            _indented(_python(arn, key)),
            *_allowed(template, secret, role),
        )
    )


def _python(arn: str, key: str) -> str:
    return (
        f'secret = boto3.client("secretsmanager").get_secret_value(SecretId={arn})\n'
        f'password = json.loads(secret["SecretString"])["{key}"]'
    )


def for_output(template: Template, reference: Reference) -> str:
    """Return what an output shows in place of a password."""
    secret, _ = secret_and_key(template, reference.target)
    output = str(reference.path[1])
    value: dict[str, Value] = {"Value": {"Ref": secret}}
    where = f"In the output {output}, the ARN, with which its readers get the password:"
    definition = template.outputs.get(output)
    if isinstance(definition, dict) and "Export" in definition:
        # An export that is in use may not change (AWS: importing stack outputs).
        where = (
            f"In an output of its own, the ARN, with which its readers get the password; {output} "
            "is exported, and goes once no other stack imports it:"
        )
    return "\n".join((where, _indented(_written(template, value))))


def for_nested(template: Template, reference: Reference) -> str:
    """Return what a nested stack is passed in place of a password, and how it reads it."""
    secret, key = secret_and_key(template, reference.target)
    name = next((str(step) for step in reference.path[4:5]), "Password") + "SecretArn"
    read: Value = {"Fn::Sub": "{{resolve:secretsmanager:${%s}:SecretString:%s}}" % (name, key)}
    return "\n".join(
        (
            f"In the parameters of {reference.path[1]}, in place of the password:",
            _indented(_written(template, {name: {"Ref": secret}})),
            f"In its template, {name} as a parameter, and where the password is needed:",
            _indented(_inline(template, read)),
        )
    )


def for_condition(template: Template, reference: Reference) -> str:
    """Return a switch for a condition that asks whether a password is empty; else nothing."""
    condition, name = str(reference.path[1]), f"Use{reference.target}"
    empty: Value = {"Fn::Equals": [{"Ref": reference.target}, ""]}
    expression = section_of(template.document.data, "Conditions").get(condition)
    if expression not in (empty, {"Fn::Not": [empty]}) or name in template.parameters:
        return ""
    holds = "false" if expression == empty else "true"
    switch: dict[str, Value] = {name: {"Type": "String", "AllowedValues": ["true", "false"]}}
    asks: dict[str, Value] = {condition: {"Fn::Equals": [{"Ref": name}, holds]}}
    return "\n".join(
        (
            "Under Parameters, a switch; give it the default that your stacks use:",
            _indented(_written(template, switch)),
            "Under Conditions:",
            _indented(_written(template, asks)),
        )
    )


def copies(places: Iterable[Path], secret: str) -> list[str]:
    """Return what is to be known of the properties that take a copy of a secret in clear.

    CloudFormation reads a reference anew only when the resource that holds it is updated.
    """
    labels = list(dict.fromkeys(map(_label, places)))
    if not labels:
        return []
    named = ", ".join(labels[:3]) + (f" and {len(labels) - 3} more" if len(labels) > 3 else "")
    verbs = ("holds", "gets", "it is") if len(labels) == 1 else ("hold", "get", "they are")
    return [
        "{} {} the password in clear, as before, and {} a new one only when {} updated: before "
        "it is ever rotated, let what needs it read {} instead".format(named, *verbs, secret)
    ]


def _label(path: Path) -> str:
    """Return a place as a person names it: `Worker.Environment.Variables.PGPASSWORD`."""
    steps = (path[1], *path[3:]) if path[0] == "Resources" else path
    return ".".join(takewhile(lambda step: not step.startswith("Fn::"), map(str, steps)))


def _allowed(template: Template, secret: str, role: str) -> list[str]:
    statement: dict[str, Value] = {
        "Effect": "Allow",
        "Action": "secretsmanager:GetSecretValue",
        "Resource": {"Ref": secret},
    }
    if template.document.is_json:
        written = json.dumps(statement)
    else:
        first, *rest = _written(template, statement).splitlines()
        written = "\n".join((f"- {first}", *(f"  {line}" for line in rest)))
    return [f"{role} this statement:", _indented(written)]


def _role_of_instance(template: Template, resource: str) -> str:
    """Return whom to give a permission of an instance, in words."""
    holders = [resource]
    holders += [n for n in template.dependencies[resource] if template.type_of(n) in _LAUNCHED_BY]
    for holder in holders:
        for path, value in walk(dict(template.properties(holder))):
            if path[-1:] != ("IamInstanceProfile",):
                continue
            profile = next((reference.target for reference in references({"": value})), "")
            if template.type_of(profile) != "AWS::IAM::InstanceProfile":
                return "Give the role of its instance profile"
            role = _first(template, ("Resources", profile, "Properties", "Roles"), "IAM")
            if role is None:
                return f"Give the role of the instance profile {profile}"
            return f"Give the role {role}, through {profile},"
    return f"{resource} has no instance profile; give it one whose role has"


def _role_of_function(template: Template, function: str | None) -> str:
    """Return whom to give a permission of a function, in words."""
    if function is None:
        return "Give the role of that function"
    role = _first(template, ("Resources", function, "Properties", "Role"), "IAM")
    if role is not None:
        return f"Give the role {role} of {function}"
    if template.type_of(function) == "AWS::Serverless::Function":
        return f"Give {function}, in a Statement under its Policies,"
    return f"Give the role of {function}"


def _first(template: Template, path: Path, service: str) -> str | None:
    """Return the first resource of a service that is referred to at or below a path."""
    kinds = (f"AWS::{service}::", "AWS::Serverless::Function" if service == "Lambda" else "-")
    return next(
        (
            reference.target
            for reference in template.references
            if reference.path[: len(path)] == path
            and template.type_of(reference.target).startswith(kinds)
        ),
        None,
    )


def _written(template: Template, value: Mapping[str, Value]) -> str:
    """Return the entries of a mapping as they stand in the template, without the braces."""
    if template.document.is_json:
        return ",\n".join(f"{json.dumps(key)}: {json.dumps(v)}" for key, v in value.items())
    lines = []
    for key, inner in value.items():
        if isinstance(inner, dict) and len(inner) > 1:
            lines += [f"{key}:", _indented(_written(template, inner), "  ")]
        else:
            lines.append(f"{key}: {_inline(template, inner)}")
    return "\n".join(lines)


def _inline(template: Template, value: Value) -> str:
    """Return a value on one line."""
    if template.document.is_json:
        return json.dumps(value)
    if isinstance(value, dict):
        [(function, argument)] = value.items()
        return f"!{function.removeprefix('Fn::')} {_inline(template, argument)}"
    if isinstance(value, list):
        return f"[{', '.join(_inline(template, item) for item in value)}]"
    text = literal(value) or ""
    return text if re.fullmatch(r"(?!true|false)[\w:.-]+", text) else f"'{text}'"


def _indented(text: str, margin: str = "    ") -> str:
    return "\n".join(margin + line for line in text.splitlines())
