"""An index with real vintages and computed builds, whatever the stores are."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import numpy as np
from tests.contract.conftest import Stores
from tests.contract.market import some_assets
from tests.factories import WARM_UP, a_definition, random_closes, some_inputs

from waardhaven.application.ports.build_store import PublicationDraft
from waardhaven.domain.identity.roles import OPERATOR
from waardhaven.domain.index.build import IndexResult, build_index
from waardhaven.domain.index.build_record import BuildRecord, IndexRecord, PublicationKind
from waardhaven.domain.index.composition import IndexState
from waardhaven.domain.provenance import CodeVersion, Provenance

ROWS = WARM_UP + 30
INPUTS = some_inputs(random_closes(5, ROWS, 3, gaps=0.02))
DEFINITION = a_definition(base=INPUTS.panel.days[WARM_UP])
RESULT: IndexResult = build_index(DEFINITION, INPUTS)
MADE = datetime(2024, 6, 3, 12, 0, 0, 123456, tzinfo=UTC)
CODE = CodeVersion(package="0.1.0", digest="a" * 64, fingerprint="b" * 64)


async def an_index(stores: Stores, slug: str = "an-index", **changes: object) -> IndexRecord:
    """Define an index, with the universe and the vintage it needs."""
    (asset,) = await some_assets(stores, "AAA")
    since = DEFINITION.base_date
    await stores.facts.write_universe("a-universe", "A universe", {asset: (since, None)})
    return await stores.indexes.define(replace(DEFINITION, slug=slug, **changes), by=OPERATOR)


async def a_build(
    stores: Stores,
    index: IndexRecord,
    *,
    minutes: int = 0,
    opening: IndexState | None = None,
    **changes: object,
) -> BuildRecord:
    """Return a build that is not stored yet."""
    point = await stores.reference.latest_vintage()
    assert point is not None
    plain = BuildRecord(
        id=uuid4(),
        index=index.id,
        provenance=Provenance(
            definition_version=index.version,
            vintage=point.id,
            vintage_at=point.at,
            code=CODE,
            input_hash="c" * 64,
        ),
        opening=opening,
        restates=False,
        forced=np.array([], dtype="datetime64[D]"),
        universe=INPUTS.panel.assets,
        result=RESULT,
        created_at=MADE + timedelta(minutes=minutes),
    )
    return replace(plain, **changes)


async def a_stored_build(stores: Stores, index: IndexRecord, **changes: object) -> BuildRecord:
    build = await a_build(stores, index, **changes)
    await stores.builds.save(build, by=OPERATOR)
    return build


def a_draft(build: BuildRecord, follows: int | None = None, **changes: object) -> PublicationDraft:
    plain = PublicationDraft(
        index=build.index,
        build=build.id,
        kind=PublicationKind.RESTATE if build.restates else PublicationKind.EXTEND,
        from_day=build.start,
        through_day=build.through,
        reason="a test",
        effective_at=None,
        follows=follows,
    )
    return replace(plain, **changes)


def same_build(one: object, other: object) -> bool:
    """Tell whether two records agree in every value and every bit, types included."""
    if isinstance(one, np.ndarray):
        return one.dtype == other.dtype and one.tobytes() == other.tobytes()
    names = getattr(type(one), "__slots__", None)
    if names and type(one) is type(other):
        return all(same_build(getattr(one, name), getattr(other, name)) for name in names)
    return repr(one) == repr(other)
