"""Digests that say what a build read and what this machine's arithmetic answers."""

from math import isnan

import numpy as np

from waardhaven.domain.index.build import NO_DAYS
from waardhaven.domain.index.composition import IndexState
from waardhaven.domain.index.definition import IndexDefinition
from waardhaven.domain.index.events import EventColumns
from waardhaven.domain.index.inputs import IndexInputs
from waardhaven.domain.index.pricing import returns
from waardhaven.domain.index.windows import normalised, row_dots, trailing, trailing_moments
from waardhaven.domain.provenance import ColumnDigest
from waardhaven.domain.types import Days, Floats


def input_digest(
    definition: IndexDefinition,
    inputs: IndexInputs,
    opening: IndexState | None = None,
    forced: Days = NO_DAYS,
) -> str:
    """Return a SHA-256 (hex) of everything ``build_index`` reads; equal digests promise equal inputs."""
    digest = ColumnDigest()
    digest.record("definition", definition)
    digest.column("days", inputs.panel.days)
    digest.column("assets", inputs.panel.assets)
    digest.column("close", inputs.panel.close)
    digest.column("fx", inputs.fx)
    digest.column("shares", inputs.shares)
    digest.column("member", inputs.member)
    digest.column("forced", np.unique(forced))
    if len(inputs.events):
        for name in EventColumns.__slots__:
            digest.column(f"events.{name}", getattr(inputs.events, name))
    if inputs.traits is not None:
        digest.record("traits", inputs.traits)
    if opening is not None:
        digest.column("opening.day", np.array([opening.day]))
        values = [opening.level, opening.divisor, opening.previous_level]
        digest.column("opening.values", np.array(values))
        digest.column("opening.assets", opening.assets)
        digest.column("opening.units", opening.units)
        if not isnan(opening.gross):
            digest.column("opening.variants", np.array([opening.gross, opening.net]))
        if definition.schedule.drift_band is not None:
            digest.column("opening.reviewed", opening.reviewed)
            digest.column("opening.targets", opening.targets)
    return digest.hexdigest()


def numeric_fingerprint() -> str:
    """Return a SHA-256 (hex) of what the engine's kernels answer to a fixed probe.

    Two machines with equal fingerprints compute equal bits; the probe itself uses exact arithmetic
    only, no random numbers.
    """
    digest = ColumnDigest()
    digest.record("arithmetic", arithmetic_fingerprint())
    probe = _probe(97, 23)
    moved = returns(probe)
    covariance = moved.T @ moved + np.eye(probe.shape[1])
    digest.column("product", _probe(130, 150) @ _probe(150, 140))
    digest.column("factor", np.linalg.cholesky(covariance))
    digest.column("solution", np.linalg.solve(covariance, probe[0]))
    digest.column("spectrum", np.linalg.eigvalsh(covariance))
    return digest.hexdigest()


def arithmetic_fingerprint() -> str:
    """Return that part of the fingerprint that is the same on every machine with IEEE 754 arithmetic.

    Linear algebra is not in it: its bits depend on the library and the processor.
    """
    probe = _probe(97, 23)
    moved = returns(probe)
    mean, variance = trailing_moments(moved, 60)
    digest = ColumnDigest()
    digest.column("weights", normalised(probe))
    digest.column("dots", row_dots(probe, probe[0]))
    digest.column("growth", trailing(np.multiply, 1.0 + moved, 20))
    digest.column("mean", mean)
    digest.column("deviation", np.sqrt(variance))
    digest.column("inverse", 1.0 / np.sqrt(variance))
    return digest.hexdigest()


def _probe(rows: int, columns: int) -> Floats:
    """Return prices between 1 and 2 whose bits are a fixed scramble of the cell number."""
    cell = np.arange(1, rows * columns + 1, dtype=np.uint64).reshape(rows, columns)
    bits = (cell * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(12)
    return 1.0 + bits.astype(np.float64) / 2.0**52
