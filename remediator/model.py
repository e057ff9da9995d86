"""The values that pass between the parts of remediator. All frozen; nothing here does work.

Which form a value has, here and elsewhere, is a matter of the start: every class is made anew by
each command. Python 3.11 makes one of five fields in 0.17 ms as a NamedTuple, in 0.6 as a frozen
data class with slots, in 0.2 as a data class with `eq=False, repr=False`. So

- a value is a NamedTuple,
- but a frozen data class where it is part of a result, through whose fields reports walk, where it
  examines itself when it is made, or where an untold field keeps what was found out;
- what works with others rather than is a value is a data class without comparison.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple, TypeAlias

from .operations import Add as Add
from .operations import Operation as Operation
from .operations import Path as Path
from .operations import Remove as Remove
from .operations import Replace as Replace
from .operations import Value as Value
from .operations import json_patch as json_patch
from .operations import pointer as pointer
from .operations import value_at as value_at

Span: TypeAlias = tuple[int, int]
"""Characters of a text, from and to."""

CALLERS = "callers"
"""The transform that carries out what the others begin: no choice of transforms leaves it out."""

OLD_PASSWORD = "The old password stays in the history of git: use it nowhere else"
"""What a person has to know of a password that was written out in a file."""

_WORDS = (
    "admin administrator allow allowed aurora because cluster consequence database dbadmin default "
    "deploy deploys deployment description endpoint engine export exports external false file "
    "files finding findings generated input instance json key left literal live mariadb master "
    "masteruser mysql name needs none null nothing oracle oracledb parameter parameters passwd "
    "passwort password passwords pattern postgres postgresql production properties property "
    "rds redshift remove repair repaired replace replaces resource resources root rotate rotates "
    "safe secret secrets server stack string system table template templates test text true type "
    "user username users value values version yaml"
)
_COMMON = frozenset(_WORDS.split())


def is_telling(secret: str) -> bool:
    """Whether a secret is nothing but itself: no short value, nor a word of any template.

    Only then is it hidden wherever its letters stand; else a report would be all asterisks.
    """
    return len(secret.strip()) >= 4 and secret.strip().lower() not in _COMMON


def repair_id(file: str, transform: str, path: Path) -> str:
    """Return the stable id of a repair: ten hexadecimal digits.

    It stays the same as long as the file, the transform and the entry that it speaks of do; `file`
    is the path from the root of the git work tree, so that every clone gives the same.
    """
    from hashlib import sha256  # where something is found: OpenSSL takes long to load

    named = "\0".join((file, transform, pointer(path)))
    return sha256(named.encode("utf-8", "surrogateescape")).hexdigest()[:10]


class Consequence(StrEnum):
    """What a repair does to a stack that is already deployed, at its next deployment."""

    SAFE = "safe"
    """Nothing that runs changes."""
    ROTATES = "rotates"
    """A live credential becomes the generated one."""
    EXTERNAL = "external"
    """A server, mostly outside the stack, must be given the generated password by hand."""
    REPLACES = "replaces"
    """The resource is replaced."""


@dataclass(frozen=True, slots=True)
class Seed:
    """A secret that a repaired template reads and that must exist before its deployment.

    `name` is a text of `Fn::Sub`. `label` says what its value is, in words. `defaults` are the
    parameters in the name with their defaults. `is_file`: the value has several lines, as a
    private key has.
    """

    name: str
    label: str
    defaults: tuple[tuple[str, str], ...] = ()
    is_file: bool = False


@dataclass(frozen=True, slots=True)
class Mention:
    """A line of another file that names a parameter, and gives no template its value."""

    file: str
    line: int


@dataclass(frozen=True, slots=True)
class Fix:
    """A repair: all of its operations or none.

    `because` is required unless the consequence is safe, and says why it has that consequence.
    `follow_ups` are what a person has to do, `seeds` the secrets to be made before, `mentions`
    where else the repository names what goes. Raises ValueError where `because` is missing.
    """

    title: str
    operations: tuple[Operation, ...]
    consequence: Consequence = Consequence.SAFE
    because: str = ""
    follow_ups: tuple[str, ...] = ()
    seeds: tuple[Seed, ...] = ()
    mentions: tuple[Mention, ...] = ()

    def __post_init__(self) -> None:
        if not self.operations:
            raise ValueError("a fix needs operations")
        if self.consequence is not Consequence.SAFE and not self.because:
            raise ValueError(f"a fix that is not safe needs a reason: {self.title}")


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why something is left as it is: a documented code, and a sentence that helps.

    `advice` are lines for a person to paste, each where the line above it says; empty where the
    reason says all. `repair` is the id of a repair in another file that a person does not want, and
    without which this one is not made.
    """

    code: str
    reason: str
    advice: str = ""
    repair: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something a transform found: with a fix, or with the refusal that says why there is none.

    `path` is the entry a person should look at. `masked` are literal secrets that no report may
    show. `follows`: a repair in another file made it necessary, so that it is made with that one,
    whatever else is chosen. Raises ValueError unless exactly one of `fix` and `refusal` is given.
    """

    path: Path
    message: str
    fix: Fix | None = None
    refusal: Refusal | None = None
    masked: tuple[str, ...] = ()
    follows: bool = False

    def __post_init__(self) -> None:
        if (self.fix is None) == (self.refusal is None):
            raise ValueError(f"a finding has a fix or a refusal: {self.message}")


class Credential(NamedTuple):
    """One row of the catalogue: a property that holds a credential, and what it demands.

    `property` is the path below Properties; `*` stands for every list entry, `{}` for every key.
    `generatable` is `yes` (AWS creates the credential from the value), `external` (it belongs to
    something outside the stack) or `no`. `forbidden` are characters it refuses; `allowed`, where
    not None, are the only punctuation characters it takes besides letters and digits.
    `max_length` is by engine: (glob of the Engine property, length), `*` last; so are the further
    characters of `engine_forbidden`, for the engines that refuse more. `requires` names
    character classes that must occur: upper, lower, digit, symbol. `where` are keys beside the
    property, each with globs of which one must match. `server` is the path of what an external
    password logs in to. `by_hand` is what a person must do with the generated value, unless the
    property `by_hand_unless` is true. `managed_property`, where the service can keep the credential
    itself, is the property that says so, `managed_key` the one with the key for it, `managed_arn`
    the attribute with the ARN of the service's secret.
    """

    type: str
    property: tuple[str, ...]
    kind: str
    generatable: str
    where: tuple[tuple[str, tuple[str, ...]], ...] = ()
    user: tuple[str, ...] | None = None
    server: tuple[str, ...] | None = None
    fixed_user: str | None = None
    target_type: str | None = None
    min_length: int = 1
    max_length: tuple[tuple[str, int], ...] = ()
    forbidden: str = ""
    engine_forbidden: tuple[tuple[str, str], ...] = ()
    allowed: str | None = None
    requires: tuple[str, ...] = ()
    replaces: bool = False
    adding_replaces: bool = False
    logs_in_later: bool = False
    by_hand: str = ""
    by_hand_unless: str = ""
    note: str = ""
    managed: str = ""
    managed_property: str = ""
    managed_key: str = ""
    managed_arn: str = ""
    update: str = ""
    source: str = ""


Catalogue: TypeAlias = Mapping[str, tuple[Credential, ...]]
"""Resource type -> its credential properties."""

Required: TypeAlias = Mapping[str, frozenset[str]]
"""Resource type -> the properties that it needs, alone or where others do not stand; a type that
is not known is no key."""


class CreateOnly(NamedTuple):
    """What no update of a resource type changes: another value there replaces the resource.

    `paths` lead below Properties, without the places in lists. `names` are the properties that make
    the physical name: where all are given, the new resource would have the name of the old one.
    """

    paths: frozenset[tuple[str, ...]]
    names: frozenset[str]


CreateOnlyTypes: TypeAlias = Mapping[str, CreateOnly]
"""Resource type -> what no update changes; a type that is not known is no key."""


class Fate(StrEnum):
    """What becomes of a place that gives a parameter its value when the parameter goes."""

    BLOCKS = "blocks"
    """It breaks and cannot be changed along: the parameter stays."""
    EDITED = "edited"
    """The run takes the parameter out of it, in the same step."""
    REPORTED = "reported"
    """A person has to change it, and is told."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Another file of the repository that gives a template's parameter a value, or reads it."""

    file: str
    line: int
    how: str
    """What it is, in words: `nested stack`, `parameter file`, `taskcat configuration` …"""
    breaks: bool = True
    """Whether its next run fails once the parameter is gone; else the value is just ignored."""
    fate: Fate = Fate.BLOCKS
    code: str = ""
    why: str = ""
    """The code and the words of why it blocks, where that is not just that it breaks: `gives it …`,
    to be read behind the place. Without a code, what else there is to do than to remove it."""
    guess: bool = False
    """Whether nothing says that it is this template that it gives the parameter to."""


