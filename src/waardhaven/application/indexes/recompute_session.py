"""One official session computed again, from the official state before it and the facts of its build."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import TypeVar

import numpy as np

from waardhaven.application.indexes.official import OfficialHistory
from waardhaven.application.indexes.read_inputs import ReadInputs
from waardhaven.application.ports.build_store import PublishedSegment
from waardhaven.application.ports.compute_pool import ComputePool
from waardhaven.application.ports.indexes import IndexStore
from waardhaven.domain.errors import FieldError, Invalid
from waardhaven.domain.index.build_record import IndexRecord
from waardhaven.domain.index.composition import Composition, IndexState, LevelColumns
from waardhaven.domain.index.definition import IndexDefinition
from waardhaven.domain.index.explaining.last_session import LastSession, last_session
from waardhaven.domain.index.inputs import IndexInputs
from waardhaven.domain.index.official import official_state
from waardhaven.domain.index.publishing import official_levels, publication_of
from waardhaven.domain.provenance import CodeVersion
from waardhaven.domain.types import AssetId, Days, as_date

T = TypeVar("T")
Explained = Callable[..., T]


class NotPublished(Invalid):
    """A day that is no published session of the index."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """One official session: the publication it is official by, its rules, and the state before it.

    ``opening`` None: the session is the base date.
    """

    day: np.datetime64
    published: PublishedSegment
    rules: IndexRecord
    opening: IndexState | None


@dataclass(frozen=True, slots=True)
class RecomputeSession:
    """Computes one official session again: the rules, vintage and forced reviews of its build.

    A build of one more day equals that day of the whole build bit for bit, so the session alone is computed,
    from the published state before it.
    """

    indexes: IndexStore
    inputs: ReadInputs
    code: CodeVersion
    pool: ComputePool

    async def __call__(self, history: OfficialHistory, day: np.datetime64) -> LastSession:
        """Return the session explained; raise NotPublished, or what the build raises."""
        stretch = await self.stretch(history, day)
        return await self.explained(stretch, last_session)

    async def stretch(
        self, history: OfficialHistory, day: np.datetime64, *, sequence: int | None = None
    ) -> Stretch:
        """Find what made the session official, or what ``sequence`` made of it (an id of a publication)."""
        if sequence is None:
            found = publication_of(history.segments, day)
            if found is None:
                raise _not_published(history, day)
            sequence = found.sequence
        upto = [one for one in history.published if one.publication.id <= sequence]
        version = upto[-1].made_from.definition_version
        rules = history.index
        if version != rules.version:
            rules = await self.indexes.get(rules.definition.slug, version=version)
        return Stretch(
            day=day,
            published=upto[-1],
            rules=rules,
            opening=official_state([one.segment for one in upto], before=day),
        )

    async def explained(self, stretch: Stretch, function: Explained[T], *more: object) -> T:
        """Run ``function`` (definition, inputs, opening, ...) over the inputs of the session."""
        inputs = await self.read(stretch)
        return await self.pool.run(
            _run, function, stretch.rules.definition, inputs, stretch.opening, more, stretch.published.forced
        )

    async def read(self, stretch: Stretch) -> IndexInputs:
        """Return the inputs of the session as they were known to its build."""
        definition, opening = stretch.rules.definition, stretch.opening
        held = [] if opening is None else [AssetId(one) for one in opening.assets.tolist()]
        return await self.inputs(
            definition,
            vintage=stretch.published.made_from.vintage,
            anchor=definition.base_date if opening is None else as_date(opening.day),
            held=held,
            through=as_date(stretch.day),
        )

    def is_same_code(self, stretch: Stretch) -> bool:
        """Whether the build was made by this code on a machine of equal arithmetic, bit for bit."""
        made = stretch.published.made_from.code
        return (made.digest, made.fingerprint) == (self.code.digest, self.code.fingerprint)


def _run(
    function: Explained[T],
    definition: IndexDefinition,
    inputs: IndexInputs,
    opening: IndexState | None,
    more: tuple[object, ...],
    forced: Days,
) -> T:
    return function(definition, inputs, opening, *more, forced=forced)


def reproduces_level(found: LastSession, stretch: Stretch) -> bool:
    """Whether the level found is the published one, bit for bit."""
    return _published_level(stretch.published.levels, stretch.day) == found.closing.level


def reproduces_review(found: LastSession, published: Composition) -> bool:
    """Whether the composition found is the published one, bit for bit."""
    compositions = found.history.compositions
    last = compositions.at(len(compositions) - 1) if len(compositions) else None
    return last is not None and last.holds_as(published) and np.array_equal(last.weight, published.weight)


def session_day(history: OfficialHistory, day: date | None) -> np.datetime64:
    """Return a published session: the newest one, or ``day`` itself; raise NotPublished."""
    levels = official_levels(history.segments)
    if day is None:
        newest: np.datetime64 = levels.day[-1]
        return newest
    wanted = np.datetime64(day, "D")
    if not (levels.day == wanted).any():
        raise _not_published(history, wanted)
    return wanted


def _published_level(levels: LevelColumns, day: np.datetime64) -> float:
    return float(levels.level[int(np.searchsorted(levels.day, day))])


def _not_published(history: OfficialHistory, day: np.datetime64) -> NotPublished:
    days = official_levels(history.segments).day
    row = min(int(np.searchsorted(days, day)), len(days) - 1)
    near = days[max(row - 1, 0) : row + 1]
    nearest = near[np.argmin(np.abs((near - day).astype(np.int64)))]
    return NotPublished(
        f"{day} is no published session of {history.index.definition.slug!r}.",
        errors=[FieldError(field="date", rule=f"must be a published session; the nearest is {nearest}")],
    )
