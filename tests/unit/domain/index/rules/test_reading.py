"""Documents of rules: read, merged, compared, walked; methodologies written from them."""

from dataclasses import fields, replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

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
from waardhaven.domain.index.family import Family
from waardhaven.domain.index.rules.document import ABSENT, differences, merged, to_document
from waardhaven.domain.index.rules.meanings import MEANINGS
from waardhaven.domain.index.rules.methodology import Edition, as_markdown, family_of, methodology
from waardhaven.domain.index.rules.reading import read_document
from waardhaven.domain.index.rules.rule_file import InvalidRuleFile, read_rule_file, write_rule_file
from waardhaven.domain.index.rules.told import FORMULAS, TREATMENTS_TOLD
from waardhaven.domain.index.rules.walking import Walk
from waardhaven.domain.index.strategies import STRATEGIES
from waardhaven.domain.index.treatments import TREATMENTS
from waardhaven.domain.index.validation import InvalidDefinition, validated
from waardhaven.domain.market.calendar import Frequency

AUTOINDEX = validated(default_definition())
RICH = validated(
    replace(
        AUTOINDEX,
        slug="rich",
        benchmark=None,
        series=SeriesPolicy(source="sample", adjustment=Adjustment.RAW),
        strategy=StrategySpec(
            name="volatility_target",
            params={
                "strategy": {
                    "name": "blend",
                    "params": {
                        "sleeves": [
                            {"strategy": "fixed", "weight": 0.5, "params": {"weights": {"1": 0.5, "2": 0.5}}},
                            {"strategy": "momentum", "weight": 0.5, "params": {"top": None}},
                        ]
                    },
                }
            },
        ),
        schedule=Schedule(
            frequency=Frequency.QUARTERLY,
            daily_drop_threshold=None,
            drift_band=0.1,
            on=NthWeekday(nth=-1, weekday=Weekday.FRIDAY, month=3),
        ),
        constraints=Constraints(
            max_weight=0.4,
            bounds=(WeightBounds(asset=1, maximum=0.5),),
            group_caps=(
                GroupCap(by=Grouping.SECTOR, maximum=0.6),
                GroupCap(by=Grouping.COUNTRY, maximum=0.5, group="US"),
            ),
            max_names=10,
        ),
        variant=Variant.NET,
        withholding=(WithholdingRate(country="*", rate=0.15),),
        cost_rate=0.001,
        restatement=RestatementPolicy.RESTATE,
        description='Lines\nand "quotes" — ünïcode 🌍 \\ tabs\t',
    )
)
LEAST = {
    "slug": "an-index",
    "name": "An index",
    "base_date": "2020-01-02",
    "base_value": 100,
    "currency": "USD",
    "universe": "a-list",
    "strategy": {"name": "equal_weight"},
    "series": {"source": "sample", "adjustment": "raw"},
}


def rules_of(document: dict[str, Any]) -> dict[str, str]:
    with pytest.raises(InvalidDefinition) as error:
        read_document(document)
    invalid: Invalid = error.value
    return {one.field: one.rule for one in invalid.errors}


@pytest.mark.parametrize("definition", [AUTOINDEX, RICH], ids=["autoindex", "rich"])
def test_documents_and_rule_files_give_back_the_definition_they_were_made_from(definition: IndexDefinition):
    document = to_document(definition)
    assert read_document(document) == read_document(read_rule_file(write_rule_file(document)))
    assert to_document(read_document(document)) == document
    assert read_rule_file(write_rule_file(document)).keys() <= document.keys()


def test_what_is_left_out_has_its_default_and_numbers_are_of_their_kind():
    found = read_document(LEAST)
    assert (found.schedule, found.constraints, found.decimals) == (Schedule(), Constraints(), 6)
    assert (type(found.base_value), found.base_date) == (float, date(2020, 1, 2))
    assert read_document({**LEAST, "base_date": date(2020, 1, 2)}) == found


def test_every_field_that_is_required_is_asked_for():
    assert set(rules_of({})) == {*LEAST} - {"base_value"}
    assert set(rules_of({}).values()) == {"is required"}


