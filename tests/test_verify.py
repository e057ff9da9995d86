"""The proof must fail on every kind of wrong text: each test seeds one, beside a right one."""

from __future__ import annotations

import json

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from remediator import readers, verify
from remediator.document import Document
from remediator.errors import EditError, ProofError, TemplateError
from remediator.leaves import Changes, leaves
from remediator.model import Add, Operation, Remove, Replace, Value
from remediator.untouched import first_change
from remediator.verify import prove

OLD = """\
# The head.
Parameters:
  # What the password is for.
  Password:
    Type: String  # secret
    NoEcho: true

  # The engine's version.
  Version: {Type: String, Default: 012, AllowedValues: [012, 'yes', 1:30]}  # kept
Conditions:
  Big: !Equals [!Ref Version, yes]
Resources:
  # ---- storage ----

  Bucket:
    Type: AWS::S3::Bucket
    Properties:
      BucketName: !Sub '${Version}-logs' # a name
      Tags:
        - Key: on
          Value: "quoted"
        # about the second
        - Key: empty
          Value:
  Database:
    Type: AWS::RDS::DBInstance
    DependsOn: Bucket
    Properties:
      MasterUsername: |  # literal
        admin # no comment
      MasterUserPassword: !Ref Password

# The tail.
"""
REFERENCE = "{{resolve:secretsmanager:${Secret}:SecretString:password}}"
SECRET: Value = {
    "Type": "AWS::SecretsManager::Secret",
    "Properties": {"GenerateSecretString": {"PasswordLength": 32, "ExcludePunctuation": True}},
}
PLAN: tuple[Operation, ...] = (
    Remove(("Parameters", "Password")),
    Add(("Resources", "Secret"), SECRET, before="Database"),
    Replace(("Resources", "Database", "Properties", "MasterUserPassword"), {"Fn::Sub": REFERENCE}),
)
NEW = """\
# The head.
Parameters:
  # The engine's version.
  Version: {Type: String, Default: 012, AllowedValues: [012, 'yes', 1:30]}  # kept
Conditions:
  Big: !Equals [!Ref Version, yes]
Resources:
  # ---- storage ----

  Bucket:
    Type: AWS::S3::Bucket
    Properties:
      BucketName: !Sub '${Version}-logs' # a name
      Tags:
        - Key: on
          Value: "quoted"
        # about the second
        - Key: empty
          Value:
  Secret:
    Type: AWS::SecretsManager::Secret
    Properties:
      GenerateSecretString:
        PasswordLength: 32
        ExcludePunctuation: true
  Database:
    Type: AWS::RDS::DBInstance
    DependsOn: Bucket
    Properties:
      MasterUsername: |  # literal
        admin # no comment
      MasterUserPassword: !Sub '{{resolve:secretsmanager:${Secret}:SecretString:password}}'

# The tail.
"""


def proof_of(new: str, old: str = OLD, plan: tuple[Operation, ...] = PLAN) -> verify.Proof:
    document = Document.parse(old)
    return prove(document, document.with_text(new), plan)


def test_right_text_is_proven_and_worded_without_values() -> None:
    assert set(proof_of(NEW).differences) == {
        "Parameters.Password removed",
        "Resources.Secret added (AWS::SecretsManager::Secret)",
        "Resources.Database.Properties.MasterUserPassword changed",
    }


