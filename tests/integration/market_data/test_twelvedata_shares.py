"""Share counts of the past from Twelve Data's market capitalisations."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from structlog.testing import capture_logs
from tests.integration.market_data.twelvedata_tools import Bench, bench
from tests.twelvedata_site import KEY, LAST, PASSING, Instrument, Part, Row, capitals_of, some_rows, weekdays

from waardhaven.application.ports.market_data import NotDelivered, Reason, SharesOutstanding

COUNT = 5_000_000
DAYS = weekdays(LAST, 70)
ENDS = [date(2024, 2, 29), date(2024, 3, 29), date(2024, 4, 30), date(2024, 5, 31)]
HASTY = {"timeout_seconds": 0.3}
Answers = list[SharesOutstanding | NotDelivered]


def stock(symbol: str = "AAPL", rows: tuple[Row, ...] | None = None, **changes: Any) -> Instrument:
    rows = some_rows(symbol, DAYS) if rows is None else rows
    known: dict[str, Any] = {"rows": rows, "shares": COUNT, "capitals": capitals_of(rows, COUNT)}
    return Instrument(symbol=symbol, **(known | changes))


async def shares(made: Bench, *instruments: Instrument) -> Answers:
    return [each async for each in made.source.shares([one.listing for one in instruments])]


async def shares_of(one: Instrument, **settings: Any) -> Answers:
    async with bench([one], plan="ultra", **settings) as made:
        return await shares(made, one)


def past(answers: Answers) -> list[tuple[date, float]]:
    """The approximate counts; before them stands today's alone."""
    today, *rest = answers
    assert isinstance(today, SharesOutstanding)
    assert (today.day, today.shares, today.status) == (date(2024, 6, 3), COUNT, "reported")
    told = [one for one in rest if isinstance(one, SharesOutstanding)]
    assert len(told) == len(rest)
    assert {(one.status, one.source) for one in told} <= {("approximate", "twelvedata")}
    return [(one.day, one.shares) for one in told]


def asked(made: Bench, path: str) -> list[dict[str, list[str]]]:
    urls = [urlsplit(one) for one in made.site.asked]
    return [parse_qs(url.query) for url in urls if url.path == path]


def with_capital(one: Instrument, day: date, *values: Any) -> Instrument:
    """Replace the capitalisation of a day by others, or by none."""
    rest = tuple(row for row in one.capitals if row["date"] != str(day))
    made: tuple[Part, ...] = tuple({"date": str(day), "value": value} for value in values)
    return replace(one, capitals=tuple(sorted((*rest, *made), key=lambda row: row["date"])))


@pytest.mark.parametrize("plan", ["ultra", "enterprise"])
async def test_counts_of_the_past_are_one_for_each_month_and_cost_six_credits(plan: str):
    one, after = stock(), str(LAST + timedelta(days=1))
    async with bench([one], plan=plan) as made:
        answers = await shares(made, one)
    assert past(answers) == [(day, COUNT) for day in ENDS]
    assert made.site.most == 50 + 5 + 1
    (capitals,), (series,) = asked(made, "/market_cap"), asked(made, "/time_series")
    assert capitals == {"symbol": ["AAPL"], "mic_code": ["XNAS"], "page": ["1"], "outputsize": ["1000"]}
    assert (series["adjust"], series["start_date"], series["end_date"]) == (["none"], [str(DAYS[0])], [after])


async def test_plan_without_market_capitalisations_tells_todays_count_alone():
    one = stock()
    async with bench([one], plan="pro") as made:
        assert past(await shares(made, one)) == []
    assert [path.partition("?")[0] for path in made.site.asked] == ["/statistics"]


