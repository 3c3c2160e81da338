from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime

from tests.fakes.audit_trail import FakeAuditTrail
from tests.fakes.clock import FakeClock
from tests.fakes.event_log import ADMINISTRATORS, FakeEventLog
from tests.fakes.risk import FakeRiskStore, FakeTrialLog

from waardhaven.application.ports.build_store import (
    BuildStore,
    BuildSummary,
    Head,
    PublicationDraft,
    PublishedSegment,
    Revision,
)
from waardhaven.application.ports.clock import Clock
from waardhaven.application.ports.indexes import IndexStore
from waardhaven.application.ports.risk_store import Unmeasured
from waardhaven.domain.events import (
    BuildFinished,
    IndexArchived,
    IndexDefined,
    IndexPublished,
    IndexRestored,
    ReviewForced,
    StrategyChanged,
)
from waardhaven.domain.identity.access import Access, Visibility
from waardhaven.domain.identity.roles import Principal
from waardhaven.domain.index.build_record import (
    BuildRecord,
    ForcedReview,
    IndexRecord,
    Publication,
    SlugTaken,
    StaleBuild,
    UnknownBuild,
    UnknownIndex,
)
from waardhaven.domain.index.composition import CompositionColumns, IndexState
from waardhaven.domain.index.definition import IndexDefinition
from waardhaven.domain.index.trials import session_ratio
from waardhaven.domain.types import BuildId, IndexId, as_date


@dataclass
class FakeIndexStore(IndexStore):
    """Every version of every definition, by slug."""

    log: FakeEventLog = field(default_factory=FakeEventLog)
    records: dict[str, list[IndexRecord]] = field(default_factory=dict)
    trail: FakeAuditTrail = field(default_factory=FakeAuditTrail)
    archived: set[str] = field(default_factory=set)
    forced: list[ForcedReview] = field(default_factory=list)

    async def define(
        self, definition: IndexDefinition, *, by: Principal, reason: str | None = None
    ) -> IndexRecord:
        known = self.records.get(definition.slug, [])
        if known:
            self._check_may_define(known[-1], by)
        if known and known[-1].definition == definition:
            return known[-1]
        record = IndexRecord(
            id=known[-1].id if known else IndexId(len(self.records) + 1),
            definition=definition,
            version=len(known) + 1,
            defined_at=datetime.now(UTC),
            access=known[-1].access if known else _access(by),
            author=by.user,
            reason=reason or None,
        )
        self.records[definition.slug] = [*known, record]
        before = bytes([record.version - 1]) * 32 if known else None
        after = bytes([record.version]) * 32
        self.trail.put("index.defined", by=by, target=f"index:{record.id}", before=before, after=after)
        event = StrategyChanged if known else IndexDefined
        self.log.put(event(index=int(record.id), version=record.version))
        return record

    def _check_may_define(self, known: IndexRecord, by: Principal) -> None:
        slug, taken = known.definition.slug, SlugTaken("The name is taken.")
        if slug not in self.archived:
            known.access.require_edit(by, taken)
            return
        if not known.access.may_manage(by):
            raise taken
        self.archived.remove(slug)
        self.trail.put("index.restored", by=by, target=f"index:{known.id}")
        self.log.put(IndexRestored(index=int(known.id)))

    async def get(self, slug: str, *, version: int | None = None) -> IndexRecord:
        known = [] if slug in self.archived else self.records.get(slug, [])
        found = known[-1:] if version is None else [one for one in known if one.version == version]
        if not found:
            raise UnknownIndex(f"There is no index {slug!r}.", context={"slug": slug})
        return found[0]

    async def by_id(self, index: IndexId) -> IndexRecord:
        found = next((one[-1] for one in self.records.values() if one[-1].id == index), None)
        if found is None:
            raise UnknownIndex("There is no such index.")
        return found

    async def list(self, *, by: Principal, limit: int, after: str | None = None) -> Sequence[IndexRecord]:
        slugs = sorted(slug for slug in self.records if after is None or slug > after)
        found = [self.records[slug][-1] for slug in slugs if slug not in self.archived]
        return [one for one in found if one.access.may_read(by)][:limit]

    async def versions(
        self, index: IndexId, *, limit: int, before: int | None = None
    ) -> Sequence[IndexRecord]:
        mine = [one for known in self.records.values() for one in known if one.id == index]
        return [one for one in mine[::-1] if before is None or one.version < before][:limit]

    async def archive(self, slug: str, *, by: Principal) -> None:
        known = await self.get(slug)
        known.access.require_manage(by, UnknownIndex("There is no such index.", context={"slug": slug}))
        self.archived.add(slug)
        self.trail.put("index.archived", by=by, target=f"index:{known.id}")
        self.log.put(IndexArchived(index=int(known.id)))

    async def force_review(
        self, index: IndexId, *, after_day: date, reason: str, by: Principal
    ) -> ForcedReview:
        for one in self.forced:
            if (one.index, one.after_day) == (index, after_day):
                return one
        made = ForcedReview(
            id=len(self.forced) + 1,
            index=index,
            after_day=after_day,
            reason=reason,
            requested_by=by.user,
            requested_at=datetime.now(UTC),
        )
        self.forced.append(made)
        day = after_day.isoformat()
        self.trail.put("index.review_forced", by=by, target=f"index:{index}", detail={"after_day": day})
        self.log.put(ReviewForced(index=int(index), after_day=day))
        return made

    async def forced_reviews(self, index: IndexId) -> Sequence[ForcedReview]:
        mine = [one for one in self.forced if one.index == index]
        return sorted(mine, key=lambda one: one.after_day)

    def version(self, index: IndexId, version: int | None = None) -> IndexRecord | None:
        """Return a version of an index, None: the newest; None where there is none."""
        mine = [one for known in self.records.values() for one in known if one.id == index]
        return next((one for one in mine[::-1] if version in (None, one.version)), None)

    def access_of(self, index: int) -> Access:
        """Return who may know of an index; administrators alone for one that is not there."""
        found = [one[-1].access for one in self.records.values() if one[-1].id == index]
        return found[0] if found else ADMINISTRATORS

    def change_access(self, slug: str, access: Access) -> None:
        """Change the rules behind everybody's back."""
        self.records[slug] = [replace(one, access=access) for one in self.records[slug]]