@pytest.mark.parametrize(
    ("field", "value", "rule"),
    [
        ("colour", "red", "is not known here"),
        ("slug", 3, "must be a text without control characters"),
        ("name", "a\x00b", "must be a text without control characters"),
        ("name", "a\ud800", "must be a text without control characters"),
        ("name", None, "must be a text without control characters"),
        ("base_date", "2020-1-2", "must be a day such as 2024-05-31"),
        ("base_date", "2020-13-01", "must be a day such as 2024-05-31"),
        ("base_date", datetime(2020, 1, 2, tzinfo=UTC), "must be a day such as 2024-05-31"),
        ("base_value", True, "must be a number"),
        ("base_value", "1", "must be a number"),
        ("base_value", 10**400, "must be a number"),
        ("base_value", float("nan"), "must be above 0 and at most 1e12"),
        ("decimals", 1.0, "must be a whole number"),
        ("decimals", True, "must be a whole number"),
        ("series", "sample", "must be an object"),
        ("variant", "best", "must be one of price, gross, net"),
        ("variant", ["price"], "must be one of price, gross, net"),
        ("withholding", "US", "must be a list of at most 10000"),
        ("currency", "XXX", None),
    ],
)
def test_value_that_can_not_be_is_told_by_its_field(field: str, value: object, rule: str | None):
    found = rules_of({**LEAST, field: value})
    assert set(found) == {field}
    assert rule is None or found[field] == rule


@pytest.mark.parametrize(
    ("part", "path", "rule"),
    [
        ({"withholding": [3]}, "withholding.0", "must be an object"),
        ({"withholding": [{"country": "US"}]}, "withholding.0.rate", "is required"),
        (
            {"constraints": {"bounds": [{"asset": "AAA"}]}},
            "constraints.bounds.0.asset",
            "must be a whole number",
        ),
        (
            {"constraints": {"group_caps": [{"by": "size", "maximum": 0.1}]}},
            "constraints.group_caps.0.by",
            None,
        ),
        ({"guards": {"held_out": [1]}}, "guards.held_out.0", "must be a text without control characters"),
        ({"schedule": {"on": {"nth": 1}}}, "schedule.on.weekday", "is required"),
        ({"strategy": {"name": "equal_weight", "params": 3}}, "strategy.params", None),
        ({"strategy": {"name": "equal_weight", "params": {"x": date(2020, 1, 1)}}}, "strategy.params", None),
        ({"strategy": {"name": "equal_weight", "params": {"x": 2**70}}}, "strategy.params", None),
        ({"strategy": {"name": 3}}, "strategy.name", "must be a text without control characters"),
    ],
)
def test_value_within_an_object_or_a_list_is_told_by_its_path(
    part: dict[str, Any], path: str, rule: str | None
):
    found = rules_of({**LEAST, **part})
    assert path in found
    assert rule is None or found[path] == rule


def test_parameters_nested_without_end_are_refused():
    deep: Any = 1
    for _ in range(30):
        deep = [deep]
    found = rules_of({**LEAST, "strategy": {"name": "equal_weight", "params": {"x": deep}}})
    assert found == {"strategy.params": "must be an object of numbers, texts, lists and objects"}
    spec: Any = {"name": "equal_weight"}
    for _ in range(40):
        spec = {"name": "volatility_target", "params": {"strategy": spec}}
    assert "strategy.params" in rules_of({**LEAST, "strategy": spec})


def test_a_wrong_kind_hides_no_broken_rule_elsewhere():
    found = rules_of(
        {**LEAST, "slug": 3, "schedule": {"lag": 0}, "withholding": [{"country": "*", "rate": "x"}]}
    )
    assert set(found) == {"slug", "schedule.lag", "withholding.0.rate"}


def test_text_none_switches_numbers_off_and_stays_a_text_elsewhere():
    document = {
        **LEAST,
        "benchmark": "none",
        "schedule": {"daily_drop_threshold": "none", "drift_band": "none"},
        "constraints": {"max_names": "none"},
        "strategy": {"name": "momentum", "params": {"top": "none"}},
    }
    found = read_document(document)
    assert (found.schedule.daily_drop_threshold, found.schedule.drift_band) == (None, None)
    assert (found.constraints.max_names, found.benchmark) == (None, "none")
    assert found.strategy.params == {"top": None}
    assert rules_of({**LEAST, "decimals": "none"}) == {"decimals": "must be a whole number"}


