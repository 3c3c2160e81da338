"""Reviews that people ask for, out of the schedule."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from waardhaven.application.indexes.visible import editable
from waardhaven.application.ports.build_store import BuildStore
from waardhaven.application.ports.indexes import IndexStore
from waardhaven.domain.identity.roles import Permission, Principal
from waardhaven.domain.index.build_record import ForcedReview, NothingPublished
from waardhaven.domain.types import Days

NO_REASON = "asked for by hand"


@dataclass(frozen=True, slots=True)
class ForceReview:
    """Have the weights of an index reviewed at the first session after its last official day.

    The review is selected as the schedule says, so it sees nothing of the day it takes effect on. Asking
    again before new days are published changes nothing; what is published already is never touched.
    """

    indexes: IndexStore
    builds: BuildStore

    async def __call__(self, by: Principal, *, slug: str, reason: str | None = None) -> ForcedReview:
        """Return the review; raise UnknownIndex, NotYours or NothingPublished."""
        by.require(Permission.BUILD_INDICES)
        index = await editable(self.indexes, by, slug)
        covered = await self.builds.coverage([index.id])
        if index.id not in covered:
            raise NothingPublished(
                f"Index {slug!r} has nothing published yet: its first build begins with a review.",
                context={"slug": slug},
            )
        _, last, _ = covered[index.id]
        return await self.indexes.force_review(index.id, after_day=last, reason=reason or NO_REASON, by=by)


def forced_days(asked: Sequence[ForcedReview], sessions: Days, *, since: np.datetime64, also: Days) -> Days:
    """Return the days after ``since`` on which reviews take effect, increasing, with ``also`` among them.

    Each review that was asked for takes effect at the first of ``sessions`` (n,) after its day; one that
    has none yet is not due.
    """
    after = np.array([one.after_day for one in asked], dtype="datetime64[D]")
    rows = np.searchsorted(sessions, after, side="right")
    days = sessions[rows[rows < len(sessions)]]
    due = days[days > since]
    return np.union1d(also, due) if len(due) else also