class Nested(NamedTuple):
    """A nested stack in a template: what its own template takes no more, and takes instead.

    `template` is the file that it is made from. `gone` are parameters that this file loses in the
    same run; `added` are new arguments, each with its value.
    """

    template: str
    gone: frozenset[str] = frozenset()
    added: tuple[tuple[str, Value], ...] = ()


class Secret(NamedTuple):
    """A password in a secret of another template: the parameter that brings its ARN, and the key
    that it is kept under; empty where the secret is the bare password."""

    parameter: str
    key: str


class Family(NamedTuple):
    """What the templates around one, which are repaired in the same step, ask of it.

    `nested` maps logical ids to what changes in their templates. `kept` are parameters that have
    to stay, and why. `secrets` are parameters whose value is the password of a secret in another
    template: its ARN arrives in their place. `shown` are parameters whose generated secret another
    template reads, so that an output has to tell its ARN. `bounds` are what other templates ask of
    the value of a parameter: definitions with `MinLength`, `MaxLength` or `AllowedPattern`.
    """

    nested: Mapping[str, Nested] = MappingProxyType({})
    kept: Mapping[str, Refusal] = MappingProxyType({})
    secrets: Mapping[str, Secret] = MappingProxyType({})
    shown: frozenset[str] = frozenset()
    bounds: Mapping[str, tuple[Mapping[str, Value], ...]] = MappingProxyType({})