def test_part_is_merged_into_objects_and_replaces_lists():
    stored = to_document(RICH)
    found = merged(
        stored,
        {
            "name": "Other",
            "schedule": {"lag": 2, "on": {"nth": 1}},
            "constraints": {"group_caps": []},
            "strategy": {"params": {"cap": 1}},
        },
    )
    assert found["name"] == "Other"
    assert found["schedule"]["frequency"] == "quarterly"
    assert found["schedule"]["on"] == {"nth": 1, "weekday": "friday", "month": 3}
    assert found["constraints"]["group_caps"] == []
    assert found["constraints"]["max_weight"] == 0.4
    assert found["strategy"]["params"] == {**stored["strategy"]["params"], "cap": 1}
    assert merged(stored, {}) == stored
    assert merged(stored, {"schedule": {"on": None}})["schedule"]["on"] is None
    assert merged(stored, {"schedule": 3})["schedule"] == 3
    assert merged(stored, {"strategy": 3})["strategy"] == 3


def test_another_strategy_begins_without_the_parameters_of_the_one_before():
    found = merged(to_document(RICH), {"strategy": {"name": "equal_weight"}})
    assert found["strategy"] == {"name": "equal_weight", "params": {}}


def test_differences_are_leaves_by_path():
    old, new = {"a": {"b": 1, "c": [1, 2]}, "d": {}}, {"a": {"b": 2, "c": (1, 2)}, "e": None}
    assert differences(old, new) == [("a.b", 1, 2), ("d", {}, ABSENT), ("e", ABSENT, None)]
    assert differences(new, new) == []


def test_walk_finds_every_name_of_an_asset_and_leaves_what_is_malformed():
    seen: list[tuple[str, object]] = []

    def note(path: str, name: object) -> object:
        seen.append((path, name))
        return name

    document = to_document(RICH)
    assert Walk(asset=note).over(document) == document
    inner = "strategy.params.strategy.params.sleeves.0.params.weights"
    assert seen == [(f"{inner}.1", "1"), (f"{inner}.2", "2"), ("constraints.bounds.0.asset", 1)]
    for strange in (
        {"strategy": 3, "constraints": 3},
        {"strategy": {"name": "fixed", "params": {"weights": 3}}, "constraints": {"bounds": 3}},
        {"strategy": {"name": "blend", "params": {"sleeves": [3]}}, "constraints": {"bounds": [3, {}]}},
        {"strategy": {"name": "blend", "params": {"sleeves": 3}}},
        {"strategy": {"name": "volatility_target", "params": {"strategy": 3, "x": 1}}},
        {"strategy": {"name": ["fixed"], "params": {}}},
        {"strategy": {"name": "fixed", "params": 3}},
    ):
        assert Walk(asset=note).over(strange) == strange


@pytest.mark.parametrize(
    "text", ["a = ", "a = 1\na = 2", "x" * 1_000_001, "a = " + "[" * 5000, "a = " + "1" * 5000]
)
def test_text_that_is_no_rule_file_is_refused(text: str):
    with pytest.raises(InvalidRuleFile) as error:
        read_rule_file(text)
    assert [one.field for one in error.value.errors] == ["rules"]


def test_rule_file_writes_every_kind_of_value():
    document = {
        "a b": [1, "x\x7f", True, None],
        "mixed": [{"x": False}, 2],
        "empty": [],
        "table": {"deep": {"day": date(2020, 1, 2)}},
        "list": [{"x": 1e-7}, {"x": -0.0, "y": {"z": 1e22}}],
    }
    found = read_rule_file(write_rule_file(document))
    assert found == document | {"a b": [1, "x\x7f", True, "none"]}
    assert str(found["list"][1]["x"]) == "-0.0"


