"""Repairs that reach into other files: a parameter that goes is taken out of all that give it.

Each template is repaired by itself first. Where that takes a parameter away, the templates that
pass it are repaired again without it, and their own parameters may go, and so on up to the root.
Then all are looked at together: an argument that stays after all, or whose value also goes to what
would keep the old password, keeps the parameter where it was, and everything is worked out anew.
So what depends on each other changes together or not at all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath as Place
from typing import TypeAlias

from . import bounds, sharing
from .arguments import Argument, argument_at, arguments
from .errors import RemediatorError
from .family_links import Links, stack_of
from .family_proof import STACKS, prove_family
from .family_settings import Given, edit
from .family_texts import Texts
from .family_values import kept
from .foreseen import argument_of, would_keep
from .model import CALLERS, Family, Nested, Path, Refusal
from .repository import Call, Repository
from .results import FileResult, Outcome, Status, removed
from .template import Template

ROUNDS = 100
"""Each round keeps at least one parameter more; beyond it, a tree is not worked out."""
_DEPTH = 20
"""Levels of nested stacks that are followed; AWS advises against more than a few."""
Work: TypeAlias = Callable[[Mapping[Place, Family]], Mapping[Place, FileResult | None]]
_DONE = (Status.FIXED, Status.WOULD_FIX, Status.REPAIRABLE)


@dataclass(frozen=True)
class Member:
    """A template of the tree that the run may change, and what it became by itself."""

    place: Place
    result: FileResult
    edits: bool
    """Whether its settings let the callers of its parameters be changed along."""
    rotates: bool
    """Whether a repair makes another password of the one that its callers know."""
    skip: frozenset[str] = frozenset()
    """The ids of repairs that a person does not want."""


@dataclass(frozen=True)
class Together:
    """Files that change together or not at all: templates, and settings of deployment tools."""

    templates: Mapping[Place, FileResult]
    settings: Mapping[Place, FileResult]


def work_out(
    tree: Repository,
    members: Mapping[Place, Member],
    work: Work,
    shown: Callable[[Place], str],
    *,
    proven: bool = True,
) -> list[Together]:
    """Return what becomes of the templates of a tree and of the files that give them parameters.

    What stays as `members` have it is not among it. `work` repairs members within their families,
    `shown` is what a result calls a file. Without `proven` the edits of settings are not proven: a
    check writes none. Raises what the work on a member raises.
    """
    plan = _Plan(tree, members, work, shown, proven)
    for _ in range(ROUNDS):
        plan.spread()
        links = plan.links.made
        objections = plan.objections()
        if not objections and plan.links.made == links:
            plan.prove()
            return plan.together()
        plan.keep(objections)
    raise RemediatorError(f"the stacks below {tree.root} depend on each other without end")


@dataclass
class _Plan:
    tree: Repository
    members: Mapping[Place, Member]
    work: Work
    shown: Callable[[Place], str]
    proven: bool
    kept: dict[Place, dict[str, Refusal]] = field(default_factory=dict)
    nested: dict[Place, dict[str, set[str]]] = field(default_factory=dict)
    """Parent -> logical id of a nested stack -> parameters that it takes no more."""
    settings: dict[Place, FileResult] = field(default_factory=dict)
    texts: Texts = field(init=False)
    links: Links = field(init=False)
    _losing: frozenset[Place] = field(init=False)
    """The members that lose a parameter by themselves."""
    _known: dict[tuple[Place, str], FileResult] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.texts = Texts(self.tree, self.tree.parsed)
        self._losing = frozenset(
            place for place, member in self.members.items() if removed(member.result)
        )
        self.links = Links(self.tree, self.texts, frozenset(self.members))

    @property
    def results(self) -> dict[Place, FileResult]:
        """What becomes of the members, as far as it is known."""
        return self.texts.results

    def keep(self, objections: Iterable[tuple[Place, str, Refusal]]) -> None:
        """Let parameters stay where they are, for these reasons."""
        for place, name, refusal in objections:
            self.kept.setdefault(place, {}).setdefault(name, refusal)

    # What becomes of the templates.

    def spread(self) -> None:
        """Repair all templates, with what their nested stacks have lost, until that is settled."""
        self.nested = {}
        self.texts.results = {}
        for _ in range(_DEPTH):
            results = self._repaired()
            settled = results == self.results
            self.texts.results = results
            nested = self._lost()
            if nested == self.nested and (settled or not self.links.made):
                return
            self.nested = nested

    def _repaired(self) -> dict[Place, FileResult]:
        """Return what becomes of each member within its family as it is now."""
        alone = {place: member.result for place, member in self.members.items()}
        concerned = self._concerned()
        asked = {place: self._family(place) for place in alone if place in concerned}
        families = {place: family for place, family in asked.items() if family is not None}
        keys = {place: (place, repr(family)) for place, family in families.items()}
        new = {place: families[place] for place, key in keys.items() if key not in self._known}
        for place, result in self.work(new).items():
            self._known[keys[place]] = result or alone[place]
        return {**alone, **{place: self._known[key] for place, key in keys.items()}}

    def _concerned(self) -> frozenset[Place]:
        """Return the members of which others may ask anything: few of many."""
        linked = {each for link in self.links.made for each in (link.owner, link.reader)}
        return self._losing.union(linked, self.nested, self.kept)

    def _family(self, place: Place) -> Family | None:
        nested = {
            stack: Nested(
                self._made_from(place, stack), frozenset(gone), self.links.added(place, stack)
            )
            for stack, gone in sorted(self.nested.get(place, {}).items())
        }
        kept = self.kept.get(place, {})
        secrets, shown = self.links.secrets(place), self.links.shown(place)
        family = Family(nested, kept, secrets, shown, self._bounds(place))
        return None if family == Family() else family

    def _bounds(self, place: Place) -> dict[str, tuple[bounds.Bound, ...]]:
        """Return what other templates ask of the passwords that a template would generate."""
        if not self.members[place].rotates:
            return {}
        found = {
            name: [*bounds.above(self.tree, self.texts.old, place, name)]
            for name in removed(self.members[place].result)
        }
        for link in self.links.made:
            if link.owner == place and link.parameter in found:
                found[link.parameter].append(bounds.bound(self.texts.old(link.reader), link.other))
        return {name: tuple(filter(None, each)) for name, each in found.items() if any(each)}

    def _made_from(self, parent: Place, stack: str) -> str:
        """Return the name of the template that a nested stack is made from."""
        names = {
            place.name
            for place, _, call in self._passed()
            if call.place == parent and stack_of(call) == stack
        }
        return " or ".join(sorted(names))

    def _passed(self) -> Iterator[tuple[Place, str, Call]]:
        """Yield every place in a template that passes a parameter which goes."""
        for place, result in self.results.items():
            for name in removed(result) if result.outcomes else ():
                for call in self.tree.calls(place, name):
                    if call.site.edit == "template":
                        yield place, name, call

    def _lost(self) -> dict[Place, dict[str, set[str]]]:
        lost: dict[Place, dict[str, set[str]]] = {}
        for _, name, call in self._passed():
            if call.place in self.members and not self._takers(call, name):
                lost.setdefault(call.place, {}).setdefault(stack_of(call), set()).add(name)
        return lost

    def _takers(self, call: Call, name: str) -> list[str]:
        """Return the templates that a stack may be made from and that still take a parameter, or
        may, for they are not in the tree."""
        known = self.tree.targets(call)
        taking = [str(place) for place in sorted(known) if name in self.texts.new(place).parameters]
        return taking + self.tree.unknown(call)

    # What stands in the way.

    def objections(self) -> list[tuple[Place, str, Refusal]]:
        """Return the parameters that have to stay where they are, and why."""
        self.links.give_up()
        found = [
            (place, name, refusal)
            for place, name, call in self._passed()
            if (refusal := self._objection(place, name, call)) is not None
        ]
        if found:
            return found
        given, proven = self._given(), self.proven
        self.settings, found = edit(given, self.results, self.tree, self.shown, proven=proven)
        rotating = [place for place in self.results if self.members[place].rotates]
        edited = ((each.template, each.parameter, each.call) for each in given)
        found += kept(self.results, rotating, edited, self.texts, self.tree)
        return found

    def prove(self) -> None:
        """Raise ProofError where the templates do not fit together as they did."""
        parents = {call.place for _, _, call in self._passed()}
        prove_family(sorted(parents), self.tree.children, self.texts.old, self.texts.new)

    def _given(self) -> list[Given]:
        """Return where files other than templates give parameters which go."""
        return [
            Given(place, name, call, self.members[place].skip)
            for place, result in self.results.items()
            if self.members[place].edits
            for name in removed(result)
            for call in self.tree.calls(place, name)
            if call.site.edit in ("yaml", "toml") and self.tree.is_edited(call)
            if not (call.site.shared and self._takers(call, name))
        ]

    def _objection(self, place: Place, name: str, call: Call) -> Refusal | None:
        where = f"{call.place}:{call.site.line} ({call.site.how})"
        takers = [each for each in self._takers(call, name) if each != str(place)]
        if takers:
            return Refusal(
                "passed-by-caller",
                f"{where} passes {name} to {' and '.join(takers)} too, which goes on taking it as "
                "far as this repository shows: repair that first",
            )
        result = self.results.get(call.place)
        after = self.texts.new(call.place)
        passed = arguments(after, stack_of(call))
        if result is None or any(each.name == name for each in passed):
            return self._refused(where, name, call, result)
        if not self.members[place].rotates:
            return None
        return self._shared(call, after)

    def _refused(self, where: str, name: str, call: Call, result: FileResult | None) -> Refusal:
        """Return why an argument could not be taken out."""
        place, path = call.place, call.site.places[0]
        for outcome in result.outcomes if result is not None else ():
            refusal = outcome.refusal
            if (
                outcome.transform == CALLERS
                and refusal is not None
                and outcome.finding.path == path
            ):
                declined = refusal.repair or (outcome.id if outcome.is_declined else "")
                reason = f"{where} passes it: {refusal.reason}"
                return Refusal(refusal.code, reason, repair=declined)
        why = "it cannot be changed along"
        if result is not None and result.error:
            why = result.error
        elif result is not None and not self.members[place].edits:
            why = "the settings of that template leave `callers` out"
        return Refusal("passed-by-caller", f"{where} passes {name}, and {why}")

    def _shared(self, call: Call, after: Template) -> Refusal | None:
        """Return what would keep the old password, in a parent as it is `after` its repair."""
        before = self.texts.old(call.place)
        own = argument_of(before, call).value
        if sharing.is_imported(before, own):
            return Refusal(
                "shared-password",
                f"{call.place}:{call.site.line} ({call.site.how}) passes what another stack "
                "exports, and whoever imports it, too, would keep the old password; let them read "
                "a secret first",
            )
        for use in sharing.others(before, after, own, self.tree.hides):
            argument = argument_at(after, use)
            idle = argument is not None and self._is_idle(call.place, argument)
            if not idle and not (argument and self.links.join(call, after, argument, use)):
                return self._would_keep(call, after, argument, use)
        return None

    def _would_keep(
        self, call: Call, after: Template, argument: Argument | None, use: Path
    ) -> Refusal:
        """Return that something would keep the old password: the use of it in a parent."""
        before, why = self.texts.old(call.place), "let it read a secret first"
        if argument is not None:
            old = (each for each in arguments(before, argument.resource) if _same(each, argument))
            use = next((each.value for each in old), use)
            broken = self.links.obstacle(call, argument)
            why = f"it cannot read the secret, as {broken}" if broken else why
        try:
            line, _ = before.document.place(use)
        except KeyError:
            line, _ = after.document.place(use)
        place = f"{call.place}:{call.site.line} ({call.site.how})"
        told = would_keep(str(use[1]), call.place, line, why)
        return Refusal("shared-password", f"{place} {told}")

    def _is_idle(self, parent: Place, argument: Argument) -> bool:
        """Tell whether the template that takes an argument does nothing with it."""
        places = self.tree.children(parent, argument.resource)
        return bool(places) and not any(
            sharing.is_used(self.texts.new(place), argument.name) for place in places
        )

    # What belongs together.

    def together(self) -> list[Together]:
        """Return all that differs from what the members became by themselves, in its groups."""
        groups: list[set[Place]] = []

        def join(*places: Place) -> None:
            touched = [group for group in groups if group & set(places)]
            for group in touched:
                groups.remove(group)
            groups.append(set(places).union(*touched))

        for place in self.kept:
            join(place)
        for place, _, call in self._passed():
            join(place, call.place)
        for given in self._given():
            join(given.template, given.call.place)
        return [
            Together(
                {
                    place: replace(self._caused(place), given=self._given_by(group, place))
                    for place in group
                    if place in self.results
                },
                {file: self.settings[file] for file in group if file in self.settings},
            )
            for group in map(sorted, groups)
        ]

    def _given_by(self, group: Iterable[Place], place: Place) -> frozenset[str]:
        """Return the parameters of a template that others of its group pass, as they will be."""
        return frozenset(
            argument.name
            for parent in group
            if parent in self.results
            for stack in self.texts.new(parent).of_type(*STACKS)
            if place in self.tree.children(parent, stack)
            for argument in arguments(self.texts.new(parent), stack)
        )

    def _caused(self, place: Place) -> FileResult:
        """Return the result of a template whose outcomes name the repairs that caused them."""
        causes: dict[Path, list[str]] = {}
        for child, name, call in self._passed():
            if call.place == place:
                cause = removed(self.results[child])[name].id
                causes.setdefault(call.site.places[0], []).append(cause)
        for link in self.links.made:
            if link.reader == place:
                cause = removed(self.results[link.owner])[link.parameter].id
                causes.setdefault(("Parameters", link.other), []).append(cause)
        result = self.results[place]
        outcomes = tuple(
            replace(outcome, causes=tuple(dict.fromkeys(_ids(outcome, causes))))
            if outcome.transform == CALLERS or outcome.finding.follows
            else outcome
            for outcome in result.outcomes
        )
        return replace(result, outcomes=outcomes)


def _ids(outcome: Outcome, causes: Mapping[Path, list[str]]) -> Iterator[str]:
    fix = outcome.finding.fix
    for operation in fix.operations if fix is not None else ():
        yield from causes.get(operation.path, ())


def _same(one: Argument, other: Argument) -> bool:
    return (one.resource, one.name) == (other.resource, other.name)