WRONG = {
    "a value": ("AWS::S3::Bucket", "AWS::S3::Bucke"),
    "a value of the plan": ("PasswordLength: 32", "PasswordLength: 33"),
    "the type of a value of the plan": ("PasswordLength: 32", "PasswordLength: '32'"),
    "a boolean of the plan": ("ExcludePunctuation: true", "ExcludePunctuation: 'true'"),
    "one for true": ("ExcludePunctuation: true", "ExcludePunctuation: 1"),
    "yes spelled true": ("!Ref Version, yes]", "!Ref Version, true]"),
    "yes quoted": ("!Ref Version, yes]", "!Ref Version, 'yes']"),
    "on spelled yes": ("Key: on", "Key: yes"),
    "012 as ten": ("Default: 012", "Default: 10"),
    "012 quoted": ("Default: 012", "Default: '012'"),
    "1:30 as ninety": ("1:30]", "90]"),
    "a quoted text that lost its quotes": ("'yes', 1:30", "yes, 1:30"),
    "quotes of another kind": ('"quoted"', "'quoted'"),
    "null spelled out": ("          Value:\n  Secret", "          Value: null\n  Secret"),
    "a tag": ("!Sub '${Version}-logs'", "'${Version}-logs'"),
    "a tag in its long form": ("!Ref Version, yes", "{Ref: Version}, yes"),
    "an entry too many": ("DependsOn: Bucket\n", "DependsOn: Bucket\n    Metadata: {}\n"),
    "an entry too few": ("    DependsOn: Bucket\n", ""),
    "an item too few": ("[012, 'yes', 1:30]", "[012, 'yes']"),
    "a block scalar's text": ("admin # no comment", "admin  # no comment"),
    "the head comment": ("# The head.\n", ""),
    "the tail comment": ("\n# The tail.\n", "\n"),
    "a comment beside": ("  # kept", ""),
    "a comment beside a block scalar's sign": ("  # literal", ""),
    "a comment's text": ("about the second", "about the 2nd"),
    "a comment that moved": ("        # about the second\n        - Key", "        - Key"),
    "a section comment": ("  # ---- storage ----\n", ""),
    "a blank line": ("storage ----\n\n", "storage ----\n"),
    "a blank line more": ("logs' # a name\n", "logs' # a name\n\n"),
    "indentation": ("        - Key: on\n          V", "        -   Key: on\n            V"),
    "a space": ("{Type: String,", "{ Type: String,"),
    "a line end": ("Type: AWS::S3::Bucket\n", "Type: AWS::S3::Bucket\r\n"),
    "the last line end": ("# The tail.\n", "# The tail."),
    "trailing spaces": ("Conditions:\n", "Conditions: \n"),
    "a document start": ("# The head.\n", "# The head.\n---\n"),
}
SECRET_TEXT = NEW[NEW.index("  Secret:\n") : NEW.index("  Database:\n")]


@pytest.mark.parametrize("what", WRONG)
def test_wrong_text_is_refused(what: str) -> None:
    right, wrong = WRONG[what]
    assert NEW.count(right) == 1
    with pytest.raises(ProofError):
        proof_of(NEW.replace(right, wrong))


def test_comment_that_lost_its_block_only_is_not_missed() -> None:
    assert "# secret" in OLD
    assert "What the password" not in NEW  # they went with the parameter, and that is proven
    with pytest.raises(ProofError, match="comment in line 8"):
        proof_of(NEW.replace("  # The engine's version.\n", ""))


def test_comment_between_a_removed_and_a_kept_entry_stays_if_beside_what_stays() -> None:
    old = "Resources:\n  A: # of A\n    Type: AWS::S3::Bucket # type\n  B: {Type: AWS::X::Y}\n"
    plan = (Replace(("Resources", "A", "Type"), "AWS::Z::Z"),)
    proof_of(old.replace("S3::Bucket", "Z::Z"), old, plan)
    with pytest.raises(ProofError, match="behind the new value"):
        proof_of(old.replace("S3::Bucket # type", "Z::Z"), old, plan)


def test_order_of_untouched_keys_is_proven() -> None:
    lines = ("    Type: AWS::RDS::DBInstance\n", "    DependsOn: Bucket\n")
    with pytest.raises(ProofError, match="order"):
        proof_of(NEW.replace("".join(lines), "".join(reversed(lines))))


