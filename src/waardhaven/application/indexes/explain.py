"""Why an index had the level and a name the weight it had."""

from dataclasses import dataclass
from datetime import date, datetime

import numpy as np

from waardhaven.application.indexes.explanation_views import ExplanationView
from waardhaven.application.indexes.level_views import level_view
from waardhaven.application.indexes.names import named
from waardhaven.application.indexes.official import OfficialHistory, read_official
from waardhaven.application.indexes.recompute_session import (
    RecomputeSession,
    Stretch,
    reproduces_level,
    reproduces_review,
    session_day,
)
from waardhaven.application.indexes.weight_views import Found, weight_view
from waardhaven.application.ports.build_store import BuildStore
from waardhaven.application.ports.indexes import IndexStore
from waardhaven.application.ports.reference_store import ReferenceStore
from waardhaven.domain.identity.roles import Permission, Principal
from waardhaven.domain.index.build_record import InputsUnavailable
from waardhaven.domain.index.composition import Composition
from waardhaven.domain.index.explaining.last_session import LastSession, last_session
from waardhaven.domain.index.publishing import located_review, official_levels
from waardhaven.domain.market.asset import Asset, SymbolRef
from waardhaven.domain.types import as_date


@dataclass(frozen=True, slots=True)
class Explain:
    """A session of an index taken apart: its change of level and, for a name, its weight.

    The session is computed again from the published state before it, with the rules, facts and forced
    reviews of its build; so is the review in force on it. Nothing is explained by other arithmetic than that
    which made it, and the answer says whether the result is the published one, bit for bit.
    """

    indexes: IndexStore
    builds: BuildStore
    reference: ReferenceStore
    recompute: RecomputeSession

    async def __call__(
        self,
        by: Principal,
        *,
        slug: str,
        day: date | None = None,
        symbol: str | None = None,
        as_of: datetime | None = None,
    ) -> ExplanationView:
        """Explain the newest session unless ``day`` says another; without ``symbol`` the level alone.

        Raises UnknownIndex, NothingPublished, NotPublished, UnknownAsset or AmbiguousSymbol.
        """
        by.require(Permission.READ_INDICES)
        history = await read_official(self.indexes, self.builds, by, slug, as_of=as_of, compositions=True)
        at = session_day(history, day)
        asset = None if symbol is None else await self.reference.resolve(SymbolRef.parse(symbol))
        stretch = await self.recompute.stretch(history, at)
        found = await self.recompute.explained(stretch, last_session)
        review = None if asset is None else await self._review(history, stretch, found)
        return await self._view(history, Found(stretch=stretch, session=found), asset, review)

    async def _review(
        self, history: OfficialHistory, stretch: Stretch, found: LastSession
    ) -> tuple[Found, Composition]:
        """Compute the session again on which the review in force took effect."""
        located = located_review(history.segments, stretch.day)
        if located is None:
            raise InputsUnavailable(f"No review is in force on {stretch.day}.")
        segment, composition = located
        if composition.effective == stretch.day:
            return Found(stretch=stretch, session=found), composition
        then = await self.recompute.stretch(history, composition.effective, sequence=segment.sequence)
        return Found(stretch=then, session=await self.recompute.explained(then, last_session)), composition

    async def _view(
        self,
        history: OfficialHistory,
        now: Found,
        asset: Asset | None,
        review: tuple[Found, Composition] | None,
    ) -> ExplanationView:
        assets = await named(self.reference, now.session.closing.assets.tolist())
        slug, day = history.index.definition.slug, as_date(now.stretch.day)
        weight = None if asset is None or review is None else weight_view(asset, now, *review)
        reproduced = [reproduces_level(now.session, now.stretch)]
        same = [self.recompute.is_same_code(now.stretch)]
        if review is not None:
            reproduced.append(reproduces_review(review[0].session, review[1]))
            same.append(self.recompute.is_same_code(review[0].stretch))
        return ExplanationView(
            index=slug,
            date=day,
            previous=_previous(history, now.stretch.day),
            reproduced=all(reproduced),
            same_code=all(same),
            level=level_view(now.stretch.published.publication.build, day, now.session, assets),
            weight=weight,
            command=explain_command(slug, day, asset),
            provenance=history.provenance,
        )


def explain_command(slug: str, day: date, asset: Asset | None) -> str:
    """Return the line that computes an explanation again."""
    line = f"waardhaven explain {slug} --date {day}"
    return line if asset is None else f"{line} --symbol {asset.symbol}:{asset.mic}"


def _previous(history: OfficialHistory, day: np.datetime64) -> date | None:
    days = official_levels(history.segments).day
    row = int(np.searchsorted(days, day))
    return as_date(days[row - 1]) if row else None
