"""Plans, and how requests are cut for them."""

import pytest
from tests.fakes.provider_gate import FakeProviderGate

from waardhaven.adapters.outbound.http_session.session import HttpSession
from waardhaven.adapters.outbound.market_data.twelvedata.account import Account
from waardhaven.adapters.outbound.market_data.twelvedata.plans import PLANS
from waardhaven.adapters.outbound.market_data.twelvedata.queue import STREAK, BatchSize, Item, Queue
from waardhaven.application.ports.market_data import Capability
from waardhaven.application.ports.provider_gate import Allotment
from waardhaven.domain.index.definition import Adjustment

BARS = {Capability.BARS, Capability.QUOTES, Capability.SEARCH}
GROW = BARS | {Capability.ACTIONS}
PRO = GROW | {Capability.SHARES}
RAW, BOTH = (Adjustment.RAW,), (Adjustment.RAW, Adjustment.ALL)
TABLE = [
    ("free", Allotment(per_minute=8, per_day=800), BARS, BOTH, "smart", False),
    ("grow", Allotment(per_minute=55), GROW, RAW, "smart", False),
    ("pro", Allotment(per_minute=610), PRO, RAW, "full", False),
    ("ultra", Allotment(per_minute=2584), PRO, RAW, "full", True),
    ("enterprise", Allotment(per_minute=2584), PRO, RAW, "full", True),
]


@pytest.mark.parametrize(("name", "allotment", "offered", "modes", "refresh", "market_cap"), TABLE)
def test_plan_offers_what_the_provider_sells(
    name: str,
    allotment: Allotment,
    offered: set[Capability],
    modes: tuple[Adjustment, ...],
    refresh: str,
    market_cap: bool,
):
    plan = PLANS[name]
    assert plan.name == name
    assert plan.allotment == allotment
    assert plan.capabilities == offered
    assert plan.adjustments == modes
    assert (plan.refresh, plan.market_cap) == (refresh, market_cap)
    assert 1 <= plan.batch <= min(allotment.per_minute or 120, 120)


def test_every_plan_is_in_the_table():
    assert [row[0] for row in TABLE] == list(PLANS)


@pytest.mark.parametrize("name", PLANS)
def test_plan_without_actions_brings_adjusted_bars(name: str):
    plan = PLANS[name]
    assert (Adjustment.ALL in plan.adjustments) is (Capability.ACTIONS not in plan.capabilities)
    assert plan.adjustments[0] is Adjustment.RAW


def test_higher_step_of_a_plan_is_counted_by_the_minute_and_keeps_its_day():
    requests = [
        Account(key="k", plan=PLANS[name], rate_limit=377).requests(HttpSession(), FakeProviderGate())
        for name in ("grow", "free")
    ]
    assert [one.allotment for one in requests] == [
        Allotment(per_minute=377),
        Allotment(per_minute=377, per_day=800),
    ]


def item(symbol: str, **changes: object) -> Item:
    return Item(place=0, symbol=symbol, **changes)  # type: ignore[arg-type]


def test_items_share_a_request_only_with_those_of_the_same_parameters():
    queue = Queue()
    for one in (item("A"), item("B", params=(("x", "1"),)), item("C"), item("D", alone=True)):
        queue.add(one)
    taken = []
    while len(queue):
        taken.append([one.symbol for one in queue.take(9)])
    assert taken == [["A", "C"], ["B"], ["D"]]


def test_no_request_names_a_symbol_twice():
    queue = Queue()
    for symbol in ("A", "B", "a", "C"):
        queue.add(item(symbol))
    assert [one.symbol for one in queue.take(9)] == ["A", "B"]
    assert [one.symbol for one in queue.take(9)] == ["a", "C"]


def test_items_put_back_are_taken_again_first_and_in_their_order():
    queue = Queue()
    for one in (item("A"), item("B"), item("C"), item("D", params=(("x", "1"),))):
        queue.add(one)
    queue.take(3)
    second = queue.take(1)
    queue.put_back(second)
    queue.put_back([item("A"), item("B")])
    assert [one.symbol for one in queue.take(1)] == ["A"]
    assert [one.symbol for one in queue.rest()] == ["B", "D"]
    assert len(queue) == 0


def test_requests_shrink_after_a_refusal_and_grow_again_slowly():
    size = BatchSize(8)
    size.shrink(8)
    assert size.now == 4
    size.shrink(1)
    assert size.now == 1
    for _ in range(STREAK):
        size.answered()
    assert size.now == 2
    for _ in range(STREAK * 20):
        size.answered()
    assert size.now == 8
