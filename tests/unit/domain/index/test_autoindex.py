from dataclasses import replace
from datetime import date

import pytest
from tests.factories import a_definition

from waardhaven.domain.index.autoindex import (
    InvalidConfiguration,
    NotConfigurable,
    StrategyConfiguration,
    default_definition,
)
from waardhaven.domain.index.definition import Adjustment, IndexDefinition, StrategySpec
from waardhaven.domain.index.validation import validated
from waardhaven.domain.market.calendar import Frequency


def test_the_default_index_is_the_one_users_know() -> None:
    definition = default_definition()
    assert (definition.slug, definition.name) == ("autoindex", "Waardhaven AutoIndex")
    assert (definition.base_date, definition.base_value) == (date(2000, 1, 3), 100.0)
    assert (definition.currency, definition.calendar, definition.benchmark) == ("USD", "XNYS", "SPX")
    assert (definition.universe, definition.series.source) == ("sample-us20", "sample")
    assert definition.series.adjustment is Adjustment.ALL
    assert definition.schedule.frequency is Frequency.WEEKLY
    assert validated(definition) == definition


@pytest.mark.parametrize(
    "words", ["adjusted closes", "total return", "proxy", "survivorship", "price floor is off"]
)
def test_its_description_tells_what_could_mislead(words: str) -> None:
    assert words in default_definition().description


def test_the_configuration_has_the_known_defaults() -> None:
    assert StrategyConfiguration.of(default_definition()) == StrategyConfiguration(
        momentum_weight=0.4,
        market_cap_weight=0.3,
        risk_parity_weight=0.3,
        min_price_threshold=1.0,
        max_daily_return=0.5,
        min_daily_return=-0.5,
        max_forward_fill_days=2,
        outlier_std_threshold=3.0,
        rebalance_frequency=Frequency.WEEKLY,
        daily_drop_threshold=-0.05,
    )


def test_a_configuration_comes_back_from_the_definition_it_was_applied_to() -> None:
    configuration = StrategyConfiguration(
        momentum_weight=0.0,
        market_cap_weight=0.25,
        risk_parity_weight=0.75,
        min_price_threshold=2.5,
        max_daily_return=0.2,
        min_daily_return=-0.3,
        max_forward_fill_days=0,
        outlier_std_threshold=5.0,
        rebalance_frequency=Frequency.YEARLY,
        daily_drop_threshold=None,
    )
    definition = configuration.applied_to(default_definition())
    assert StrategyConfiguration.of(definition) == configuration
    assert validated(definition) == definition


def test_parameters_inside_the_sleeves_survive_a_change_of_weights() -> None:
    sleeves = [{"strategy": "momentum", "weight": 1.0, "params": {"lookback": 60}}]
    definition = replace(
        default_definition(), strategy=StrategySpec(name="blend", params={"sleeves": sleeves})
    )
    found = StrategyConfiguration().applied_to(definition).strategy.params["sleeves"]
    assert found[0] == {"strategy": "momentum", "weight": 0.4, "params": {"lookback": 60}}


def test_guards_outside_the_configuration_survive_a_change_of_it() -> None:
    definition = default_definition()
    held_out = replace(definition.guards, held_out=("outlier",))
    changed = replace(StrategyConfiguration(), max_daily_return=0.2)
    found = changed.applied_to(replace(definition, guards=held_out)).guards
    assert (found.held_out, found.max_daily_return) == (("outlier",), 0.2)


def test_a_sleeve_that_is_not_there_has_weight_zero() -> None:
    sleeves = [{"strategy": "momentum", "weight": 1.0}]
    definition = replace(
        default_definition(), strategy=StrategySpec(name="blend", params={"sleeves": sleeves})
    )
    found = StrategyConfiguration.of(definition)
    assert (found.momentum_weight, found.market_cap_weight, found.risk_parity_weight) == (1.0, 0.0, 0.0)


@pytest.mark.parametrize(
    "definition",
    [
        a_definition("momentum"),
        a_definition("blend", {"sleeves": [{"strategy": "equal_weight", "weight": 1.0}]}),
        a_definition("blend", {"sleeves": "momentum"}),
    ],
)
def test_other_strategies_have_no_such_configuration(definition: IndexDefinition) -> None:
    with pytest.raises(NotConfigurable):
        StrategyConfiguration.of(definition)


@pytest.mark.parametrize(
    ("field", "values"),
    {
        "momentum_weight": [-0.1, 1.1, float("nan"), "0.4", None],
        "min_price_threshold": [0.0, 1e7],
        "max_daily_return": [0.0, 11.0],
        "min_daily_return": [-1.5, 0.0],
        "max_forward_fill_days": [-1, 31, 2.5],
        "outlier_std_threshold": [0.5, 11.0],
        "rebalance_frequency": ["hourly"],
        "daily_drop_threshold": [-1.5, 0.5],
    }.items(),
)
def test_every_bad_value_is_named(field: str, values: list[object]) -> None:
    for value in values:
        with pytest.raises(InvalidConfiguration) as caught:
            replace(StrategyConfiguration(), **{field: value}).checked()
        assert field in [error.field for error in caught.value.errors]


@pytest.mark.parametrize(("weight", "fine"), [(0.4009, True), (0.3991, True), (0.402, False), (0.398, False)])
def test_the_weights_must_sum_to_one_within_a_thousandth(weight: float, *, fine: bool) -> None:
    configuration = StrategyConfiguration(momentum_weight=weight)
    if fine:
        assert validated(configuration.applied_to(default_definition()))
    else:
        with pytest.raises(InvalidConfiguration, match="not valid"):
            configuration.applied_to(default_definition())


def test_a_frequency_may_be_given_by_its_name() -> None:
    configuration = StrategyConfiguration(rebalance_frequency="monthly")  # type: ignore[arg-type]
    assert configuration.applied_to(default_definition()).schedule.frequency is Frequency.MONTHLY
