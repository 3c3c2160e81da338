"""What was published beside what the same rules say with today's facts."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np

from waardhaven.application.answers import Page, SeriesView, check_range, clip, cursor_number
from waardhaven.application.indexes.official import read_official
from waardhaven.application.indexes.read_inputs import ReadInputs
from waardhaven.application.indexes.visible import editable, readable
from waardhaven.application.ports.build_store import BuildStore, PublishedSegment, Revision
from waardhaven.application.ports.compute_pool import ComputePool
from waardhaven.application.ports.indexes import IndexStore
from waardhaven.application.ports.reference_store import ReferenceStore
from waardhaven.domain.identity.roles import Permission, Principal
from waardhaven.domain.index.build import IndexHistory, compute
from waardhaven.domain.index.build_record import InputsUnavailable, Publication, PublicationKind
from waardhaven.domain.index.composition import IndexState, LevelColumns
from waardhaven.domain.index.definition import IndexDefinition
from waardhaven.domain.index.inputs import IndexInputs
from waardhaven.domain.index.official import official_state
from waardhaven.domain.index.publishing import Segment, official_levels
from waardhaven.domain.index.restating import Decision, aligned, compare, decide
from waardhaven.domain.types import AssetId, Days, Vintage, as_date


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stretch:
    """Publications (from the first to the newest) that one build under one version of the rules makes."""

    version: int
    from_day: date
    newest: Publication
    forced: Days

    def takes(self, one: PublishedSegment) -> bool:
        """Whether a publication just continues the stretch."""
        extends = one.publication.kind is PublicationKind.EXTEND
        return extends and one.made_from.definition_version == self.version


@dataclass(frozen=True, slots=True)
class RecomputeHistory:
    """Computes the official history again: every publication's rules and forced reviews, today's facts.

    Consecutive publications under one version of the rules are one build, as appended days equal a full
    rebuild bit for bit.
    """

    indexes: IndexStore
    inputs: ReadInputs
    pool: ComputePool

    async def __call__(
        self, slug: str, published: Sequence[PublishedSegment], *, vintage: Vintage
    ) -> LevelColumns:
        """Return the levels of the official days as known at ``vintage``."""
        known: list[Segment] = []
        for one in _stretches(published):
            opening = official_state(known, before=np.datetime64(one.from_day))
            rules = await self.indexes.get(slug, version=one.version)
            inputs = await self.inputs(
                rules.definition,
                vintage=vintage,
                anchor=rules.definition.base_date if opening is None else as_date(opening.day),
                held=[] if opening is None else [AssetId(each) for each in opening.assets.tolist()],
                through=one.newest.through_day,
            )
            result = await self.pool.run(_compute, rules.definition, inputs, opening, one.forced)
            known.append(
                Segment(
                    sequence=one.newest.id,
                    from_day=result.levels.day[0],
                    through_day=np.datetime64(one.newest.through_day),
                    levels=result.levels,
                    compositions=result.compositions,
                )
            )
        return official_levels(known)


def _compute(
    definition: IndexDefinition, inputs: IndexInputs, opening: IndexState | None, forced: Days
) -> IndexHistory:
    return compute(definition, inputs, opening=opening, forced=forced).history


def _stretches(published: Sequence[PublishedSegment]) -> list[_Stretch]:
    found: list[_Stretch] = []
    for one in published:
        if found and found[-1].takes(one):
            last = found.pop()
            forced = np.union1d(last.forced, one.forced)
            found.append(replace(last, newest=one.publication, forced=forced))
        else:
            made = _Stretch(
                version=one.made_from.definition_version,
                from_day=one.publication.from_day,
                newest=one.publication,
                forced=one.forced,
            )
            found.append(made)
    return found


@dataclass(frozen=True, slots=True)
class CompareHistory:
    """Compare the published levels with what the same rules say now, keep the comparison, and decide.

    The policy of the index decides: ``restate`` computes again from the first day that differs when the
    largest difference is above the threshold; otherwise the published levels stay. Nothing is published here.
    """

    indexes: IndexStore
    builds: BuildStore
    reference: ReferenceStore
    recompute: RecomputeHistory

    async def __call__(self, by: Principal, *, slug: str) -> Revision | None:
        """Return the comparison, None before the first publication."""
        by.require(Permission.BUILD_INDICES)
        index = await editable(self.indexes, by, slug)
        published = await self.builds.published(index.id)
        point = await self.reference.latest_vintage()
        if not published or point is None:
            return None
        known = await self.recompute(slug, published, vintage=point.id)
        found = compare(official_levels([one.segment for one in published]), known)
        revision = Revision(
            index=index.id,
            publication=published[-1].publication.id,
            vintage=point.id,
            found=found,
            decision=decide(index.definition, found),
        )
        await self.builds.log_revision(revision, by=by)
        return revision


def restate_from(revision: Revision | None) -> date | None:
    """Return the day from which a comparison asks to compute again, None where it does not."""
    return (
        None if revision is None or revision.decision is not Decision.RESTATED else revision.found.first_day
    )


@dataclass(frozen=True, slots=True)
class ListRevisions:
    """The log of what was published then and known later, newest first."""

    indexes: IndexStore
    builds: BuildStore

    async def __call__(
        self, by: Principal, *, slug: str, limit: int = 50, cursor: str | None = None
    ) -> Page[Revision]:
        """Return a page; raise UnknownIndex."""
        by.require(Permission.READ_INDICES)
        index = await readable(self.indexes, by, slug)
        found = await self.builds.revisions(index.id, limit=limit + 1, before=cursor_number(cursor))
        more = len(found) > limit
        return Page(items=tuple(found[:limit]), next_cursor=str(found[limit - 1].id) if more else None)


@dataclass(frozen=True, slots=True)
class ReadKnownNow:
    """The published levels beside those that the same rules give with the facts known now."""

    indexes: IndexStore
    builds: BuildStore
    reference: ReferenceStore
    recompute: RecomputeHistory

    async def __call__(
        self, by: Principal, *, slug: str, start: date | None = None, end: date | None = None
    ) -> SeriesView:
        """Return columns ``dates``, ``published``, ``known`` and ``difference`` (a fraction)."""
        by.require(Permission.READ_INDICES)
        check_range(start, end)
        history = await read_official(self.indexes, self.builds, by, slug)
        point = await self.reference.latest_vintage()
        if point is None:
            raise InputsUnavailable("There is no market data yet. Load some first.")
        known = await self.recompute(slug, history.published, vintage=point.id)
        then = official_levels(history.segments)
        inside = clip(then.day, start, end)
        days, levels = then.day[inside], then.level[inside]
        now = aligned(days, known)
        return SeriesView(
            columns={"dates": days, "published": levels, "known": now, "difference": now / levels - 1.0},
            head={"index": slug, "vintage": int(point.id), "provenance": history.provenance},
        )
