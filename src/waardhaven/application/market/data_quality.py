"""What is odd about stored prices, and what people made of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from waardhaven.application.answers import Page, cursor_number
from waardhaven.application.ports.quality_flags import FlagCount, FlagFilter, QualityFlag, QualityFlags
from waardhaven.application.ports.reference_store import ReferenceStore
from waardhaven.domain.errors import FieldError, Invalid
from waardhaven.domain.identity.roles import Permission, Principal
from waardhaven.domain.market.asset import SymbolRef
from waardhaven.domain.market.quality import FindingKind, ReviewState

LONGEST_NOTE = 500


class InvalidReview(Invalid):
    """A verdict without a reason, or one that is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DataQualityView:
    """Flags of stored bars, newest first, and how many there are of each kind and state."""

    counts: tuple[FlagCount, ...]
    items: tuple[QualityFlag, ...]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class ReadDataQuality:
    """List what is odd about stored prices, with the figures it was judged by. Nothing was changed for it."""

    flags: QualityFlags
    reference: ReferenceStore

    async def __call__(
        self,
        by: Principal,
        *,
        limit: int = 50,
        cursor: str | None = None,
        kind: str | None = None,
        state: str | None = None,
        symbol: str | None = None,
        start: date | None = None,
        end: date | None = None,
    ) -> DataQualityView:
        """Return a page; raise UnknownAsset or AmbiguousSymbol for the symbol."""
        by.require(Permission.READ_INDICES)
        asset = None if symbol is None else (await self.reference.resolve(SymbolRef.parse(symbol))).id
        wanted = FlagFilter(
            kind=None if kind is None else FindingKind(kind),
            state=None if state is None else ReviewState(state),
            asset=asset,
            start=start,
            end=end,
        )
        page = _page(await self.flags.page(wanted, limit=limit + 1, before=cursor_number(cursor)), limit)
        counts = tuple(await self.flags.counts())
        return DataQualityView(counts=counts, items=page.items, next_cursor=page.next_cursor)


@dataclass(frozen=True, slots=True)
class ReviewFlag:
    """Record what somebody made of a flag: the bar is right, or it is wrong. The bar stays as it is.

    A definition that holds flagged bars out uses accepted ones again; correcting a wrong bar is an import.
    """

    flags: QualityFlags

    async def __call__(self, by: Principal, *, id_: int, state: str, note: str) -> QualityFlag:
        """Return the flag; raise UnknownFlag or InvalidReview."""
        by.require(Permission.OPERATE)
        errors = []
        if state not in set(ReviewState):
            errors.append(FieldError(field="state", rule=f"must be one of {', '.join(ReviewState)}"))
        if not 0 < len(note.strip()) <= LONGEST_NOTE:
            errors.append(FieldError(field="note", rule=f"must have 1 to {LONGEST_NOTE} characters"))
        if errors:
            raise InvalidReview("The verdict is not valid.", errors=errors)
        return await self.flags.review(id_, state=ReviewState(state), note=note.strip(), by=by)


def _page(found: Sequence[QualityFlag], limit: int) -> Page[QualityFlag]:
    more = len(found) > limit
    return Page(items=tuple(found[:limit]), next_cursor=str(found[limit - 1].id) if more else None)