def test_order_of_resources_is_proven() -> None:
    text = "Resources:\n  A: {Type: AWS::X::Y}\n  B: {Type: AWS::X::Y}\n"
    plan = (Add(("Resources", "A", "Condition"), "Big"), Add(("Conditions",), {"Big": False}))
    head, a, b, _ = text.split("\n")
    added = a.replace("}", ", Condition: Big}")
    tail = "Conditions:\n  Big: false\n"
    proof_of("\n".join((head, added, b, tail)), text, plan)
    with pytest.raises(ProofError, match="order"):
        proof_of("\n".join((head, b, added, tail)), text, plan)


def test_placement_of_an_addition_is_proven() -> None:
    moved = NEW.replace(SECRET_TEXT, "")
    first = moved.replace("  # ---- storage", SECRET_TEXT + "  # ---- storage")
    with pytest.raises(ProofError, match="before Database"):
        proof_of(first)


def test_byte_order_mark_is_proven() -> None:
    old = Document.parse("\ufeff" + OLD)
    prove(old, old.with_text(NEW), PLAN)
    with pytest.raises(ProofError, match="byte order mark"):
        prove(old, Document.parse(NEW), PLAN)


def test_patch_for_a_place_that_is_not_there_is_refused() -> None:
    with pytest.raises(ProofError, match="does not apply"):
        proof_of(OLD, plan=(Remove(("Resources", "Nowhere")),))


def test_new_problem_is_refused() -> None:
    with pytest.raises(ProofError, match="twice"):
        proof_of(NEW.replace("    DependsOn: Bucket\n", "    DependsOn: Bucket\n" * 2))


# --- the second reader -----------------------------------------------------------------------


def test_second_reader_alone_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    """ruamel.yaml is asked on its own: what PyYAML took does not convince it."""
    took = readers.by_ruamel

    def misread(text: str) -> readers.Long:
        return took(text.replace("PasswordLength: 32", "PasswordLength: 31"))

    monkeypatch.setattr(verify, "by_ruamel", misread)
    with pytest.raises(ProofError, match=r"ruamel\.yaml reads something else"):
        proof_of(NEW)


TAB = "Resources:\n  A:\n    Type: AWS::S3::Bucket\n    Metadata:\n    - a\t\n    - b\n"


def test_old_text_that_the_second_reader_refuses_cannot_be_proven() -> None:
    plan = (Replace(("Resources", "A", "Type"), "AWS::X::Y"),)
    Document.parse(TAB)  # libyaml takes the tab
    with pytest.raises(EditError, match="cannot be proven: ruamel"):
        proof_of(TAB.replace("S3::Bucket", "X::Y"), TAB, plan)


def test_new_text_that_only_the_second_reader_refuses_is_a_defect() -> None:
    old = TAB.replace("\t", "")
    plan = (Replace(("Resources", "A", "Type"), "AWS::X::Y"),)
    with pytest.raises(ProofError, match="refuses the new text"):
        proof_of(TAB.replace("S3::Bucket", "X::Y"), old, plan)


# --- JSON ------------------------------------------------------------------------------------

JSON = json.dumps(
    {
        "Resources": {
            "A": {"Type": "AWS::S3::Bucket", "Properties": {"Size": 1.50, "On": True, "N": None}}
        },
        "Outputs": {"O": {"Value": {"Ref": "A"}}},
    },
    indent=2,
).replace("1.5,", "1.50,")
JSON_PLAN: tuple[Operation, ...] = (Add(("Outputs", "O", "Export"), {"Name": "n", "Size": 3}),)
JSON_NEW = JSON.replace(
    '"Ref": "A"\n      }',
    '"Ref": "A"\n      },\n      "Export": {"Name": "n", "Size": 3}',
)


def test_right_json_is_proven() -> None:
    assert proof_of(JSON_NEW, JSON, JSON_PLAN).differences == (
        "Outputs.O.Export added (Name, Size)",
    )


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("1.50", "1.5"),
        ("true", "1"),
        ("true", '"true"'),
        ("null", '""'),
        ('"Size": 3', '"Size": "3"'),
        ('"Size": 3', '"Size": 3.0'),
        ('"Name": "n"', "'Name': n"),
        ('"N": null', '"N": null # comment'),
        ('"On": true,\n', '"On": true, \n'),
        ('"On": true,', '"On": true, "On": true,'),
    ],
)
def test_wrong_json_is_refused(right: str, wrong: str) -> None:
    assert JSON_NEW.count(right) == 1
    with pytest.raises(ProofError):
        proof_of(JSON_NEW.replace(right, wrong), JSON, JSON_PLAN)


