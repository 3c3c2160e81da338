from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime

import numpy as np
from tests.fakes.market import FakeMarket
from tests.fakes.versions import Versions

from waardhaven.adapters.outbound.postgres.errors import ConstraintBroken
from waardhaven.application.ports.quality_flags import (
    FlagCount,
    FlagFilter,
    HeldColumns,
    QualityFlag,
    QualityFlags,
    UnknownFlag,
)
from waardhaven.domain.identity.roles import Principal
from waardhaven.domain.market.quality import Finding, FindingKind, ReviewState
from waardhaven.domain.types import SeriesId, Vintage

Key = tuple[SeriesId, date, FindingKind]


@dataclass
class FakeQualityFlags(QualityFlags):
    """Flags of a market by (series, day, kind), with their versions."""

    market: FakeMarket
    rows: Versions[Key, QualityFlag] = field(default_factory=Versions)
    given: int = 0

    async def record(
        self,
        findings: Sequence[Finding],
        *,
        series: Sequence[SeriesId],
        kinds: Sequence[FindingKind],
        start: date | None = None,
    ) -> Vintage | None:
        found = {(one.series, one.day, one.kind): one for one in findings}
        if len(found) < len(findings) or not {one.series for one in findings} <= set(
            self.market.series.values()
        ):
            raise ConstraintBroken("The database refused the change.")
        present, offered = self.rows.at(None), {}
        for key, one in sorted(found.items(), key=lambda item: (item[0][1], item[0][0], item[0][2])):
            former = present.get(key)
            if former is None:
                self.given += 1
                offered[key] = self._flag(self.given, one)
            elif former.detail != one.detail:
                offered[key] = replace(self._flag(former.id, one), found_at=former.found_at)
        gone = {
            key
            for key, one in present.items()
            if one.state is ReviewState.OPEN
            and key[0] in series
            and key[2] in kinds
            and (start is None or key[1] >= start)
            and key not in found
        }
        return self.market._commit(self.rows, self.rows.compare(offered, gone), "quality").vintage

    def _flag(self, id_: int, one: Finding) -> QualityFlag:
        key = next(key for key, series in self.market.series.items() if series == one.series)
        symbol, mic = self.market._present_name(key.asset)
        return QualityFlag(
            id=id_,
            series=one.series,
            asset=key.asset,
            symbol=symbol,
            mic=mic,
            source=key.source,
            adjustment=str(key.adjustment),
            day=one.day,
            kind=one.kind,
            detail=one.detail,
            state=ReviewState.OPEN,
            found_at=datetime.now(UTC),
        )

    async def page(
        self, wanted: FlagFilter, *, limit: int, before: int | None = None
    ) -> Sequence[QualityFlag]:
        found = [one for one in self.rows.at(None).values() if _fits(one, wanted)]
        found = [one for one in found if before is None or one.id < before]
        return sorted(found, key=lambda one: -one.id)[:limit]

    async def counts(self) -> Sequence[FlagCount]:
        present = self.rows.at(None).values()
        counted = Counter((one.kind, one.state) for one in present)
        return [
            FlagCount(
                kind=kind,
                state=state,
                count=count,
                latest=max(one.day for one in present if (one.kind, one.state) == (kind, state)),
            )
            for (kind, state), count in sorted(counted.items())
        ]

    async def review(self, id_: int, *, state: ReviewState, note: str, by: Principal) -> QualityFlag:
        present = self.rows.at(None)
        key = next((key for key, one in present.items() if one.id == id_), None)
        if key is None:
            raise UnknownFlag("There is no such flag.")
        at = None if state is ReviewState.OPEN else datetime.now(UTC)
        flag = replace(present[key], state=state, note=note or None, reviewed_at=at)
        self.trail(by, present[key], flag)
        change = replace(self.rows.compare({}), other={key: flag})
        self.market._commit(self.rows, change, "quality")
        return flag

    def trail(self, by: Principal, former: QualityFlag, flag: QualityFlag) -> None:
        detail = {"from": str(former.state), "to": str(flag.state)}
        self.market.trail.put("quality.reviewed", by=by, target=f"quality_flag:{flag.id}", detail=detail)

    async def held(
        self, series: Sequence[SeriesId], *, kinds: Sequence[FindingKind], vintage: Vintage | None = None
    ) -> HeldColumns:
        found = {
            (one, day)
            for (one, day, kind), flag in self.rows.at(vintage).items()
            if one in series and kind in kinds and flag.state is not ReviewState.ACCEPTED
        }
        return HeldColumns(
            series=np.array([one for one, _ in sorted(found)], dtype=np.int64),
            day=np.array([day for _, day in sorted(found)], dtype="datetime64[D]"),
        )


def _fits(flag: QualityFlag, wanted: FlagFilter) -> bool:
    return (
        wanted.kind in {None, flag.kind}
        and wanted.state in {None, flag.state}
        and wanted.asset in {None, flag.asset}
        and (wanted.start or date.min) <= flag.day <= (wanted.end or date.max)
    )
