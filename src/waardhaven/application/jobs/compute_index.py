"""The job that brings an index up to date."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from waardhaven.application.indexes import DEFAULT_SLUG
from waardhaven.application.indexes.compare_history import CompareHistory, restate_from
from waardhaven.application.indexes.queries import ViewIndex
from waardhaven.application.indexes.update_index import UpdateIndex, UpdateIndices
from waardhaven.application.indexes.verify_index import Verdict, VerifyIndex
from waardhaven.application.jobs.params import choice, day_or_none, text
from waardhaven.application.ports.build_store import Revision
from waardhaven.application.ports.job_run import JobRun, Outcome
from waardhaven.domain.errors import WaardhavenError
from waardhaven.domain.identity.roles import Permission, Principal
from waardhaven.domain.index.build_record import Publication

SLUG = r"[a-z0-9][a-z0-9-]{0,62}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ComputeParams:
    """Which index, and how."""

    index: str = text(DEFAULT_SLUG, pattern=SLUG, doc="Short name of the index.")
    mode: str = choice(
        "extend",
        options=("extend", "restate", "verify"),
        doc=(
            "`extend`: the sessions that are not published yet. `restate`: compute published days again "
            "from today's facts and publish them as a restatement. `verify`: compute what is published "
            "again from its recorded facts, compare, change nothing."
        ),
    )
    also: str = text(
        "",
        pattern=rf"({SLUG}(,{SLUG})*)?",
        doc=(
            "With `extend`: other indices brought up to date in the same pass, short names separated by "
            "commas; what indices share is read once."
        ),
    )
    restate_from: date | None = day_or_none(
        doc="With `restate`: the first day to compute again; without it the base date."
    )


@dataclass(frozen=True, slots=True)
class ComputeIndex:
    """Compute an index off the event loop and publish its new days, or verify what is published.

    Before new days are added, what is published is compared with what the same rules say now; the policy
    of the index decides whether it is restated. Idempotent: the same facts give the same build, and a
    build is published once.
    """

    update: UpdateIndex
    verify: VerifyIndex
    view: ViewIndex
    compare: CompareHistory
    update_all: UpdateIndices

    async def __call__(self, by: Principal, params: ComputeParams, run: JobRun) -> Outcome:
        """Return what was published, None in ``publication`` when there was nothing to do."""
        by.require(Permission.BUILD_INDICES)
        run.progress(params.mode, 0, 1)
        if params.mode == "verify":
            verdicts = await self.verify(by, slug=params.index)
            result: dict[str, object] = {
                "index": params.index,
                "builds": [_verdict(one) for one in verdicts],
                "passed": all(one.passed for one in verdicts),
            }
        elif params.mode == "extend" and params.also:
            result = {"indices": await self._extend(by, [params.index, *params.also.split(",")])}
        else:
            revision = await self.compare(by, slug=params.index) if params.mode == "extend" else None
            since = restate_from(revision) or await self._from(by, params)
            made = await self.update(by, slug=params.index, restate_from=since)
            result = {
                "index": params.index,
                "publication": None if made is None else _publication(made),
                "compared": None if revision is None else _revision(revision),
            }
        run.progress(params.mode, 1, 1)
        return Outcome(result=result)

    async def _extend(self, by: Principal, slugs: Sequence[str]) -> list[dict[str, object]]:
        """Compare each with what was published, then bring all up to date that need no restatement."""
        revisions = {slug: await self.compare(by, slug=slug) for slug in dict.fromkeys(slugs)}
        plain = [slug for slug, one in revisions.items() if restate_from(one) is None]
        found = await self.update_all(by, slugs=plain)
        for slug, one in revisions.items():
            if slug not in found:
                found[slug] = await self.update(by, slug=slug, restate_from=restate_from(one))
        return [_extended(slug, found[slug], revisions[slug]) for slug in revisions]

    async def _from(self, by: Principal, params: ComputeParams) -> date | None:
        if params.mode != "restate":
            return None
        return params.restate_from or (await self.view(by, slug=params.index)).base_date


def _extended(
    slug: str, made: Publication | WaardhavenError | None, revision: Revision | None
) -> dict[str, object]:
    error = made.message if isinstance(made, WaardhavenError) else None
    return {
        "index": slug,
        "publication": _publication(made) if isinstance(made, Publication) else None,
        "compared": None if revision is None else _revision(revision),
        "error": error,
    }


def _publication(made: Publication) -> dict[str, object]:
    return {
        "id": int(made.id),
        "build": str(made.build),
        "kind": str(made.kind),
        "from_day": made.from_day.isoformat(),
        "through_day": made.through_day.isoformat(),
    }


def _revision(one: Revision) -> dict[str, object]:
    found = one.found
    return {
        "decision": str(one.decision),
        "first_day": None if found.first_day is None else found.first_day.isoformat(),
        "days": found.days,
        "largest": found.largest,
    }


def _verdict(one: Verdict) -> dict[str, object]:
    difference = one.difference
    return {
        "build": str(one.build),
        "sessions": one.sessions,
        "exact": one.exact,
        "same_inputs": one.same_inputs,
        "passed": one.passed,
        "first_difference": None if difference is None else f"{difference.field} on {difference.day}",
    }
