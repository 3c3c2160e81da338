"""Builds as they are kept."""

from datetime import UTC, datetime
from uuid import UUID

import numpy as np
from tests.factories import WARM_UP, a_definition, days, sessions, some_inputs

from waardhaven.domain.index.build import build_index
from waardhaven.domain.index.build_record import BuildRecord
from waardhaven.domain.provenance import CodeVersion, Provenance
from waardhaven.domain.types import BuildId, IndexId, Vintage

AXIS = sessions(WARM_UP + 4)
NOW = datetime(2024, 6, 3, 12, 0, tzinfo=UTC)


def test_a_build_covers_its_levels_from_the_first_day_to_the_last() -> None:
    inputs = some_inputs(np.full((len(AXIS), 2), 10.0))
    build = BuildRecord(
        id=BuildId(UUID(int=1)),
        index=IndexId(1),
        provenance=Provenance(
            definition_version=1,
            vintage=Vintage(1),
            vintage_at=NOW,
            code=CodeVersion(package="0.1.0", digest="a", fingerprint="b"),
            input_hash="c",
        ),
        opening=None,
        restates=False,
        forced=days(),
        universe=inputs.panel.assets,
        result=build_index(a_definition(base=AXIS[WARM_UP]), inputs),
        created_at=NOW,
    )
    assert (build.start, build.through) == (AXIS[WARM_UP].item(), AXIS[-1].item())