def test_json_is_read_by_a_second_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    took = readers.by_json
    monkeypatch.setattr(
        verify, "by_json", lambda text: took(text.replace('"Size": 3', '"Size": 4'))
    )
    with pytest.raises(ProofError, match="json reads something else"):
        proof_of(JSON_NEW, JSON, JSON_PLAN)


# --- references ------------------------------------------------------------------------------


def test_dangling_reference_is_refused() -> None:
    text = NEW[: NEW.index("!Sub '{{")] + "!Ref Password\n\n# The tail.\n"
    with pytest.raises(ProofError, match="not there: Password"):
        proof_of(text, plan=PLAN[:2])


def test_reference_that_dangled_before_is_no_reason() -> None:
    old = OLD.replace("DependsOn: Bucket", "DependsOn: Elsewhere")
    assert proof_of(NEW.replace("DependsOn: Bucket", "DependsOn: Elsewhere"), old).differences


RING = """\
Resources:
  A:
    Type: AWS::X::Y
    DependsOn: B
  B:
    Type: AWS::X::Y
  C:
    Type: AWS::X::Y
    DependsOn: C
"""


def test_new_cycle_is_refused() -> None:
    end = "  B:\n    Type: AWS::X::Y\n"
    plan = (Add(("Resources", "B", "DependsOn"), "A"),)
    with pytest.raises(ProofError, match="circle: A, B"):
        proof_of(RING.replace(end, end + "    DependsOn: A\n"), RING, plan)


def test_cycle_that_was_there_is_no_reason() -> None:
    assert proof_of(
        RING.replace("    DependsOn: B\n", ""), RING, (Remove(("Resources", "A", "DependsOn")),)
    ).differences


# --- lists -----------------------------------------------------------------------------------

LIST = (
    "Resources:\n  A:\n    Type: AWS::X::Y\n    Properties:\n      L:\n      - a # 1\n      - b\n"
)
LIST += "      - c # 3\n"
AT = ("Resources", "A", "Properties", "L")


def test_list_indexes_are_those_before_the_plan() -> None:
    plan = (Remove((*AT, 0)), Add((*AT, 2), "x"), Replace((*AT, 2), "z"))
    right = LIST.replace("      - a # 1\n", "").replace("- c", "- x\n      - z")
    proof_of(right, LIST, plan)
    with pytest.raises(ProofError):
        proof_of(right.replace("- b\n      - x", "- x\n      - b"), LIST, plan)
    with pytest.raises(ProofError, match="comment in line 8"):
        proof_of(right.replace(" # 3", ""), LIST, plan)


def test_a_comment_behind_the_dash_of_an_item_goes_with_it() -> None:
    """Also where blank lines part it from its value (found by fuzzing)."""
    old = "Resources:\n  A:\n    Type: AWS::X::Y\n    L:\n      - # first\n\n        a\n      - b\n"
    new = "Resources:\n  A:\n    Type: AWS::X::Y\n    L:\n      - b\n"
    plan = (Remove(("Resources", "A", "L", 0)),)
    proof_of(new, old, plan)
    proof_of(new, old.replace("- # first", "-\n        # first"), plan)
    above = old.replace("- # first", "- a0 # first\n      -")
    with pytest.raises(ProofError, match="comment in line 5"):
        proof_of(
            new.replace("- b", "- a0\n      - b"), above, (Remove(("Resources", "A", "L", 1)),)
        )


