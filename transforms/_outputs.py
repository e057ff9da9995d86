"""The option `secret-output`: an output tells the ARN of a new secret."""

from __future__ import annotations

from remediator.model import Add, Context, Value

from ._plan import Draft


def add_outputs(draft: Draft, context: Context, secrets: list[str], *, asked: bool = False) -> None:
    """Add an output for every one of these secrets that the draft adds, where the settings or
    another template ask for it."""
    if not (asked or context.settings.secret_output):
        return
    outputs: dict[str, Value] = {}
    for secret in secrets:
        addition = _addition(draft, secret)
        if addition is not None:
            outputs[_unique(draft, f"{secret}Arn", outputs)] = _output(secret, addition)
    section = draft.template.data.get("Outputs")
    if isinstance(section, dict) and section:
        draft.operations += [Add(("Outputs", name), value) for name, value in outputs.items()]
    elif "Outputs" in draft.template.data:
        draft.follow_ups.append("The Outputs section is empty, so no output tells the secret's ARN")
    elif outputs:
        draft.operations.append(Add(("Outputs",), outputs))


def _addition(draft: Draft, secret: str) -> dict[str, Value] | None:
    for each in draft.operations:
        if isinstance(each, Add) and each.path == ("Resources", secret):
            return each.value if isinstance(each.value, dict) else None
    return None


def _output(secret: str, resource: dict[str, Value]) -> Value:
    condition = resource.get("Condition")
    return {
        **({"Condition": condition} if condition else {}),
        "Description": f"ARN of the secret {secret}",
        "Value": {"Ref": secret},
    }


def _unique(draft: Draft, wanted: str, others: dict[str, Value]) -> str:
    taken = {*draft.template.outputs, *others}
    numbered = (f"{wanted}{number}" for number in range(2, 1000))
    return next(name for name in (wanted, *numbered) if name not in taken)
