"""Published then, known now: corrections change neither the past nor the seam."""

from datetime import date

import numpy as np
import pytest
from tests.integration.conftest import Service, same_bits

from waardhaven.application.indexes.build_index import BuildIndex
from waardhaven.application.indexes.publish_build import PublishBuild
from waardhaven.application.indexes.queries import ReadAssetHistory, ReadCurrent, ReadHistory
from waardhaven.application.indexes.update_index import UpdateIndex
from waardhaven.application.indexes.verify_index import VerifyIndex
from waardhaven.application.ports.market_facts import MarketFacts, SharesFact
from waardhaven.application.ports.price_store import PriceStore
from waardhaven.application.ports.reference_store import ReferenceStore
from waardhaven.domain.identity.roles import OPERATOR
from waardhaven.domain.index.autoindex import default_definition
from waardhaven.domain.index.build_record import NothingToBuild, StaleBuild
from waardhaven.domain.market.asset import SymbolRef
from waardhaven.domain.market.prices import PriceColumns

CORRECTED = date(2015, 6, 17)


async def _series(service: Service, symbol: str) -> int:
    reference = await service.get(ReferenceStore)
    asset = await reference.resolve(SymbolRef.parse(symbol))
    return (await reference.series_of([asset.id], default_definition().series))[asset.id].id


async def _write(service: Service, symbol: str, days: list[date], closes: list[float]) -> None:
    unknown = np.full(len(days), np.nan)
    await (await service.get(PriceStore)).write(
        PriceColumns(
            series=np.full(len(days), await _series(service, symbol), dtype=np.int64),
            day=np.array(days, dtype="datetime64[D]"),
            open=unknown,
            high=unknown,
            low=unknown,
            close=np.array(closes),
            volume=unknown,
        )
    )


async def _correct(service: Service, symbol: str = "PFE", factor: float = 1.04) -> None:
    prices = await service.get(PriceStore)
    before = await prices.closes([await _series(service, symbol)], start=CORRECTED, end=CORRECTED)
    await _write(service, symbol, [CORRECTED], [float(before.close[0]) * factor])


async def test_history_has_every_session_and_starts_at_exactly_100(published: Service):
    history = await (await published.get(ReadHistory))(OPERATOR, slug="autoindex")
    sessions = await (await published.get(ReferenceStore)).sessions(
        "XNYS", start=date(2000, 1, 3), end=date(2022, 12, 28)
    )
    assert np.array_equal(history.columns["dates"], sessions)
    assert history.columns["values"][0] == 100.0
    assert np.isfinite(history.columns["values"]).all()


async def test_current_weights_sum_to_one(published: Service):
    current = await (await published.get(ReadCurrent))(OPERATOR, slug="autoindex")
    assert abs(sum(one.weight for one in current.allocations) - 1.0) <= 1e-12
    assert current.total_assets == len(current.allocations) > 10


async def test_published_build_is_reproduced_bit_for_bit(published: Service):
    verdicts = await (await published.get(VerifyIndex))(OPERATOR, slug="autoindex")
    assert [(one.exact, one.same_inputs, one.difference) for one in verdicts] == [(True, True, None)]


async def test_data_as_of_an_earlier_vintage_survive_a_correction_bit_for_bit(published: Service):
    prices, reference = await published.get(PriceStore), await published.get(ReferenceStore)
    point = await reference.latest_vintage()
    assert point is not None
    series = [await _series(published, symbol) for symbol in ("PFE", "AAPL")]
    before = await prices.bars(series, vintage=point.id)
    await _correct(published)
    after, now = await prices.bars(series, vintage=point.id), await prices.bars(series)
    for name in ("series", "day", "open", "high", "low", "close", "volume"):
        assert same_bits(getattr(before, name), getattr(after, name)), name
    assert np.flatnonzero(before.close != now.close).size == 1
    closes = await prices.closes(series, vintage=point.id)
    assert same_bits(closes.close, before.close)