def test_a_comment_beside_a_tag_goes_with_the_argument() -> None:
    old = "Resources:\n  A:\n    Type: AWS::X::Y\n    V: !If  # beside\n      - C\n      - a\n"
    new = "Resources:\n  A:\n    Type: AWS::X::Y\n    V: !If x\n"
    plan = (Replace(("Resources", "A", "V", "Fn::If"), "x"),)
    proof_of(new, old, plan)
    long, lost = old.replace("!If  # beside", "# beside\n      Fn::If:"), "V:\n      Fn::If: x\n"
    with pytest.raises(ProofError):  # above a key that stays
        proof_of(new.replace("V: !If x\n", lost), long, plan)


@pytest.mark.parametrize("first", ["{Ref: A}", "[b]", "!GetAtt [A, Arn]", "{a: [b]}", "[]", "b"])
def test_the_first_in_brackets_goes_where_the_line_begins_with_them(first: str) -> None:
    head = "Resources:\n  A:\n    Type: AWS::X::Y\n    L:\n    - "
    plan = (Remove(("Resources", "A", "L", 0, 0)),)
    proof_of(f"{head}[ x]\n", f"{head}[ {first}, x]\n", plan)
    with pytest.raises(ProofError):
        proof_of(f"{head}[x]\n", f"{head}[ {first}, x]\n", plan)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_an_entry_goes_and_the_blank_line_below_it_stays(end: str) -> None:
    old = "Resources:\n  A:\n    Type: AWS::X::Y\nOutputs:\n  \r# of Z\nZ:\n  a: 1\n"
    old = old.replace("\n", end)
    plan = (Remove(("Outputs",)),)
    new = old.replace(f"Outputs:{end}", "")
    proof_of(new, old, plan)
    with pytest.raises(ProofError):
        proof_of(new.replace("  \r#", "   \r#"), old, plan)


def test_a_comment_below_the_last_of_what_goes_goes_with_it() -> None:
    """Also where a value above that is replaced (found by fuzzing)."""
    head = "Resources:\n  A:\n    Type: AWS::X::Y\n    B: "
    old = head + "1\nParameters:\n\n P:\n   Type: String\n # of P\n"
    plan = (Replace(("Resources", "A", "B"), 2), Remove(("Parameters",)))
    proof_of(f"{head}2\n", old, plan)
    with pytest.raises(ProofError, match="comment in line 9"):
        proof_of(f"{head}2\n", old.replace(" # of P", "# of P"), plan)


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_comma_behind_a_new_value_is_no_change(end: str) -> None:
    lines = ('{"Resources": {"A": {', '"Type": "AWS::X::Y",', '"V": "a"', "}}}", "")
    old = end.join(lines)
    new = old.replace('"a"', f'"b",{end}"W": "c"')
    at = ("Resources", "A")
    proof_of(new, old, (Replace((*at, "V"), "b"), Add((*at, "W"), "c")))


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_comment_behind_the_last_value_stays_beside_it(end: str) -> None:
    """Also where the text ends in it, and something new comes below (found by fuzzing)."""
    kept = "Resources:\n  A:\n    Type: AWS::X::Y\n    DeletionPolicy: Delete  # beside"
    kept = kept.replace("\n", end)
    plan = (
        Replace(("Resources", "A", "DeletionPolicy"), "Retain"),
        Add(("Resources", "B"), {"Type": "AWS::X::Y"}),
    )
    added = f"{end}  B:{end}    Type: AWS::X::Y"
    right = kept.replace("Delete ", "Retain ") + added
    proof_of(right, kept, plan)
    for wrong in (right.replace("  # beside", " # beside"), right.replace("  # beside", "")):
        with pytest.raises(ProofError):
            proof_of(wrong, kept, plan)


def test_the_last_line_end_stays_what_it_was() -> None:
    """Also where it is of another kind than that of the line before (found by fuzzing)."""
    kept = "Resources:\n  A:\n    Type: AWS::X::Y"
    proof_of(f"{kept}\r\n", f"{kept}\nOutputs:\r\n", (Remove(("Outputs",)),))
    with pytest.raises(ProofError, match="the last line end changed"):
        proof_of(f"{kept}\n", f"{kept}\nOutputs:\r\n", (Remove(("Outputs",)),))


