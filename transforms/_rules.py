"""What becomes of the `Rules` that speak of a parameter which goes."""

from __future__ import annotations

from remediator.model import Operation, Path, Remove, Value
from remediator.template import Kind, Template, references


def twins_of(template: Template, parameter: str) -> tuple[str, ...]:
    """Return the NoEcho parameters that only confirm the given one, in assertions beside it."""
    found = []
    for name in template.parameters:
        places = [r.path for r in template.references_to(name) if r.kind is not Kind.NAME]
        if (
            name != parameter
            and places
            and str(template.parameter(name).get("NoEcho")).lower() == "true"
            and all(
                path[0] == "Rules" and _named(template, path[:4]) == {parameter, name}
                for path in places
            )
        ):
            found.append(name)
    return tuple(found)


def _named(template: Template, path: Path) -> set[str]:
    """Return the parameters that are named below a path."""
    return {reference.target for reference in template.references_below(path)}


def rule_edits(template: Template, parameter: str) -> tuple[Operation, ...] | None:
    """Return what removes a parameter from the rules; None where a rule ties it to others.

    An assertion on its shape alone goes, and so does such a part of an `Fn::And`. A rule that
    asserts nothing any more goes as a whole.
    """
    if "Rules" not in template.data:
        return ()
    if not isinstance(template.data["Rules"], dict):
        return None
    if any(r.path[0] == "Rules" and len(r.path) < 3 for r in template.references_to(parameter)):
        return None
    own = {parameter, *twins_of(template, parameter)}
    rules = dict.fromkeys(
        str(r.path[1]) for r in template.references_to(parameter) if r.path[0] == "Rules"
    )
    edits: list[Operation] = []
    for rule in rules:
        found = _edits(template, ("Rules", rule), own)
        if found is None:
            return None
        edits += found
    return tuple(edits)


def _edits(template: Template, path: Path, own: set[str]) -> list[Operation] | None:
    rule = template.data.get("Rules")
    body = rule.get(str(path[1])) if isinstance(rule, dict) else None
    assertions = body.get("Assertions") if isinstance(body, dict) else None
    if not isinstance(assertions, list):
        return [Remove(path)] if _named(template, path) <= own else None
    places = [(*path, "Assertions", index) for index in range(len(assertions))]
    # One that names no parameter may ask for all of a type: Fn::ValueOfAll, Fn::RefAll.
    gone = all((named := _named(template, place)) and named <= own for place in places)
    if _named(template, (*path, "RuleCondition")) & own:
        return [Remove(path)] if gone and _named(template, path) <= own else None
    if gone:
        return [Remove(path)]  # a rule needs an assertion
    edits: list[Operation] = []
    for place, assertion in zip(places, assertions, strict=True):
        named = _named(template, place)
        if not named & own:
            continue
        if named <= own:
            edits.append(Remove(place))
            continue
        part = _without(assertion, place, own)
        if part is None:
            return None
        edits += part
    return edits


def _without(assertion: Value, place: Path, own: set[str]) -> list[Operation] | None:
    """Return what takes the parts on a parameter out of the `Fn::And` of an assertion."""
    test = assertion.get("Assert") if isinstance(assertion, dict) else None
    parts = test.get("Fn::And") if isinstance(test, dict) else None
    if not isinstance(parts, list):
        return None
    named = [{r.target for r in references({"": part})} for part in parts]
    if any(names & own and not names <= own for names in named):
        return None
    kept = [part for part, names in zip(parts, named, strict=True) if not names & own]
    if len(kept) < 2:
        return None  # Fn::And takes two at the least, and what is left of it is the author's to say
    gone = [index for index, names in enumerate(named) if names & own]
    return [Remove((*place, "Assert", "Fn::And", index)) for index in gone]