async def test_asset_history_as_of_an_instant_before_the_correction_is_unchanged(published: Service):
    read = await published.get(ReadAssetHistory)
    point = await (await published.get(ReferenceStore)).latest_vintage()
    before = await read(OPERATOR, symbol="PFE")
    await _correct(published)
    then = await read(OPERATOR, symbol="PFE", as_of=point.at)
    now = await read(OPERATOR, symbol="PFE")
    assert same_bits(before.columns["close"], then.columns["close"])
    assert not same_bits(before.columns["close"], now.columns["close"])


async def test_correction_leaves_the_published_history_until_a_restatement(published: Service):
    read = await published.get(ReadHistory)
    before = await read(OPERATOR, slug="autoindex")
    await _correct(published)
    after = await read(OPERATOR, slug="autoindex")
    assert same_bits(before.columns["values"], after.columns["values"])
    verdicts = await (await published.get(VerifyIndex))(OPERATOR, slug="autoindex")
    assert all(one.passed for one in verdicts)


async def test_restatement_differs_only_from_the_corrected_day_on(published: Service):
    read = await published.get(ReadHistory)
    before = await read(OPERATOR, slug="autoindex")
    await _correct(published)
    record = await (await published.get(BuildIndex))(OPERATOR, slug="autoindex", restate_from=CORRECTED)
    publication = await (await published.get(PublishBuild))(OPERATOR, record.id, reason="PFE corrected")
    after = await read(OPERATOR, slug="autoindex")
    day = np.datetime64(CORRECTED)
    first = int(np.searchsorted(before.columns["dates"], day))
    assert record.start == CORRECTED
    assert same_bits(before.columns["values"][:first], after.columns["values"][:first])
    assert after.columns["values"][first] != before.columns["values"][first]
    assert publication.from_day == CORRECTED
    assert all(one.passed for one in await (await published.get(VerifyIndex))(OPERATOR, slug="autoindex"))


async def test_full_restatement_equals_the_old_history_before_the_correction(published: Service):
    read = await published.get(ReadHistory)
    before = (await read(OPERATOR, slug="autoindex")).columns
    await _correct(published)
    base = default_definition().base_date
    record = await (await published.get(BuildIndex))(OPERATOR, slug="autoindex", restate_from=base)
    first = int(np.searchsorted(before["dates"], np.datetime64(CORRECTED)))
    levels = np.round(record.result.levels.level, 6)
    assert record.opening is None
    assert same_bits(before["values"][:first], levels[:first])
    assert levels[first] != before["values"][first]


async def test_index_as_of_an_instant_shows_the_publication_in_force_then(published: Service):
    read = await published.get(ReadHistory)
    old = await read(OPERATOR, slug="autoindex")
    instant = old.head["provenance"].published_at
    await _correct(published)
    record = await (await published.get(BuildIndex))(OPERATOR, slug="autoindex", restate_from=CORRECTED)
    await (await published.get(PublishBuild))(OPERATOR, record.id, reason="PFE corrected")
    then = await read(OPERATOR, slug="autoindex", as_of=instant)
    now = await read(OPERATOR, slug="autoindex")
    assert same_bits(old.columns["values"], then.columns["values"])
    assert not same_bits(now.columns["values"], then.columns["values"])
    assert then.head["provenance"].publication == old.head["provenance"].publication


async def _add_sessions(service: Service, days: list[date]) -> None:
    reference, prices = await service.get(ReferenceStore), await service.get(PriceStore)
    members = await reference.universe("sample-us20")
    series = await reference.series_of([one for one, _, _ in members], default_definition().series)
    ids = np.array(sorted(one.id for one in series.values()), dtype=np.int64)
    last = await prices.closes(ids.tolist(), start=date(2022, 12, 28), end=date(2022, 12, 28))
    growth = 1.0 + 0.01 * np.sin(np.arange(len(ids))[None, :] + np.arange(1, len(days) + 1)[:, None])
    closes = (last.close[None, :] * np.cumprod(growth, axis=0)).ravel()
    unknown = np.full(len(closes), np.nan)
    await prices.write(
        PriceColumns(
            series=np.tile(ids, len(days)),
            day=np.repeat(np.array(days, dtype="datetime64[D]"), len(ids)),
            open=unknown,
            high=unknown,
            low=unknown,
            close=closes,
            volume=unknown,
        )
    )