def test_comments_that_the_second_reader_has_no_place_for() -> None:
    """ruamel.yaml gives up on a comment beside a key with a value and a blank line below it."""
    read = "Resources:\n  A:\n    Type: AWS::X::Y\n    V: # beside\n      a: 1\n\n# above\nZ: 1\n"
    unread = read.replace("a: 1", "text")
    with pytest.raises(EditError, match="refuses the text"):
        proof_of(unread.replace("Z: 1", "Z: 2"), unread, (Replace(("Z",), 2),))
    with pytest.raises(EditError, match="two comments"):
        proof_of(unread, read, (Replace(("Resources", "A", "V"), "text"),))


def test_words_name_kinds_and_no_values() -> None:
    plan = (
        Replace(("Resources", "A", "Type"), "AWS::Z::Z"),
        Add(("Resources", "A", "Metadata"), "hunter2"),
    )
    text = LIST.replace("AWS::X::Y", "AWS::Z::Z") + "    Metadata: hunter2\n"
    words = proof_of(text, LIST, plan).differences
    assert set(words) == {"Resources.A.Type changed", "Resources.A.Metadata added (text)"}


# --- any change at all -----------------------------------------------------------------------


def composed(text: str) -> object:
    """The meaning of a text for this test, told by PyYAML alone: tags, texts, order."""

    def plain(node: yaml.Node) -> object:
        if isinstance(node, yaml.ScalarNode):
            return node.tag, node.value
        if isinstance(node, yaml.MappingNode):
            return node.tag, [(plain(key), plain(value)) for key, value in node.value]
        return node.tag, [plain(item) for item in node.value]

    node = yaml.compose(text, Loader=yaml.SafeLoader)
    return None if node is None else plain(node)


MEANING = composed(NEW)


@given(
    st.integers(0, len(NEW)),
    st.integers(0, 12),
    st.text(st.sampled_from("ab 1:-#'\"\n,[]{}!&*|>~yes"), max_size=4),
)
def test_any_change_of_meaning_is_refused(start: int, length: int, text: str) -> None:
    changed = NEW[:start] + text + NEW[start + length :]
    try:
        same = composed(changed) == MEANING
    except (yaml.YAMLError, ValueError):
        same = False
    if same:
        return
    with pytest.raises((ProofError, TemplateError)):
        proof_of(changed)


@given(st.integers(0, NEW.index("  Secret:\n") - 1), st.sampled_from(["", " ", "#", "\n", "x"]))
def test_any_change_of_a_byte_before_what_changed_is_refused(place: int, text: str) -> None:
    changed = NEW[:place] + text + NEW[place + 1 :]
    if changed == NEW:
        return
    with pytest.raises((ProofError, TemplateError)):
        proof_of(changed)


# --- anchors, and what only one parser tells -------------------------------------------------

ANCHORED = """\
Resources:
  A: &a  # anchored
    Type: AWS::X::Y
    Metadata: {Note: &note x, Again: *note}
  B: *a  # alias
  C:
    <<: *a
    DependsOn: A
    Empty: !Ref
    Foo: !Foo bar
"""
C = ("Resources", "C", "DependsOn")


def test_anchors_and_aliases_stay() -> None:
    right = ANCHORED.replace("DependsOn: A", "DependsOn: B")
    proof_of(right, ANCHORED, (Replace(C, "B"),))
    for old, new in [("B: *a", "B: *note"), ("# alias", ""), ("&a ", "&b "), ("&note", "&n")]:
        with pytest.raises((ProofError, TemplateError)):
            proof_of(right.replace(old, new), ANCHORED, (Replace(C, "B"),))


def test_removed_alias_and_its_comment_may_go() -> None:
    right = ANCHORED.replace("  B: *a  # alias\n", "")
    assert proof_of(right, ANCHORED, (Remove(("Resources", "B")),)).differences


