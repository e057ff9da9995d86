"""Any template at all: repaired and settled, left with reasons, or refused with a message.

The same strategies run with many more examples, and for minutes, in `make fuzz`.
"""

from __future__ import annotations

import random
from typing import Any

from fuzz import grammar, properties
from fuzz.by_hypothesis import TEMPLATES, choosing
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

SETTINGS = settings(
    max_examples=60, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


@SETTINGS
@given(TEMPLATES, st.sampled_from(properties.SETTINGS))
def test_any_template_is_repaired_left_or_refused(raw: bytes, chosen: Any) -> None:
    properties.engine(raw, chosen)


@SETTINGS
@given(TEMPLATES, st.data())
def test_any_plan_on_any_template_is_proven_or_refused(raw: bytes, data: st.DataObject) -> None:
    properties.splice(raw, choosing(data.draw))


def test_the_grammar_writes_templates_that_are_repaired() -> None:
    figures = properties.Figures()
    for number in range(40):
        drawn = random.Random(number)
        figures.engine(grammar.template(drawn.randrange), choice=0)
    assert figures.counts["refused"] == 0
    assert figures.counts["repaired"] > 5
    assert figures.counts["left"] > 5
