"""Diffs in colours: what differs within a line stands out, and not a letter is lost."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from remediator.report.colours import coloured

CODES = re.compile(r"\x1b\[\d+m")
REVERSE = re.compile(r"\x1b\[7m(.*?)\x1b")
DIFF = """\
--- a/t.yaml
+++ b/t.yaml
@@ -1,3 +1,4 @@
 Properties:
-  MasterUserPassword: !Ref DBPassword
+  MasterUserPassword: !Sub '{{resolve:secretsmanager:${Secret}::password}}'
+  Other: 1
"""


def marked(diff: str) -> list[str]:
    return REVERSE.findall(coloured(diff))


def test_the_words_that_differ_stand_out() -> None:
    assert marked(DIFF) == [
        "Ref",
        "DBPassword",
        "Sub",
        "'{{resolve:secretsmanager:${Secret}::password}}'",
    ]


def test_lines_of_other_keys_and_whole_blocks_have_no_counterpart() -> None:
    assert marked("-  A: 1\n+  B: 1\n") == []
    assert marked("-  A: 1\n+    A: 2\n") == []
    assert marked("".join(f"-  K{n}: 1\n" for n in range(4)) + "+  K0: 2\n") == []
    assert marked(f"-  A: {'x' * 500}\n+  A: y\n") == []
    assert marked("- A: 1\n- B: 1\n+ B: 2\n+ A: 3\n") == ["1", "3"]


def test_file_names_and_places_have_colours_of_their_own() -> None:
    lines = coloured(DIFF).splitlines()
    assert [line[:5] for line in lines[:3]] == ["\x1b[1m-", "\x1b[1m+", "\x1b[36m"]
    assert lines[3] == " Properties:"


@given(st.lists(st.sampled_from([*"+- "]).flatmap(lambda s: st.text("ab: \t!é", max_size=9).map(
    lambda text: f"{s}{text}\n")), max_size=12))  # fmt: skip
def test_colours_change_no_text(lines: list[str]) -> None:
    diff = "".join(lines)
    assert CODES.sub("", coloured(diff)) == diff