def _access(by: Principal) -> Access:
    return Access(owner=by.user, visibility=Visibility.PUBLIC if by.user is None else Visibility.PRIVATE)


@dataclass
class FakeBuildStore(BuildStore):
    """Builds by id and the chain of publications.

    Of an index in ``indexes`` a build counts as a variant, and a publication is to be measured.
    """

    log: FakeEventLog = field(default_factory=FakeEventLog)
    clock: Clock = field(default_factory=FakeClock)
    builds: dict[BuildId, BuildRecord] = field(default_factory=dict)
    publications: list[Publication] = field(default_factory=list)
    compared: list[Revision] = field(default_factory=list)
    trail: FakeAuditTrail = field(default_factory=FakeAuditTrail)
    indexes: FakeIndexStore = field(default_factory=FakeIndexStore)
    trials: FakeTrialLog = field(default_factory=FakeTrialLog)
    risk: FakeRiskStore = field(default_factory=FakeRiskStore)

    async def save(self, build: BuildRecord, *, by: Principal) -> None:
        if build.id not in self.builds:
            self.builds[build.id] = build
            self.trail.put("index.built", by=by, target=f"build:{build.id}", after=bytes(32))
            self.log.put(BuildFinished(build=build.id, index=int(build.index)))
            rules = self.indexes.version(build.index, build.provenance.definition_version)
            if rules is not None:
                ratio = session_ratio(build.result.levels.level)
                self.trials.add(build.index, rules.definition, ratio)

    async def load(self, build: BuildId) -> BuildRecord:
        if build not in self.builds:
            raise UnknownBuild(f"There is no build {build}.", context={"build": str(build)})
        return self.builds[build]

    async def summary(self, build: BuildId) -> BuildSummary:
        return self._summary(await self.load(build))

    async def summaries(
        self, index: IndexId, *, limit: int, before: BuildId | None = None
    ) -> list[BuildSummary]:
        mine = [one for one in self.builds.values() if one.index == index]
        mine.sort(key=_age, reverse=True)
        if before is not None:
            mine = [one for one in mine if before in self.builds and _age(one) < _age(self.builds[before])]
        return [self._summary(one) for one in mine[:limit]]

    def _summary(self, build: BuildRecord) -> BuildSummary:
        return BuildSummary(
            id=build.id,
            provenance=build.provenance,
            start=build.start,
            through=build.through,
            sessions=len(build.result.levels),
            restates=build.restates,
            opened_from=None if build.opening is None else as_date(build.opening.day),
            created_at=build.created_at,
            published=any(one.build == build.id for one in self.publications),
        )

    async def publish(self, draft: PublicationDraft, *, by: Principal) -> Publication:
        for one in self.publications:
            if one.build == draft.build:
                return one
        chain = [one.id for one in self.publications if one.index == draft.index]
        if (chain[-1] if chain else None) != draft.follows:
            raise StaleBuild("Another publication of this index came first. Build again.")
        now = self.clock.now()
        made = Publication(
            id=len(self.publications) + 1,
            index=draft.index,
            build=draft.build,
            kind=draft.kind,
            from_day=draft.from_day,
            through_day=draft.through_day,
            announced_at=now,
            effective_at=max(now, draft.effective_at or now),
            reason=draft.reason,
        )
        self.publications.append(made)
        rules = self.indexes.version(made.index)
        if rules is not None:
            unmeasured = Unmeasured(
                publication=made.id,
                index=made.index,
                slug=rules.definition.slug,
                from_day=made.from_day,
                through_day=made.through_day,
                effective_at=made.effective_at,
            )
            self.risk.due[made.id] = (unmeasured, made.effective_at, 0)
        before = None if draft.follows is None else bytes([draft.follows]) * 32
        after = bytes([made.id]) * 32
        self.trail.put("index.published", by=by, target=f"index:{draft.index}", before=before, after=after)
        self.log.put(IndexPublished(publication=made.id, index=int(draft.index)))
        return made

    async def publish_new(self, build: BuildRecord, draft: PublicationDraft, *, by: Principal) -> Publication:
        await self.save(build, by=by)
        return await self.publish(draft, by=by)

    async def published(
        self, index: IndexId, *, as_of: datetime | None = None, compositions: bool = False
    ) -> Sequence[PublishedSegment]:
        instant = as_of or self.clock.now()
        return [
            self._segment(one, with_compositions=compositions)
            for one in self.publications
            if one.index == index and one.effective_at <= instant
        ]

    async def chain(self, index: IndexId) -> list[Publication]:
        return [one.publication for one in await self.published(index)]

    async def head(self, index: IndexId) -> Head | None:
        chain = await self.chain(index)
        return Head(publication=chain[-1], closing=await self.closing(chain[-1].build)) if chain else None

    async def closing(self, build: BuildId) -> IndexState | None:
        return self.builds[build].result.closing if build in self.builds else None

    def _segment(self, publication: Publication, *, with_compositions: bool) -> PublishedSegment:
        build = self.builds[publication.build]
        return PublishedSegment(
            publication=publication,
            made_from=build.provenance,
            levels=build.result.levels,
            compositions=build.result.compositions if with_compositions else CompositionColumns.of([]),
            forced=build.forced,
        )

    async def log_revision(self, revision: Revision, *, by: Principal) -> None:
        key = (revision.publication, revision.vintage)
        if all((one.publication, one.vintage) != key for one in self.compared):
            number = len(self.compared) + 1
            self.compared.append(replace(revision, id=number, checked_at=self.clock.now()))
            detail = {"revision": number, "decision": str(revision.decision)}
            self.trail.put("index.compared", by=by, target=f"index:{revision.index}", detail=detail)

    async def revisions(self, index: IndexId, *, limit: int, before: int | None = None) -> list[Revision]:
        mine = [one for one in self.compared if one.index == index and (before is None or one.id < before)]
        return mine[::-1][:limit]

    async def coverage(self, indexes: Sequence[IndexId]) -> dict[IndexId, tuple[date, date, float]]:
        found = {}
        for index in indexes:
            mine = [one.publication for one in await self.published(index)]
            if mine:
                last = self.builds[mine[-1].build].result.closing.level
                found[index] = (min(one.from_day for one in mine), mine[-1].through_day, last)
        return found


def _age(build: BuildRecord) -> tuple[datetime, int]:
    return build.created_at, build.id.int