NEW_DAYS = [date(2022, 12, 29), date(2022, 12, 30), date(2023, 1, 3), date(2023, 1, 4)]


async def test_new_sessions_extend_the_history_like_a_full_rebuild_bit_for_bit(published: Service):
    await _add_sessions(published, NEW_DAYS)
    build = await published.get(BuildIndex)
    full = await build(OPERATOR, slug="autoindex", restate_from=default_definition().base_date)
    step = await build(OPERATOR, slug="autoindex")
    assert step.result.levels.day.tolist() == NEW_DAYS
    assert same_bits(step.result.levels.level, full.result.levels.level[-len(NEW_DAYS) :])
    assert same_bits(step.result.closing.units, full.result.closing.units)


async def test_seam_has_no_jump_when_the_past_was_corrected_but_not_restated(published: Service):
    await _correct(published, factor=1.5)
    await _add_sessions(published, NEW_DAYS)
    read = await published.get(ReadHistory)
    before = await read(OPERATOR, slug="autoindex")
    await (await published.get(UpdateIndex))(OPERATOR, slug="autoindex")
    after = await read(OPERATOR, slug="autoindex")
    sessions = len(before.columns["values"])
    assert same_bits(after.columns["values"][:sessions], before.columns["values"])
    assert after.columns["dates"][sessions:].tolist() == NEW_DAYS
    changes = after.columns["values"][sessions:] / after.columns["values"][sessions - 1 : -1] - 1.0
    assert np.abs(changes).max() < 0.011
    assert all(one.passed for one in await (await published.get(VerifyIndex))(OPERATOR, slug="autoindex"))


async def test_updating_twice_publishes_once(published: Service):
    await _add_sessions(published, NEW_DAYS)
    update = await published.get(UpdateIndex)
    assert await update(OPERATOR, slug="autoindex") is not None
    assert await update(OPERATOR, slug="autoindex") is None


async def test_same_facts_rules_and_code_give_the_same_build(published: Service):
    build = await published.get(BuildIndex)
    one = await build(OPERATOR, slug="autoindex", restate_from=CORRECTED)
    other = await build(OPERATOR, slug="autoindex", restate_from=CORRECTED)
    assert one.id == other.id


async def test_up_to_date_index_has_nothing_to_build(published: Service):
    with pytest.raises(NothingToBuild):
        await (await published.get(BuildIndex))(OPERATOR, slug="autoindex")


async def test_build_made_before_another_publication_can_not_be_published(published: Service):
    build, publish = await published.get(BuildIndex), await published.get(PublishBuild)
    await _add_sessions(published, NEW_DAYS[:1])
    stale = await build(OPERATOR, slug="autoindex")
    await _add_sessions(published, NEW_DAYS[:2])
    newer = await build(OPERATOR, slug="autoindex")
    await publish(OPERATOR, newer.id, reason="newer")
    with pytest.raises(StaleBuild):
        await publish(OPERATOR, stale.id, reason="too late")


async def test_withdrawn_bar_is_gone_now_and_there_then(published: Service):
    prices, reference = await published.get(PriceStore), await published.get(ReferenceStore)
    point = await reference.latest_vintage()
    series = await _series(published, "PFE")
    before = await prices.closes([series], vintage=point.id)
    report = await prices.withdraw(series, [CORRECTED], reason="never traded")
    now = await prices.closes([series])
    assert report.changed == 1
    assert np.datetime64(CORRECTED) not in now.day
    assert len(now) == len(before) - 1
    assert same_bits((await prices.closes([series], vintage=point.id)).close, before.close)


async def test_new_share_count_changes_no_earlier_vintage(published: Service):
    reference, facts = await published.get(ReferenceStore), await published.get(MarketFacts)
    asset = await reference.resolve(SymbolRef.parse("AAPL"))
    point = await reference.latest_vintage()
    before = await reference.shares([asset.id], vintage=point.id)
    await facts.write_shares(
        [SharesFact(asset=asset.id, day=date(1990, 1, 1), shares=1.0, status="reported", source="sample")]
    )
    assert same_bits((await reference.shares([asset.id], vintage=point.id)).shares, before.shares)
    assert (await reference.shares([asset.id])).shares.tolist() == [1.0]