def test_entry_below_an_empty_collection_is_proven() -> None:
    old = "Resources:\n  A: {Type: AWS::X::Y, Tags: [ # none\n  ]}\n"
    plan = (Add(("Resources", "A", "Tags", 0), "x"),)
    proof_of(old.replace("[ # none\n  ]", "[x]"), old, plan)
    with pytest.raises(ProofError):
        proof_of(old.replace("Tags: [ # none\n  ]", "Tags: [x, x]"), old, plan)


def test_old_text_with_a_key_twice_cannot_be_proven() -> None:
    plan = (Replace(("Resources", "A", "Type"), "AWS::Z::Z"),)
    old = "Resources:\n  A:\n    Type: AWS::X::Y\n    N: 1\n    N: 1\n"
    new = old.replace("X::Y", "Z::Z").replace("    N: 1\n", "", 1)
    with pytest.raises(EditError, match="twice"):
        proof_of(new, old, plan)


def test_json_with_a_key_twice_is_told_by_the_second_reader_too() -> None:
    with pytest.raises(EditError, match="same key twice"):
        readers.by_json('{"a": 1, "a": 1}')


def test_key_that_is_no_text_cannot_be_proven() -> None:
    with pytest.raises(EditError, match="not a scalar"):
        verify._ruamel_old("? [a]\n: b\n")


def test_sibling_that_goes_in_the_same_plan_is_no_place() -> None:
    plan = (
        Add(("Resources", "B"), {"Type": "AWS::X::Y"}, after="A"),
        Remove(("Resources", "A")),
    )
    assert proof_of(
        "Resources:\n  B: {Type: AWS::X::Y}\n", "Resources:\n  A: {Type: AWS::X::Z}\n", plan
    ).differences


def test_inserted_text_where_something_went_is_refused() -> None:
    for extra in ("# new\n", "  # new\n", "\n"):
        with pytest.raises(ProofError):
            proof_of(NEW.replace("Parameters:\n", "Parameters:\n" + extra * 3))


def test_comments_of_a_removed_entry_may_go_and_others_may_not() -> None:
    old = """\
Resources:
  A:
    Type: AWS::X::Y
    Metadata:
      x: 1 # beside
        # below, deeper
    # of the next
  B: {Type: AWS::X::Y}
"""
    plan = (Remove(("Resources", "A", "Metadata")),)
    kept = old.replace("    Metadata:\n      x: 1 # beside\n        # below, deeper\n", "")
    proof_of(kept, old, plan)
    with pytest.raises(ProofError, match="comment in line 7"):
        proof_of(kept.replace("    # of the next\n", ""), old, plan)


def test_section_comment_above_a_removed_entry_stays() -> None:
    old = "Resources:\n  # section\n\n  # of A\n  A: {Type: AWS::X::Y}\n  B: {Type: AWS::X::Y}\n"
    plan = (Remove(("Resources", "A")),)
    kept = "Resources:\n  # section\n\n  B: {Type: AWS::X::Y}\n"
    proof_of(kept, old, plan)
    with pytest.raises(ProofError, match="comment in line 2"):
        proof_of(kept.replace("  # section\n\n", ""), old, plan)


def test_last_entry_goes_with_its_line() -> None:
    plan = (Remove(("Resources", "A", "Metadata")),)
    old = "Resources:\n  A:\n    Type: AWS::X::Y\n    Metadata: {}\n"
    proof_of(old.replace("    Metadata: {}\n", ""), old, plan)
    for wrong in ("", "    \n", "\n "):
        with pytest.raises(ProofError):
            proof_of(old.replace("\n    Metadata: {}\n", wrong), old, plan)


def test_first_entry_of_a_list_item_goes() -> None:
    old = "Resources:\n  A:\n    Type: AWS::X::Y\n    Tags:\n    - Key: a\n      Value: b\n"
    plan = (Remove(("Resources", "A", "Tags", 0, "Key")),)
    right = old.replace("- Key: a\n      Value", "- Value")
    proof_of(right, old, plan)
    with pytest.raises(ProofError):
        proof_of(right.replace("- Value", "-  Value"), old, plan)


