"""A weight as it is shown: the review it comes from, and the drift since."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

import numpy as np

from waardhaven.application.indexes.explanation_views import (
    CovarianceView,
    DriftView,
    EffectView,
    FigureView,
    SleeveView,
    WeighingView,
    WeightExplanationView,
)
from waardhaven.application.indexes.figures import figure_id
from waardhaven.application.indexes.level_views import known
from waardhaven.application.indexes.recompute_session import Stretch, reproduces_review
from waardhaven.domain.index.build_record import InputsUnavailable
from waardhaven.domain.index.composition import Composition
from waardhaven.domain.index.explaining.last_session import Closing, LastSession
from waardhaven.domain.index.explaining.weighing import Refusal, Sleeve, Weighing
from waardhaven.domain.index.strategies.estimation import Preflight
from waardhaven.domain.market.asset import Asset
from waardhaven.domain.types import BuildId, Floats, Ids, as_date


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A session computed again, and what it was computed from."""

    stretch: Stretch
    session: LastSession

    @property
    def build(self) -> BuildId:
        """The build that is official for it."""
        return self.stretch.published.publication.build

    @property
    def day(self) -> date:
        """The session."""
        return as_date(self.stretch.day)


def weight_view(asset: Asset, now: Found, then: Found, published: Composition) -> WeightExplanationView:
    """Explain the weight of a name after the close of ``now`` by the review of ``then``."""
    closing, column = now.session.closing, _column(now.session.closing.assets, asset)
    weight, units = _at(closing.weight, column), _at(closing.units, column)
    price = _at(closing.price, column)

    def figure(name: str, value: float) -> FigureView:
        return FigureView(value=value, id=figure_id(now.build, name, now.day, asset.id))

    return WeightExplanationView(
        symbol=asset.symbol,
        name=asset.name,
        weight=figure("weight", weight),
        units=figure("units", units),
        price=price if price > 0.0 else None,
        review=_review(asset, then, published),
        drift=_drift(asset, now, then),
    )


def _review(asset: Asset, then: Found, published: Composition) -> WeighingView:
    review = then.session.review
    if review is None:
        raise InputsUnavailable(f"The review of {then.day} can not be computed again.")
    column = _column(review.assets, asset)
    refusals = _refusals(review, column)

    def figure(name: str, value: float) -> FigureView:
        return FigureView(value=value, id=figure_id(then.build, name, then.day, asset.id))

    return WeighingView(
        selection=as_date(review.selection),
        effective=as_date(review.effective),
        reason=published.reason.name.lower(),
        definition_version=then.stretch.rules.version,
        build=str(then.build),
        reproduced=reproduces_review(then.session, published),
        eligible=not set(refusals) - {Refusal.MARKET_CAP_UNKNOWN},
        refusals=tuple(str(one) for one in refusals),
        sleeves=tuple(_sleeves(review.strategy, review.strategy.strategy, column)),
        target=figure("target", _at(review.target, column)),
        effects=tuple(
            EffectView(
                step=one.step, before=_at(one.before, column), after=_at(one.after, column), text=one.text
            )
            for one in review.effects
        ),
        constrained=_at(review.constrained, column),
        weight=figure("review_weight", _at(review.weights, column)),
        held_before=_at(review.held, column),
    )


def _refusals(review: Weighing, column: int | None) -> tuple[Refusal, ...]:
    return (Refusal.NOT_A_MEMBER,) if column is None else review.refused(column)


def _sleeves(sleeve: Sleeve, path: str, column: int | None) -> Iterator[SleeveView]:
    figures = {} if column is None else sleeve.figures
    yield SleeveView(
        strategy=path,
        share=sleeve.share,
        weight=_at(sleeve.weights, column),
        figures={name: known(_at(values, column)) for name, values in figures.items()},
        covariance=None if sleeve.preflight is None else _covariance(sleeve.preflight, column),
    )
    for one in sleeve.sleeves:
        yield from _sleeves(one, f"{path}/{one.strategy}", column)


def _covariance(found: Preflight, column: int | None) -> CovarianceView:
    seen = found.diagnosis
    return CovarianceView(
        estimator=found.estimator,
        sessions=None if seen is None else seen.observations,
        names=None if seen is None else seen.names,
        sessions_per_name=None if seen is None else seen.per_name,
        smallest_eigenvalue=None if seen is None else known(seen.smallest_eigenvalue),
        condition=None if seen is None else known(seen.condition),
        reliable=seen is not None and seen.reliable,
        verdict="No name moved, so there is no covariance." if seen is None else seen.verdict,
        left_out=int((found.missing > 0).sum()),
        missing=0 if column is None else int(found.missing[column]),
    )


def _drift(asset: Asset, now: Found, then: Found) -> DriftView | None:
    worth = [_worth(one.session.closing, asset) for one in (then, now)]
    if not all(worth):
        return None
    value = [one.session.closing.level * one.session.closing.divisor for one in (then, now)]
    closing = now.session.closing
    return DriftView(
        since=then.day,
        weight_then=_at(then.session.closing.weight, _column(then.session.closing.assets, asset)),
        name_growth=worth[1] / worth[0],
        index_growth=value[1] / value[0],
        weight_now=_at(closing.weight, _column(closing.assets, asset)),
    )


def _worth(closing: Closing, asset: Asset) -> float:
    column = _column(closing.assets, asset)
    return _at(closing.units, column) * _at(closing.price, column)


def _column(assets: Ids, asset: Asset) -> int | None:
    found = np.flatnonzero(assets == asset.id)
    return int(found[0]) if len(found) else None


def _at(values: Floats, column: int | None) -> float:
    return 0.0 if column is None else float(values[column])