async def test_count_before_a_split_is_that_of_its_time():
    rows = some_rows("AAPL", DAYS)
    old, new = rows[:40], rows[40:]
    split = {"date": new[0]["datetime"], "ratio": 0.25, "from_factor": 4, "to_factor": 1}
    one = stock(capitals=capitals_of(old, COUNT // 4) + capitals_of(new, COUNT), splits=(split,))
    assert ENDS[1] < date.fromisoformat(new[0]["datetime"]) < ENDS[2]
    counts = past(await shares_of(one))
    assert counts == list(zip(ENDS, [COUNT / 4, COUNT / 4, COUNT, COUNT], strict=True))


async def test_counts_are_whole_shares():
    one = stock()
    one = replace(one, capitals=tuple({**row, "value": row["value"] * 1.0000003} for row in one.capitals))
    assert past(await shares_of(one)) == [(day, COUNT + 2) for day in ENDS]


async def test_last_day_of_a_month_is_the_last_that_has_both_capitalisation_and_close():
    one = with_capital(stock(), ENDS[0])
    rows = tuple(row for row in one.rows if row["datetime"] != str(ENDS[1]))
    days = [day for day, _ in past(await shares_of(replace(one, rows=rows)))]
    assert days == [date(2024, 2, 28), date(2024, 3, 28), *ENDS[2:]]


async def test_month_that_is_not_over_has_no_count():
    rows = some_rows("AAPL", weekdays(date(2024, 6, 3), 71))
    assert past(await shares_of(stock(rows=rows))) == [(day, COUNT) for day in ENDS]


@pytest.mark.parametrize("values", [(None,), (0,), (-5,), ("inf",), ("nan",), (1e6, 2e6)])
async def test_capitalisation_that_is_none_or_told_in_two_ways_is_passed_over(values: tuple[Any, ...]):
    one = with_capital(with_capital(stock(), ENDS[2], *values), ENDS[3], *values)
    counts = past(await shares_of(one))
    assert counts == [(day, COUNT) for day in (*ENDS[:2], date(2024, 4, 29), date(2024, 5, 30))]


@pytest.mark.parametrize("beside", [None, "nan"])
async def test_capitalisation_told_twice_alike_counts_once(beside: str | None):
    one = stock()
    (value,) = [row["value"] for row in one.capitals if row["date"] == str(ENDS[2])]
    counts = past(await shares_of(with_capital(one, ENDS[2], value, beside, str(value))))
    assert counts == [(day, COUNT) for day in ENDS]


@pytest.mark.parametrize("change", [{"close": "0"}, {"close": "-3"}, {"close": "nan"}])
async def test_close_that_is_none_is_passed_over(change: dict[str, str]):
    one = stock()
    rows = tuple(row | change if row["datetime"] == str(ENDS[2]) else row for row in one.rows)
    days = [day for day, _ in past(await shares_of(replace(one, rows=rows)))]
    assert days == [*ENDS[:2], date(2024, 4, 29), ENDS[3]]


async def test_count_that_no_company_has_is_passed_over():
    one = with_capital(with_capital(stock(), ENDS[0], 1e300), ENDS[1], 1e-300)
    rows = tuple(row | {"close": "1e-300"} if row["datetime"] == str(ENDS[0]) else row for row in one.rows)
    days = [day for day, _ in past(await shares_of(replace(one, rows=rows)))]
    assert days == [date(2024, 2, 28), date(2024, 3, 28), *ENDS[2:]]


@pytest.mark.parametrize("empty_is_ok", [False, True])
@pytest.mark.parametrize(("rows", "pages"), [(999, 1), (1000, 2), (1001, 2), (2000, 3), (2500, 3)])
async def test_long_history_comes_whole_over_pages(rows: int, pages: int, empty_is_ok: bool):
    one = stock(rows=some_rows("AAPL", weekdays(LAST, rows)))
    async with bench([one], plan="ultra", empty_is_ok=empty_is_ok, page_rows=600) as made:
        counts = past(await shares(made, one))
    days = [date.fromisoformat(row["datetime"]) for row in one.rows]
    assert counts == [(day, COUNT) for day in sorted({(d.year, d.month): d for d in days}.values())]
    assert [query["page"] for query in asked(made, "/market_cap")] == [[str(n + 1)] for n in range(pages)]


async def test_endless_pages_are_read_to_the_twentieth():
    one = stock(rows=some_rows("AAPL", weekdays(LAST, 20_500)))
    async with bench([one], plan="ultra") as made:
        counts = past(await shares(made, one))
    assert len(asked(made, "/market_cap")) == 20
    first = date.fromisoformat(one.rows[-20_000]["datetime"])
    assert (counts[0][0].year, counts[0][0].month) == (first.year, first.month)


async def test_pages_that_repeat_themselves_are_not_read_on():
    one = stock(rows=some_rows("AAPL", weekdays(LAST, 1500)))
    async with bench([one], plan="ultra", turns_pages=False) as made:
        counts = past(await shares(made, one))
    assert len(asked(made, "/market_cap")) == 2
    assert len(counts) == len({row["datetime"][:7] for row in one.rows[-1000:]})


@pytest.mark.parametrize("hides", [False, True])
async def test_gate_on_market_capitalisations_leaves_todays_counts_standing(hides: bool):
    """The provider says 403: the plan is less than we were told."""
    market = stock("AAPL"), stock("MSFT")
    async with bench(market, plan="ultra", hides=hides) as made:
        made.site.plan = "pro"
        with capture_logs() as logs:
            answers = await shares(made, *market)
    told = [(one.listing.symbol, one.status) for one in answers if isinstance(one, SharesOutstanding)]
    assert told == [("AAPL", "reported"), ("MSFT", "reported")]
    assert len(answers) == 2
    warned = [(log["symbol"], log["reason"]) for log in logs if log["event"] == "no_past_share_counts"]
    assert warned == [("AAPL", "not_in_plan"), ("MSFT", "not_in_plan")]
    assert KEY not in str(logs)


@pytest.mark.parametrize("path", ["/market_cap", "/time_series"])
@pytest.mark.parametrize("hides", [False, True])
async def test_symbol_gated_for_its_past_alone_keeps_its_count_and_the_next_its_past(path: str, hides: bool):
    one, other = stock("AAPL", gated_paths=(path,)), stock("MSFT")
    async with bench([one, other], plan="ultra", hides=hides) as made:
        first, *rest = await shares(made, one, other)
    assert isinstance(first, SharesOutstanding)
    assert first.listing == one.listing
    assert past(rest) == [(day, COUNT) for day in ENDS]


@pytest.mark.parametrize(
    "change",
    [
        {"capitals": ()},
        {"capitals": ({"date": "soon", "value": 5},)},
        {"capitals": ({"date": "2024-05-31", "value": "much"},)},
        {"capitals": ({"date": "2024-05-31", "value": {}},)},
        {"capitals": ({"date": "2023-05-31", "value": 5},)},
    ],
    ids=["none", "no day", "no number", "another shape", "none of a day with a close"],
)
@pytest.mark.parametrize("empty_is_ok", [False, True])
async def test_capitalisations_that_are_none_leave_todays_count_standing(
    change: dict[str, Any], empty_is_ok: bool
):
    assert past(await shares_of(stock(**change), empty_is_ok=empty_is_ok)) == []


async def test_capitalisations_not_found_twice_leave_todays_count_standing():
    one = stock()
    async with bench([one], plan="ultra") as made:
        made.site.faults.extend([None, "doubtful", "doubtful"])
        assert past(await shares(made, one)) == []
    assert len(asked(made, "/market_cap")) == 2


async def test_closes_of_another_kind_of_instrument_deliver_no_past():
    """Bars tell the type of an instrument, which counts and capitalisations do not."""
    one = stock()
    async with bench([one], plan="ultra") as made:
        listing = replace(one.listing, asset_type="etf")
        assert past([each async for each in made.source.shares([listing])]) == []
    assert len(asked(made, "/time_series")) == 1


async def test_page_that_is_refused_delivers_no_past():
    one = stock(rows=some_rows("AAPL", weekdays(LAST, 1500)))
    async with bench([one], plan="ultra") as made:
        made.site.faults.extend([None, None, "wrong interval"])
        assert past(await shares(made, one)) == []


@pytest.mark.parametrize("place", [1, 2], ids=["capitalisations", "closes"])
@pytest.mark.parametrize("fault", [*PASSING, "minute", "minute hidden", "minute page"])
async def test_what_passes_is_asked_again_and_the_past_delivered(fault: str, place: int):
    one = stock()
    async with bench([one], plan="ultra", account=HASTY) as made:
        made.site.faults.extend([None] * place + [fault])
        assert past(await shares(made, one)) == [(day, COUNT) for day in ENDS]


@pytest.mark.parametrize("fault", ["bad key", "day"])
async def test_refusal_for_all_ends_the_past_after_every_present_count(fault: str):
    market = [stock(name) for name in ("A", "B", "C")]
    async with bench(market, plan="ultra") as made:
        made.site.faults.extend([None, None, None, fault])
        answers = await shares(made, *market)
    told = [(one.listing.symbol, one.status) for one in answers if isinstance(one, SharesOutstanding)]
    assert told == [(name, "reported") for name in "ABC"]
    assert (len(answers), len(made.site.asked)) == (3, 4)


async def test_provider_that_stays_away_after_the_counts_leaves_them_standing():
    market = [stock(name) for name in ("A", "B")]
    async with bench(market, plan="ultra", account={"patience_seconds": 30}) as made:
        made.site.faults.extend([None, None] + ["500"] * 100)
        answers = await shares(made, *market)
    assert [one.listing.symbol for one in answers if isinstance(one, SharesOutstanding)] == ["A", "B"]
    assert len(answers) == 2


async def test_credits_are_waited_for_and_never_overdrawn():
    market = [stock(name) for name in ("A", "B")]
    account = {"rate_limit": 53, "patience_seconds": 200}
    async with bench(market, plan="ultra", account=account, per_minute=53) as made:
        answers = await shares(made, *market)
    assert len(answers) == 2 * (1 + len(ENDS))
    assert (made.site.refused, sum(made.site.used.values())) == (0, 2 * 56)
    assert made.site.most <= 53


async def test_past_without_a_present_count_is_not_asked_for():
    one = stock(shares=None)
    async with bench([one], plan="ultra") as made:
        (answer,) = await shares(made, one)
    assert isinstance(answer, NotDelivered)
    assert answer.reason is Reason.BAD_DATA
    assert len(made.site.asked) == 1


@pytest.mark.parametrize(
    ("factor", "agrees"), [(0.79, False), (0.81, True), (1.0, True), (1.24, True), (1.26, False)]
)
async def test_past_that_is_of_other_shares_than_todays_count_is_left_out(factor: float, agrees: bool):
    """The capitalisation of a company with several kinds of shares is that of them all."""
    counted = round(COUNT * factor)
    one = stock()
    counts = past(await shares_of(replace(one, capitals=capitals_of(one.rows, counted))))
    assert counts == ([(day, counted) for day in ENDS] if agrees else [])


@pytest.mark.parametrize("parts", [1, 100], ids=["in pence", "in pounds"])
async def test_capitalisation_of_a_price_in_pence_may_be_in_pence_or_pounds(parts: int):
    one = stock("VOD", mic="XLON", currency="GBp")
    one = replace(one, capitals=tuple({**row, "value": row["value"] / parts} for row in one.capitals))
    listing = replace(one.listing, currency="GBP")
    async with bench([one], plan="ultra") as made:
        answers = [each async for each in made.source.shares([listing])]
    assert past(answers) == [(day, COUNT) for day in ENDS]
