"""A change of level as it is shown."""

from collections.abc import Mapping
from datetime import date
from math import isfinite

import numpy as np

from waardhaven.application.indexes.explanation_views import (
    ContributionsView,
    FigureView,
    LevelChangeView,
    PartsView,
    TreatmentView,
)
from waardhaven.application.indexes.figures import figure_id
from waardhaven.application.indexes.names import symbol_of
from waardhaven.domain.index.explaining.last_session import ActionTaken, LastSession
from waardhaven.domain.index.explaining.level_change import LevelChange
from waardhaven.domain.market.asset import Asset
from waardhaven.domain.types import BuildId, Floats

Named = Mapping[int, Asset]


def level_view(build: BuildId, day: date, found: LastSession, assets: Named) -> LevelChangeView:
    """Return the level of a session and what made it."""

    def figure(name: str, value: float | None) -> FigureView:
        return FigureView(value=value, id=figure_id(build, name, day))

    change = found.change
    net = None if change is None or change.net is None else _sum(change.net)
    return LevelChangeView(
        level=figure("level", found.closing.level),
        level_before=None if change is None else change.level_before,
        change=figure("level_change", None if change is None else change.change),
        parts=None
        if change is None
        else PartsView(
            prices=figure("prices", _sum(change.local)),
            currencies=figure("currencies", _sum(change.currency)),
            actions=figure("actions", change.actions),
            costs=figure("costs", change.costs),
            correction=figure("correction", change.correction),
        ),
        unexplained=0.0 if change is None else change.change - change.explained,
        divisor=figure("divisor", found.closing.divisor),
        divisor_before=None if change is None else change.divisor_before,
        gross_points=figure("gross_points", None if change is None else _sum(change.gross)),
        net_points=figure("net_points", net),
        contributions=None if change is None else _contributions(build, day, change, assets),
        actions=tuple(_action(one, assets) for one in found.actions),
    )


def _contributions(build: BuildId, day: date, change: LevelChange, assets: Named) -> ContributionsView:
    points = change.local + change.currency
    order = np.argsort(-np.abs(points), kind="stable")
    ids = change.assets[order].tolist()
    return ContributionsView(
        symbols=tuple(symbol_of(assets, one) for one in ids),
        weight_before=_listed(change.weight_before[order]),
        contribution=_listed(points[order]),
        price_points=_listed(change.local[order]),
        currency_points=_listed(change.currency[order]),
        action_points=_listed(change.action[order]),
        price_return=_known_list(change.local_return[order]),
        currency_return=_known_list(change.currency_return[order]),
        total_return=_known_list(change.own_return[order]),
        dividend_points=_listed(change.gross[order]),
        ids=tuple(figure_id(build, "contribution", day, one) for one in ids),
    )


def _action(one: ActionTaken, assets: Named) -> TreatmentView:
    return TreatmentView(
        symbol=symbol_of(assets, one.asset),
        kind=one.kind,
        at=one.at,
        done=one.done,
        ratio=known(one.ratio),
        cash=known(one.cash),
        units_before=one.units_before,
        units_after=one.units_after,
        price_before=known(one.price_before),
        price_after=known(one.price_after),
        divisor_before=one.divisor_before,
        divisor_after=one.divisor_after,
    )


def known(value: float) -> float | None:
    """Return the number, None for NaN and for what is not finite."""
    return value if isfinite(value) else None


def _listed(values: Floats) -> tuple[float, ...]:
    return tuple(values.tolist())


def _known_list(values: Floats) -> tuple[float | None, ...]:
    return tuple(known(one) for one in values.tolist())


def _sum(values: Floats) -> float:
    return float(np.add.accumulate(values)[-1])