def test_bracket_moves_up_behind_what_stays() -> None:
    old = "Resources: {A: {Type: AWS::X::Y,\n    Metadata: {x: 1} }}\n"
    plan = (Remove(("Resources", "A", "Metadata")),)
    right = "Resources: {A: {Type: AWS::X::Y }}\n"
    proof_of(right, old, plan)
    for wrong in (right.replace(" }}", "  }}"), right.replace("}}\n", "} }\n")):
        with pytest.raises(ProofError):
            proof_of(wrong, old, plan)


def test_folded_text_is_read_without_its_marks() -> None:
    old = "Resources:\n  A:\n    Type: AWS::X::Y\n    Metadata: >-\n      a\n      b\n      c\n"
    plan = (Replace(("Resources", "A", "Metadata"), "a c"),)
    proof_of(old.replace("      b\n", ""), old, plan)
    with pytest.raises(ProofError):
        proof_of(old.replace("      c\n", ""), old, plan)


@pytest.mark.parametrize(
    ("path", "right"),
    [
        (("x",), '{\n  "y": 2,\n  "z": 3\n}'),
        (("y",), '{\n  "x": 1,\n  "z": 3\n}'),
        (("z",), '{\n  "x": 1,\n  "y": 2\n}'),
    ],
)
def test_json_entry_goes_with_its_comma(path: tuple[str], right: str) -> None:
    head = '{"Resources": {"A": {"Type": "AWS::X::Y", "Metadata": '
    inner = '{\n  "x": 1,\n  "y": 2,\n  "z": 3\n}'
    plan = (Remove(("Resources", "A", "Metadata", *path)),)
    proof_of(head + right + "}}}\n", head + inner + "}}}\n", plan)
    with pytest.raises(ProofError):
        proof_of(head + right.replace("\n}", "\n }") + "}}}\n", head + inner + "}}}\n", plan)


def test_entry_of_a_flow_mapping_goes() -> None:
    old = "Resources:\n  A: {Type: AWS::X::Y, x: 1, y: !GetAtt A.B.C, z: [1]}\n"
    plan = (
        Remove(("Resources", "A", "x")),
        Replace(("Resources", "A", "y"), {"Fn::GetAtt": ["A", "D"]}),
        Replace(("Resources", "A", "z"), [1, "2", None]),
    )
    right = "Resources:\n  A: {Type: AWS::X::Y, y: !GetAtt A.D, z: [1, '2', null]}\n"
    proof_of(right, old, plan)
    for part, wrong in [("A.D", "A.B"), ("'2'", "2"), ("1, '2'", "'2', 1")]:
        with pytest.raises(ProofError):
            proof_of(right.replace(part, wrong), old, plan)


def test_words_of_a_mapping_that_loses_and_gains_keys() -> None:
    old = "Resources:\n  A: {Type: AWS::X::Y, M: {a: 1, b: 2, c: 3}}\n"
    plan = (Replace(("Resources", "A", "M"), {"a": 1, "b": 2, "d": [True]}),)
    assert set(proof_of(old.replace("c: 3", "d: [true]"), old, plan).differences) == {
        "Resources.A.M.c removed",
        "Resources.A.M.d added (list)",
    }


def test_leaf_that_is_gone_is_told_by_the_text_alone() -> None:
    old = Document.parse(LIST)
    new = old.with_text(LIST.replace("      - b\n", ""))
    assert first_change(old, new, leaves(old), leaves(new)) is not None
    shorter = old.with_text(LIST.replace("      - c # 3\n", ""))
    assert "old order" in str(first_change(old, shorter, leaves(old), leaves(shorter)))


def test_place_below_what_goes_has_no_new_place() -> None:
    changes = Changes((Remove((*AT, 0)), Add((*AT, 2), "x")))
    assert changes.new_path((*AT, 0, "below")) is None
    assert [changes.new_path((*AT, index)) for index in (1, 2)] == [(*AT, 0), (*AT, 2)]
