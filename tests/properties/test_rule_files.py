"""Rule files: whatever definition is valid comes back from its file, to the last bit."""

from dataclasses import replace
from datetime import date
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from waardhaven.domain.errors import Invalid
from waardhaven.domain.index.autoindex import default_definition
from waardhaven.domain.index.definition import (
    Adjustment,
    Constraints,
    GroupCap,
    Grouping,
    IndexDefinition,
    NthWeekday,
    RestatementPolicy,
    Schedule,
    SeriesPolicy,
    StrategySpec,
    Variant,
    Weekday,
    WeightBounds,
    WithholdingRate,
)
from waardhaven.domain.index.rules.document import differences, merged, to_document
from waardhaven.domain.index.rules.reading import read_document
from waardhaven.domain.index.rules.rule_file import InvalidRuleFile, read_rule_file, write_rule_file
from waardhaven.domain.index.validation import InvalidDefinition, validated
from waardhaven.domain.market.calendar import Frequency

fractions = st.floats(0.0, 1.0)
texts = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], include_characters="\n\t"), min_size=1, max_size=60
).filter(str.strip)
specs = st.one_of(
    st.builds(
        lambda lookback, top, threshold: StrategySpec(
            name="momentum", params={"lookback": lookback, "top": top, "threshold": threshold}
        ),
        st.integers(1, 252),
        st.one_of(st.none(), st.floats(0.001, 0.999)),
        st.floats(-1.0, 10.0),
    ),
    st.integers(1, 9).map(
        lambda n: StrategySpec(name="fixed", params={"weights": {str(i + 1): 1 / n for i in range(n)}})
    ),
    fractions.map(
        lambda share: StrategySpec(
            name="blend",
            params={
                "sleeves": [
                    {"strategy": "equal_weight", "weight": share},
                    {"strategy": "momentum", "weight": 1.0 - share, "params": {"top": None}},
                ]
            },
        )
    ),
)
monthly = st.builds(
    NthWeekday, nth=st.sampled_from([1, 2, 3, 4, -1]), weekday=st.sampled_from(Weekday), month=st.just(1)
)
schedules = st.one_of(
    st.builds(
        Schedule,
        frequency=st.sampled_from(Frequency),
        lag=st.integers(1, 250),
        daily_drop_threshold=st.none() | st.floats(-1.0, 0.0),
        drift_band=st.none() | st.floats(1e-6, 1.0),
    ),
    st.builds(Schedule, frequency=st.just(Frequency.MONTHLY), on=monthly),
)
constraint_sets = st.builds(
    Constraints,
    max_weight=st.floats(0.5, 1.0),
    bounds=st.lists(
        st.builds(WeightBounds, asset=st.integers(1, 2**63 - 1), maximum=fractions),
        max_size=3,
        unique_by=lambda one: one.asset,
    ).map(tuple),
    group_caps=st.lists(
        st.builds(GroupCap, by=st.just(Grouping.SECTOR), maximum=st.floats(1e-6, 1.0), group=texts),
        max_size=3,
        unique_by=lambda one: one.group,
    ).map(tuple),
    max_turnover=st.none() | st.floats(1e-6, 2.0),
)
definitions = st.builds(
    lambda **changes: validated(replace(default_definition(), **changes)),
    name=texts,
    description=texts | st.just(""),
    base_date=st.dates(date(1900, 1, 1), date(2199, 12, 31)),
    base_value=st.floats(1e-300, 1e12),
    benchmark=st.none() | st.sampled_from(["SPX", "none", "index:other"]),
    strategy=specs,
    series=st.builds(SeriesPolicy, source=st.just("sample"), adjustment=st.just(Adjustment.RAW)),
    schedule=schedules,
    constraints=constraint_sets,
    decimals=st.integers(0, 12),
    restatement=st.sampled_from(RestatementPolicy),
    restatement_threshold=fractions,
    variant=st.sampled_from(Variant),
    withholding=st.just((WithholdingRate(country="*", rate=0.1),)),
    cost_rate=st.floats(0.0, 0.1),
)
plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.dates(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=150, deadline=None)
@given(definitions)
def test_rule_file_gives_the_definition_back_exactly(definition: IndexDefinition):
    found = read_document(read_rule_file(write_rule_file(to_document(definition))))
    assert found == definition
    assert repr(found) == repr(definition)


@settings(max_examples=60, deadline=None)
@given(definitions, definitions)
def test_differences_merged_into_the_old_rules_give_the_new(old: IndexDefinition, new: IndexDefinition):
    before, after = to_document(old), to_document(new)
    assert merged(before, {}) == before
    assert differences(merged(before, after | {"strategy": before["strategy"]}), after) == differences(
        after | {"strategy": before["strategy"]}, after
    )


@settings(max_examples=200, deadline=None)
@given(st.sampled_from([*to_document(default_definition())]), plain, plain)
def test_any_value_in_any_field_is_read_or_refused_as_invalid(field: str, value: Any, inner: Any):
    document = to_document(default_definition())
    holders = [document, document["schedule"], document["constraints"], document["strategy"]]
    document[field] = value
    for holder in holders[1:]:
        holder[next(iter(holder))] = inner
    try:
        found = read_document(document)
    except InvalidDefinition as error:
        assert error.errors  # noqa: PT017 (either answer is right)
    else:
        assert found == read_document(to_document(found))


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=200))
def test_any_text_is_a_rule_file_or_refused(text: str):
    try:
        document = read_rule_file(text)
    except InvalidRuleFile:
        return
    try:
        read_document(document)
    except Invalid as error:
        assert error.errors  # noqa: PT017 (either answer is right)
