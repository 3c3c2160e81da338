"""Refreshing over a scripted source: what is asked for, what is taken, and what becomes of each symbol."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest
from tests.fakes.clock import FakeClock
from tests.fakes.job_run import FakeJobRun
from tests.unit.application.market_house import MarketHouse

from waardhaven.application.jobs.refresh_market import RefreshParams
from waardhaven.application.market.fates import Fate, SymbolFate
from waardhaven.application.market.refresh_prices import RefreshReport
from waardhaven.application.market.refresh_rules import CONFIGURED, RefreshMode, RefreshRules
from waardhaven.application.ports.fx_rates import QuotedRates
from waardhaven.application.ports.job_run import Follower
from waardhaven.application.ports.market_data import (
    BarColumns,
    Capability,
    ListedAction,
    Reason,
    SharesOutstanding,
    SourceUnavailable,
)
from waardhaven.application.ports.market_facts import Listing, SessionColumns
from waardhaven.application.ports.reference_store import AssetFilter
from waardhaven.domain.identity.roles import OPERATOR, PermissionDenied, Principal, Role
from waardhaven.domain.index.definition import Adjustment, SeriesPolicy
from waardhaven.domain.market.quality import FindingKind

FIRST, LAST = date(2026, 10, 1), date(2026, 11, 20)
"""The market of the source: every weekday, the last one a Friday."""
SATURDAY = datetime(2026, 11, 21, 12, tzinfo=UTC)
DAYS = np.array(
    [one for one in np.arange(np.datetime64(FIRST), np.datetime64(LAST) + 1) if np.is_busday(one)],
    dtype="datetime64[D]",
)
SYMBOLS = ("AAA", "BBB", "CCC", "DDD")
VALUES = ("day", "open", "high", "low", "close", "volume")


def listed(symbol: str) -> Listing:
    return Listing(symbol=symbol, mic="XNYS", name=f"{symbol} Inc.", asset_type="equity", currency="USD")


def bars(symbol: str, mode: Adjustment = Adjustment.RAW, *, days: np.ndarray = DAYS) -> BarColumns:
    close = 100.0 + np.arange(len(days)) + 10 * SYMBOLS.index(symbol)
    return BarColumns(
        listing=listed(symbol),
        source="sample",
        adjustment=mode,
        quote_unit="USD",
        day=days,
        open=close,
        high=close + 1.0,
        low=close - 1.0,
        close=close,
        volume=np.full(len(days), 1000.0),
    )


def sessions(mic: str = "XNYS") -> SessionColumns:
    day = np.arange(np.datetime64("2026-09-01"), np.datetime64("2026-12-31"))
    day = day[np.is_busday(day)]
    midnight = day.astype("datetime64[s]")
    return SessionColumns(
        mic=mic,
        day=day,
        open_at=midnight + np.timedelta64(14, "h"),
        close_at=midnight + np.timedelta64(21, "h"),
    )


@pytest.fixture
async def house() -> MarketHouse:
    house = MarketHouse(rules=RefreshRules(universe=tuple(f"{one}:XNYS" for one in SYMBOLS)))
    house.source.found = [listed(one) for one in SYMBOLS]
    house.source.prices = [bars(one) for one in SYMBOLS]
    house.calendars.known = [sessions()]
    house.clock.instant = SATURDAY
    house.key()
    await house.seed(OPERATOR)
    house.source.asked.clear()
    return house


def fates(report: RefreshReport) -> dict[str, Fate]:
    return {one.symbol: one.fate for one in report.symbols}


def fate(report: RefreshReport, symbol: str) -> SymbolFate:
    return next(one for one in report.symbols if one.symbol == symbol)


async def finished(house: MarketHouse, mode: RefreshMode) -> RefreshReport:
    """Refresh as a job does that nobody interrupts."""
    report = await house.refresh(OPERATOR, mode=mode)
    await house.refresh.finish(OPERATOR, report)
    return report


async def stored(house: MarketHouse, symbol: str, mode: Adjustment = Adjustment.RAW) -> np.ndarray:
    assets = {one.symbol: one.id for one in await house.market.find_assets(AssetFilter(), limit=100)}
    policy = SeriesPolicy(source="sample", adjustment=mode)
    series = (await house.market.series_of([assets[symbol]], policy))[assets[symbol]].id
    return (await house.market.bars([series])).day


# --- seeding


async def test_configured_universe_is_registered_with_its_sessions_once(house: MarketHouse):
    known = await house.market.find_assets(AssetFilter(universe=CONFIGURED), limit=10)
    assert [one.symbol for one in known] == list(SYMBOLS)
    assert len(await house.market.sessions("XNYS")) == len(sessions().day)
    vintages = len(house.market.vintages)
    again = await house.seed(OPERATOR)
    assert (again.assets, again.unknown, len(house.market.vintages)) == (4, {}, vintages)
    assert house.source.asked == []


async def test_symbol_that_leaves_the_settings_leaves_the_universe_and_stays_in_the_store(house: MarketHouse):
    house.rules = RefreshRules(universe=("AAA:XNYS",))
    await house.seed(OPERATOR)
    inside = await house.market.find_assets(AssetFilter(universe=CONFIGURED), limit=10)
    assert [one.symbol for one in inside] == ["AAA"]
    assert len(await house.market.find_assets(AssetFilter(), limit=10)) == 4


async def test_without_settings_the_known_default_list_is_seeded_without_asking(house: MarketHouse):
    house.rules = RefreshRules()
    report = await house.seed(OPERATOR)
    assert (report.assets, report.unknown, house.source.asked) == (13, {}, [])
    assert (await house.market.find_assets(AssetFilter(universe=CONFIGURED), limit=1))[0].symbol == "AAPL"


async def test_symbols_that_are_unknown_or_unclear_are_named_and_the_rest_is_seeded(house: MarketHouse):
    abroad = [replace(listed("VOW"), mic=mic) for mic in ("XETR", "XLON")]
    home = [replace(listed("ACN"), mic=mic) for mic in ("XMEX", "XNYS")]
    house.source.found += [*abroad, *home]
    house.rules = RefreshRules(universe=("AAA", "VOW", "ACN", "NOPE"))
    report = await house.seed(OPERATOR)
    assert report.unknown == {
        "VOW": "Name its exchange: VOW:XETR, VOW:XLON.",
        "NOPE": "No source that is set up knows it.",
    }
    inside = await house.market.find_assets(AssetFilter(universe=CONFIGURED), limit=10)
    assert [(one.symbol, one.mic) for one in inside] == [("AAA", "XNYS"), ("ACN", "XNYS")]


async def test_ambiguous_and_unreachable_symbols_are_named_and_nothing_at_all_is_no_universe(
    house: MarketHouse,
):
    await house.market.register_assets([replace(listed("AAA"), mic="XLON", currency="GBP")])
    house.rules = RefreshRules(universe=("AAA",))
    report = await house.seed(OPERATOR)
    assert report.assets == 0
    assert "several exchanges" in report.unknown["AAA"]


# --- what is asked for and taken


async def test_full_refresh_asks_for_everything_and_names_each_symbols_fate(house: MarketHouse):
    report = await house.refresh(OPERATOR, mode=RefreshMode.FULL)
    assert report.status == "ok"
    assert fates(report) == dict.fromkeys(SYMBOLS, Fate.UPDATED)
    assert {one.start for one in house.source.wanted} == {house.rules.history_start}
    assert (report.inserted, report.changed) == (4 * len(DAYS), 0)
    assert fate(report, "AAA").through == LAST
    assert (await stored(house, "AAA")).tolist() == DAYS.tolist()


async def test_smart_refresh_asks_for_the_missing_and_what_may_be_revised_alone(house: MarketHouse):
    house.source.prices = [bars(one, days=DAYS[:-3]) for one in SYMBOLS[:2]] + [bars("CCC")]
    await finished(house, RefreshMode.FULL)
    house.source.prices = [bars(one) for one in SYMBOLS]
    house.source.wanted.clear()
    report = await finished(house, RefreshMode.SMART)
    assert fates(report) == {
        "AAA": Fate.UPDATED,
        "BBB": Fate.UPDATED,
        "CCC": Fate.FRESH,
        "DDD": Fate.UPDATED,
    }
    asked = {one.listing.symbol: one.of("sample").start for one in house.source.wanted}
    last = DAYS[-4].astype(object)
    assert asked == {
        "AAA": last - timedelta(days=10),
        "BBB": last - timedelta(days=10),
        "DDD": house.rules.history_start,
    }
    assert (report.inserted, report.changed) == (6 + len(DAYS), 0)


async def test_smart_refresh_of_an_unchanged_universe_asks_and_writes_nothing(house: MarketHouse):
    await finished(house, RefreshMode.SMART)
    vintages, events = len(house.market.vintages), len(house.market.log.events)
    house.source.asked.clear()
    report = await finished(house, RefreshMode.SMART)
    assert fates(report) == dict.fromkeys(SYMBOLS, Fate.FRESH)
    assert (report.inserted, report.changed, report.status) == (0, 0, "ok")
    assert (len(house.market.vintages), len(house.market.log.events)) == (vintages, events)
    assert house.source.wanted[4:] == []


async def test_full_refresh_run_twice_changes_nothing(house: MarketHouse):
    await house.refresh(OPERATOR, mode=RefreshMode.FULL)
    vintages = len(house.market.vintages)
    report = await house.refresh(OPERATOR, mode=RefreshMode.FULL)
    assert fates(report) == dict.fromkeys(SYMBOLS, Fate.UNCHANGED)
    assert (report.inserted, report.changed, report.unchanged) == (0, 0, 4 * len(DAYS))
    assert len(house.market.vintages) == vintages


async def test_minimal_refresh_is_about_three_symbols_and_a_week(house: MarketHouse):
    report = await house.refresh(OPERATOR, mode=RefreshMode.MINIMAL)
    assert fates(report) == dict.fromkeys(SYMBOLS[:3], Fate.UPDATED)
    assert {one.start for one in house.source.wanted} == {SATURDAY.date() - timedelta(days=7)}
    assert (await stored(house, "AAA")).tolist() == DAYS[-5:].tolist()


@pytest.mark.parametrize(("hour", "taken"), [(20, DAYS[-2]), (21, DAYS[-1])])
async def test_bar_of_a_session_that_is_not_over_is_not_taken(
    house: MarketHouse, hour: int, taken: np.datetime64
):
    house.clock.instant = datetime(2026, 11, 20, hour, tzinfo=UTC)
    await house.refresh(OPERATOR, mode=RefreshMode.FULL)
    assert (await stored(house, "AAA"))[-1] == taken


async def test_correction_of_the_source_supersedes_and_the_former_stays_readable(house: MarketHouse):
    await house.refresh(OPERATOR, mode=RefreshMode.FULL)
    before = len(house.market.vintages)
    wrong = bars("AAA")
    close = wrong.close.copy()
    close[-1] += 0.5
    house.source.prices[0] = replace(wrong, close=close)
    house.clock.instant = SATURDAY + timedelta(days=3)
    report = await house.refresh(OPERATOR, mode=RefreshMode.SMART)
    assert (fates(report)["AAA"], report.changed) == (Fate.UPDATED, 1)
    series = min(house.market.series.values())
    assert (await house.market.closes([series])).close[-1] == close[-1]
    assert (await house.market.closes([series], vintage=before)).close[-1] == wrong.close[-1]


async def test_adjusted_history_that_was_restated_is_asked_for_from_its_start(house: MarketHouse):
    house.source.prices = [bars("AAA"), bars("AAA", Adjustment.ALL)]
    house.rules = RefreshRules(universe=("AAA:XNYS",))
    await house.seed(OPERATOR)
    early = np.array(DAYS[:-3])
    house.source.prices = [bars("AAA", days=early), bars("AAA", Adjustment.ALL, days=early)]
    await finished(house, RefreshMode.FULL)
    whole = bars("AAA", Adjustment.ALL)
    scaled = {name: getattr(whole, name) * 0.99 for name in ("open", "high", "low", "close")}
    house.source.prices = [bars("AAA"), replace(whole, **scaled)]
    house.source.wanted.clear()
    report = await finished(house, RefreshMode.SMART)
    assert [one.of("sample").start for one in house.source.wanted] == [
        early[-1].astype(object) - timedelta(days=10),
        house.rules.history_start,
    ]
    assert fates(report) == {"AAA": Fate.UPDATED}
    series = {key.adjustment: one for key, one in house.market.series.items()}
    found = await house.market.closes([series[Adjustment.ALL]])
    assert found.close.tolist() == scaled["close"].tolist()
    assert (await house.market.closes([series[Adjustment.RAW]])).close.tolist() == bars("AAA").close.tolist()


# --- what fails


async def test_symbols_that_fail_are_named_and_take_no_other_with_them(house: MarketHouse):
    house.source.undelivered = {"BBB": Reason.NOT_IN_PLAN, "DDD": Reason.NO_CREDITS}
    report = await house.refresh(OPERATOR, mode=RefreshMode.FULL)
    assert (report.status, fates(report)) == (
        "partial",
        {"AAA": Fate.UPDATED, "BBB": Fate.FAILED, "CCC": Fate.UPDATED, "DDD": Fate.FAILED},
    )
    assert fate(report, "BBB").reason == "not_in_plan"
    assert fate(report, "DDD").detail == "Nothing of DDD."


async def test_source_that_breaks_in_the_middle_leaves_what_it_gave_and_names_the_rest(house: MarketHouse):
    house.source.breaks_after = 2
    report = await house.refresh(OPERATOR, mode=RefreshMode.FULL)
    assert fates(report) == {
        "AAA": Fate.UPDATED,
        "BBB": Fate.UPDATED,
        "CCC": Fate.FAILED,
        "DDD": Fate.FAILED,
    }
    assert fate(report, "CCC").reason == "unavailable"


async def test_refresh_that_reached_nothing_at_all_is_worth_another_try(house: MarketHouse):
    house.source.undelivered = dict.fromkeys(SYMBOLS, Reason.UNAVAILABLE)
    with pytest.raises(SourceUnavailable, match="Nothing of AAA"):
        await house.refresh(OPERATOR, mode=RefreshMode.FULL)


async def test_what_was_not_reached_in_time_is_deferred_and_the_next_refresh_goes_on(house: MarketHouse):
    house.rules = replace(house.rules, deadline_seconds=0.0)
    report = await finished(house, RefreshMode.FULL)
    assert fates(report) == {
        "AAA": Fate.UPDATED,
        "BBB": Fate.DEFERRED,
        "CCC": Fate.DEFERRED,
        "DDD": Fate.DEFERRED,
    }
    house.rules = replace(house.rules, deadline_seconds=60.0)
    later = await finished(house, RefreshMode.SMART)
    assert fates(later) == {"AAA": Fate.UNCHANGED, **dict.fromkeys(SYMBOLS[1:], Fate.UPDATED)}


class Hurrying(FakeClock):
    """A second passes each time somebody looks."""

    def now(self) -> datetime:
        self.advance(timedelta(seconds=1))
        return super().now()


async def test_assets_that_came_before_time_ran_out_are_complete_and_the_next_refresh_goes_on(
    house: MarketHouse,
):
    house.clock = Hurrying(instant=house.clock.instant)
    house.rules = replace(house.rules, assets_at_once=2, deadline_seconds=3.0)
    report = await finished(house, RefreshMode.SMART)
    assert fates(report) == {
        "AAA": Fate.UPDATED,
        "BBB": Fate.UPDATED,
        "CCC": Fate.UPDATED,
        "DDD": Fate.DEFERRED,
    }
    assert set(report.complete) == set(report.touched[:2])
    house.rules = replace(house.rules, deadline_seconds=60.0)
    later = await finished(house, RefreshMode.SMART)
    assert fates(later) == {
        "AAA": Fate.FRESH,
        "BBB": Fate.FRESH,
        "CCC": Fate.UNCHANGED,
        "DDD": Fate.UPDATED,
    }


async def test_refresh_that_was_never_finished_is_done_over_with_everything_that_follows(house: MarketHouse):
    odd = bars("AAA")
    odd.close[3] = -1.0
    house.source.prices[0] = odd
    interrupted = await house.refresh(OPERATOR, mode=RefreshMode.SMART)
    again = await house.refresh(OPERATOR, mode=RefreshMode.SMART)
    assert fates(again) == dict.fromkeys(SYMBOLS, Fate.UNCHANGED)
    assert again.judged == interrupted.judged == tuple(again.complete)
    assert (again.touched, again.since) == ((), house.rules.history_start)


async def test_symbol_that_came_in_one_way_and_not_in_another_is_asked_for_whole_again(
    house: MarketHouse, monkeypatch: pytest.MonkeyPatch
):
    whole = house.source._bars_of
    monkeypatch.setattr(
        house.source,
        "_bars_of",
        lambda one: [
            *whole(one),
            *([house.source._nothing(one.listing)] if one.listing.symbol == "AAA" else []),
        ],
    )
    assert fates(await finished(house, RefreshMode.SMART)) == dict.fromkeys(SYMBOLS, Fate.UPDATED)
    monkeypatch.undo()
    house.source.prices.append(bars("AAA", Adjustment.ALL))
    house.source.wanted.clear()
    later = await finished(house, RefreshMode.SMART)
    assert fates(later) == {**dict.fromkeys(SYMBOLS, Fate.FRESH), "AAA": Fate.UPDATED}
    assert [one.start for one in house.source.wanted] == [house.rules.history_start]
    assert (await stored(house, "AAA", Adjustment.ALL)).tolist() == DAYS.tolist()


async def test_bars_that_can_be_none_are_left_out_and_flagged(house: MarketHouse):
    odd = bars("AAA")
    close, day = odd.close.copy(), odd.day.copy()
    close[3], day[7] = -1.0, day[6]
    house.source.prices[0] = replace(odd, close=close, day=day)
    await house.refresh(OPERATOR, mode=RefreshMode.FULL)
    held = await stored(house, "AAA")
    assert len(held) == len(DAYS) - 3
    assert not {DAYS[3], DAYS[6], DAYS[7]} & set(held)
    flags = {(one.day, one.kind) for one in house.flags.rows.at(None).values()}
    assert (DAYS[3].astype(object), FindingKind.NON_POSITIVE) in flags
    assert (DAYS[6].astype(object), FindingKind.CONTRADICTION) in flags


async def test_what_is_odd_is_recorded_before_the_bars_so_that_no_kill_loses_it(
    house: MarketHouse, monkeypatch: pytest.MonkeyPatch
):
    house.source.prices[0].close[3] = -1.0

    async def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(house.market, "write", killed)
    with pytest.raises(KeyboardInterrupt):
        await house.refresh(OPERATOR, mode=RefreshMode.FULL)
    assert [one.kind for one in house.flags.rows.at(None).values()] == [FindingKind.NON_POSITIVE]
    assert len(await stored(house, "AAA")) == 0


async def test_actions_and_shares_of_what_was_reached_are_kept(house: MarketHouse):
    day = DAYS[5].astype(object)
    house.source.events = [
        ListedAction(listing=listed("AAA"), source="sample", key="s", kind="split", ex_date=day, ratio="2")
    ]
    house.source.counts = [
        SharesOutstanding(listing=listed("AAA"), source="sample", day=day, shares=5e6, status="reported")
    ]
    report = await house.refresh(OPERATOR, mode=RefreshMode.FULL)
    assert report.actions == 1
    (known,) = await house.market.actions([1])
    assert (known.key, known.action.ratio) == ("s", 2)
    assert (await house.market.shares([1])).shares.tolist() == [5e6]


@pytest.mark.parametrize("role", [Role.VIEWER, Role.ANALYST])
async def test_only_operators_refresh(house: MarketHouse, role: Role):
    by = Principal(user=None, role=role)
    for act in (
        house.seed(by),
        house.refresh(by, mode=RefreshMode.FULL),
        house.rates(by, mode=RefreshMode.FULL),
    ):
        with pytest.raises(PermissionDenied):
            await act
    assert house.source.asked == []


# --- rates


def rates(*days: str) -> QuotedRates:
    axis = np.array(days, dtype="datetime64[D]")
    return QuotedRates(
        base="EUR", quote="USD", source="sample", fixing="ECB", day=axis, rate=np.full(len(axis), 1.1)
    )


async def test_rates_are_asked_for_from_the_last_known_on_and_a_source_that_fails_is_named(
    house: MarketHouse,
):
    house.fx.quoted = [rates("2026-10-01", "2026-11-19")]
    (first,) = await house.rates(OPERATOR, mode=RefreshMode.SMART)
    assert (first.inserted, first.through, first.error) == (2, date(2026, 11, 19), None)
    house.fx.quoted = [rates("2026-10-01", "2026-11-19", "2026-11-20")]
    (second,) = await house.rates(OPERATOR, mode=RefreshMode.SMART)
    assert (second.inserted, second.unchanged) == (1, 1)
    house.fx.broken = True
    (third,) = await house.rates(OPERATOR, mode=RefreshMode.FULL)
    assert third.error == "The source is out of reach."


# --- the job


async def test_job_tells_progress_by_symbol_and_has_the_index_computed_afterwards(house: MarketHouse):
    run = FakeJobRun()
    house.source.undelivered = {"CCC": Reason.NOT_IN_PLAN}
    outcome = await house.job(OPERATOR, RefreshParams(), run)
    assert (outcome.result["mode"], outcome.result["status"]) == ("smart", "partial")
    symbols = outcome.result["symbols"]
    assert isinstance(symbols, list)
    assert symbols[2] == {
        "symbol": "CCC",
        "mic": "XNYS",
        "fate": "failed",
        "source": "sample",
        "bars": 0,
        "reason": "not_in_plan",
        "detail": "Nothing of CCC.",
    }
    assert outcome.then == (Follower(type="compute", params={"index": "autoindex"}),)
    prices = [(one.done, one.total, one.message) for one in run.told if one.stage == "prices"]
    assert prices == [(0, 4, ""), *((n, 4, symbol) for n, symbol in enumerate(SYMBOLS, start=1))]


async def test_job_without_a_provider_loads_the_package(house: MarketHouse):
    plain = MarketHouse()
    plain.source.known = [listed("AAA")]
    plain.source.prices = [bars("AAA")]
    outcome = await plain.job(OPERATOR, RefreshParams(then="nothing"), FakeJobRun())
    assert outcome.result == {
        "mode": "full",
        "status": "ok",
        "assets": 1,
        "inserted": len(DAYS),
        "changed": 0,
        "unchanged": 0,
        "findings": {},
    }
    assert outcome.then == ()


async def test_cached_refresh_asks_nobody(house: MarketHouse):
    outcome = await house.job(OPERATOR, RefreshParams(mode="cached"), FakeJobRun())
    assert outcome.result == {"mode": "cached", "status": "ok", "symbols": []}
    assert (house.source.asked, house.fx.asked) == ([], [])


async def test_job_needs_the_permission_to_operate(house: MarketHouse):
    with pytest.raises(PermissionDenied):
        await house.job(Principal(user=None, role=Role.ANALYST), RefreshParams(), FakeJobRun())


async def test_long_reports_go_to_a_file_of_the_job(house: MarketHouse, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("waardhaven.application.jobs.refresh_market.MOST_FATES", 2)
    run = FakeJobRun()
    outcome = await house.job(OPERATOR, RefreshParams(), run)
    symbols = outcome.result["symbols"]
    assert isinstance(symbols, list)
    assert len(symbols) == 2
    assert list(run.files) == ["symbols.json"]


def test_a_source_without_actions_is_not_asked_for_any():
    assert Capability.ACTIONS in MarketHouse().source.capabilities
