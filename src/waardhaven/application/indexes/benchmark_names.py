"""How a benchmark is written: a symbol, ``index:slug``, or a blend of these with weights."""

import math
import re
from dataclasses import dataclass, replace
from typing import Final

from waardhaven.application.indexes.buildable import OF_INDEX
from waardhaven.domain.errors import FieldError, Invalid
from waardhaven.domain.market.asset import InvalidSymbol, SymbolRef

MOST_PARTS: Final = 20
CLOSE: Final = 1e-6
"""How far the weights of a blend may add up to something else than 1."""
NUMBER: Final = re.compile(r"[0-9]{0,3}\.?[0-9]{1,18}")
SLUG: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")


class InvalidBenchmark(Invalid):
    """A text that names no benchmark, or levels that can not be compared with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One of the things a benchmark consists of: an index by ``slug``, else an asset."""

    name: str
    weight: float = 1.0
    slug: str | None = None
    ref: SymbolRef | None = None


def parse_benchmark(text: str) -> tuple[Part, ...]:
    """Return the parts of ``SPX``, ``index:slug`` or ``AAA:0.6,index:slug:0.4``; raise InvalidBenchmark.

    A weight is above 0; together they are 1, by which they are divided where they are that but for rounding.
    """
    names = [one.strip() for one in text.split(",")]
    if len(names) == 1:
        return (_part(names[0]),)
    if len(names) > MOST_PARTS:
        raise broken(f"must have at most {MOST_PARTS} parts, not {len(names)}")
    parts = [_weighted(one) for one in names]
    if len({(one.slug, str(one.ref)) for one in parts}) < len(parts):
        raise broken("must name each part once")
    total = math.fsum(one.weight for one in parts)
    if abs(total - 1.0) > CLOSE:
        nearest = ",".join(f"{one.name}:{one.weight / total:.6g}" for one in parts)
        raise broken(f"must have weights that add up to 1, not {total:.6g}; the nearest is {nearest!r}")
    return tuple(Part(name=one.name, weight=one.weight / total, slug=one.slug, ref=one.ref) for one in parts)


def broken(rule: str) -> InvalidBenchmark:
    """Return the error of a benchmark that breaks a rule."""
    return InvalidBenchmark(f"The benchmark {rule}.", errors=[FieldError(field="benchmark", rule=rule)])


def _weighted(text: str) -> Part:
    name, _, number = text.rpartition(":")
    weight = float(number) if NUMBER.fullmatch(number) else math.nan
    if not name or not 0.0 < weight <= 1.0:
        raise broken(
            f"must give each part a weight above 0 and at most 1, as in 'AAA:0.6', not {text[:60]!r}"
        )
    return replace(_part(name), weight=weight)


def _part(text: str) -> Part:
    if text.startswith(OF_INDEX):
        slug = text.removeprefix(OF_INDEX)
        if not SLUG.fullmatch(slug):
            raise broken(f"must name an index as index:slug, not {text[:80]!r}")
        return Part(name=text, slug=slug)
    try:
        ref = SymbolRef.parse(text)
    except InvalidSymbol as error:
        raise broken(
            f"must be SYM, SYM:MIC, an asset id, index:slug or a blend, not {text[:60]!r}"
        ) from error
    return Part(name=str(ref), ref=ref)