class Settings(NamedTuple):
    """What a user decided. The defaults are those of the command line.

    `strategy` is `generated`, `reference` or `managed`; `manual_secrets` is `in-place` or
    `replace`; `secret_kms_key` is `none`, `database`, or a key's ARN or alias. `rotation` is in
    days, 0 for none. `only` and `skip` are ids of repairs: those that are made (all, where empty),
    and those that are not.
    """

    select: frozenset[str] = frozenset()
    ignore: frozenset[str] = frozenset()
    allow: frozenset[Consequence] = frozenset(
        {Consequence.SAFE, Consequence.ROTATES, Consequence.EXTERNAL}
    )
    new: bool = False
    """Nothing is deployed yet: every consequence is allowed and none applies."""
    strategy: str = "generated"
    manual_secrets: str = "in-place"
    secret_kms_key: str = "none"
    secret_name_prefix: str = ""
    secret_output: bool = False
    rotation: int = 0
    only: frozenset[str] = frozenset()
    skip: frozenset[str] = frozenset()
    plugins: tuple[str, ...] = ()


def _no_mentions(_: str) -> tuple[Mention, ...]:
    return ()


def _nothing_required() -> Required:
    return MappingProxyType({})


def _nothing_create_only() -> CreateOnlyTypes:
    return MappingProxyType({})


class Context(NamedTuple):
    """What a transform may know besides the template: catalogue, settings, the rest of the tree.

    `callers` maps a parameter's name to those in the same tree that name it for this template.
    `mentions` returns where else the tree names a parameter; nothing is read before that is asked.
    `imports` are the names that other templates of the tree import, as texts of `Fn::Sub`; they
    are gathered when first asked for, and so is what `required` and `create_only` return. `known`
    are the ids of all transforms there are, whether they run or not. `family` is what changes in
    other templates.
    """

    catalogue: Catalogue
    settings: Settings = Settings()
    callers: Mapping[str, tuple[Caller, ...]] = MappingProxyType({})
    mentions: Callable[[str], tuple[Mention, ...]] = _no_mentions
    imports: Iterable[str] = ()
    required: Callable[[], Required] = _nothing_required
    known: frozenset[str] = frozenset()
    family: Family = Family()
    create_only: Callable[[], CreateOnlyTypes] = _nothing_create_only