def test_every_field_has_a_meaning_in_rule_files():
    def paths(kind: type[Any], prefix: str = "") -> list[str]:
        return [f"{prefix}{one.name}" for one in fields(kind)]

    known = [*paths(IndexDefinition), *paths(SeriesPolicy, "series."), *paths(Schedule, "schedule.")]
    known += [*paths(Constraints, "constraints."), *paths(NthWeekday, "schedule.on.")]
    known += [*paths(WeightBounds, "constraints.bounds."), *paths(GroupCap, "constraints.group_caps.")]
    known += [*paths(WithholdingRate, "withholding."), *paths(StrategySpec, "strategy.")]
    known += paths(type(AUTOINDEX.guards), "guards.")
    assert set(MEANINGS) == {*known, "members"}


def test_every_strategy_has_a_formula_and_every_treatment_words():
    assert set(FORMULAS) == {one.name for one in STRATEGIES}
    assert set(TREATMENTS_TOLD) == set(TREATMENTS)


def test_methodology_tells_every_rule_that_is_set():
    document = to_document(RICH)
    edition = Edition(version=2, day=date(2024, 6, 3), reason="less", changes=[("decimals", 6, None)])
    first = Edition(version=1, day=date(2024, 6, 1), reason=None, changes=[])
    sections = {one.title: one.text for one in methodology(RICH, document, [edition, first])}
    assert sections["Objective"] == RICH.description
    assert "`sample-us20`" in sections["Universe"]
    assert "Volatility target" in sections["Weighting"]
    assert "1: 0.5, 2: 0.5" in sections["Weighting"]
    assert "top = none" in sections["Weighting"]
    assert "max_weight = 0.4" in sections["Constraints"]
    assert "min_weight" not in sections["Constraints"]
    assert "last friday of month 3" in sections["Calendar and reviews"]
    assert "drifted by more than 0.1" in sections["Calendar and reviews"]
    assert "at or below" not in sections["Calendar and reviews"]
    assert "costs 0.001" in sections["Calculation"]
    assert sections["Corporate actions"].count("|\n|") == 8
    assert "Withheld: * 0.15." in sections["Variants"]
    assert "The threshold is 0, relative." in sections["Corrections"]
    assert "- Version 2 of 2024-06-03 (less)\n  - decimals: 6 → none" in sections["Changes"]
    whole = as_markdown(RICH.name, tuple(methodology(RICH, document, [])))
    assert whole.startswith("# Waardhaven AutoIndex: methodology\n\n## Objective\n")


def test_methodology_of_plain_rules_says_what_is_not_set():
    plain = replace(AUTOINDEX, description="", strategy=StrategySpec(name="market_cap"))
    document = {**to_document(plain), "members": ["AAA:XNYS", "BBB:XNYS"]}
    sections = {one.title: one.text for one in methodology(plain, document, [])}
    assert sections["Objective"] == "None is stated."
    assert sections["Universe"] == "A list of 2: AAA:XNYS, BBB:XNYS."
    assert sections["Constraints"] == "None: weights are as the strategy gives them."
    assert "the first session of the period" in sections["Calendar and reviews"]
    assert "at or below -0.05" in sections["Calendar and reviews"]
    assert "adjusted for distributions" in sections["Variants"]
    assert "not treated again" in sections["Corporate actions"]
    assert "threshold" not in sections["Corrections"]
    assert "costs" not in sections["Calculation"]


def test_family_of_the_table_is_that_of_the_strategy_unless_constraints_hold_weights():
    plain = replace(AUTOINDEX, strategy=StrategySpec(name="price"))
    assert family_of(plain) is Family.PRICE_WEIGHTED
    assert family_of(replace(plain, constraints=Constraints(max_weight=0.5))) is Family.NON_CAP_WEIGHTED


@pytest.mark.parametrize("strategy", [one.name for one in STRATEGIES if one.name != "fixed"])
def test_every_strategy_can_be_told_in_words(strategy: str):
    definition = replace(AUTOINDEX, strategy=StrategySpec(name=strategy))
    text = as_markdown("x", methodology(definition, to_document(definition), []))
    assert FORMULAS[strategy] in text
