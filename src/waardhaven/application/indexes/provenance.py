"""Where a figure comes from."""

from dataclasses import dataclass
from datetime import date

import numpy as np

from waardhaven.application.indexes.explain import explain_command
from waardhaven.application.indexes.explanation_views import FigureProvenanceView, InputsView
from waardhaven.application.indexes.figures import FigureRef, UnknownFigure
from waardhaven.application.indexes.names import CASH_SYMBOL, named
from waardhaven.application.ports.build_store import BuildStore
from waardhaven.application.ports.indexes import IndexStore
from waardhaven.application.ports.reference_store import ReferenceStore
from waardhaven.domain.identity.roles import Permission, Principal
from waardhaven.domain.index.build_record import BuildRecord, IndexRecord, UnknownBuild, UnknownIndex
from waardhaven.domain.index.definition import IndexDefinition
from waardhaven.domain.types import CASH, as_date


@dataclass(frozen=True, slots=True)
class ReadProvenance:
    """Resolves the id of a figure: formula, inputs, rules, code, and the line that computes it again."""

    indexes: IndexStore
    builds: BuildStore
    reference: ReferenceStore

    async def __call__(self, by: Principal, *, figure: str) -> FigureProvenanceView:
        """Raise UnknownFigure, also for a figure of an index the caller may not see."""
        by.require(Permission.READ_INDICES)
        ref = FigureRef.parse(figure)
        unknown = UnknownFigure("There is no figure of that id.", context={"id": figure})
        try:
            build = await self.builds.load(ref.build)
            index = await self.indexes.by_id(build.index)
        except (UnknownBuild, UnknownIndex):
            raise unknown from None
        index.access.require_read(by, unknown)
        row = np.flatnonzero(build.result.levels.day == np.datetime64(ref.day))
        considered = ref.asset is None or ref.asset == CASH or ref.asset in build.universe.tolist()
        if not len(row) or not considered:
            raise unknown
        return await self._view(figure, ref, build, index, int(row[0]))

    async def _view(
        self, figure: str, ref: FigureRef, build: BuildRecord, index: IndexRecord, row: int
    ) -> FigureProvenanceView:
        made = build.provenance
        slug = index.definition.slug
        rules = index
        if made.definition_version != index.version:
            rules = await self.indexes.get(slug, version=made.definition_version)
        asset = None
        if ref.asset is not None:
            asset = (await named(self.reference, [ref.asset])).get(ref.asset)
        symbol = None if ref.asset is None else CASH_SYMBOL if asset is None else asset.symbol
        return FigureProvenanceView(
            id=figure,
            figure=ref.figure.name,
            index=slug,
            date=ref.day,
            symbol=symbol,
            value=_stored(ref, build, row),
            formula=ref.figure.formula,
            documentation=ref.figure.anchor,
            build=str(build.id),
            definition_version=made.definition_version,
            inputs=_inputs(build, rules.definition),
            package=made.code.package,
            code_digest=made.code.digest,
            fingerprint=made.code.fingerprint,
            command=explain_command(slug, ref.day, asset),
            verify_command=f"waardhaven verify {slug}",
        )


def _stored(ref: FigureRef, build: BuildRecord, row: int) -> float | None:
    """Return what the build itself stored of the figure, None where it is derived."""
    if ref.figure.name == "level":
        return float(build.result.levels.level[row])
    held = build.result.compositions.in_force(np.datetime64(ref.day))
    if held is None:
        return None
    if ref.figure.name == "divisor":
        return held.divisor
    columns = {"units": held.units}
    if as_date(held.effective) == ref.day:
        columns |= {"weight": held.weight, "review_weight": held.weight}
    values = columns.get(ref.figure.name)
    place = np.flatnonzero(held.asset == ref.asset)
    return float(values[place[0]]) if values is not None and len(place) else None


def _inputs(build: BuildRecord, definition: IndexDefinition) -> InputsView:
    made = build.provenance
    opened: date | None = None if build.opening is None else as_date(build.opening.day)
    return InputsView(
        digest=made.input_hash,
        source=definition.series.source,
        adjustment=str(definition.series.adjustment),
        fixing=definition.fixing,
        calendar=definition.calendar,
        universe=definition.universe,
        names=len(build.universe),
        sessions=len(build.result.levels),
        first_session=build.start,
        last_session=build.through,
        continues_from=opened,
        vintage=int(made.vintage),
        vintage_at=made.vintage_at,
    )
