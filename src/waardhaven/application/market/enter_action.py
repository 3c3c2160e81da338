"""Enter a corporate action by hand."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation

from waardhaven.application.market.asset_views import ActionView, action_view
from waardhaven.application.market.manage_assets import is_code, noted
from waardhaven.application.ports.market_facts import ActionFact, MarketFacts
from waardhaven.application.ports.reference_store import ReferenceStore
from waardhaven.application.ports.unit_of_work import UnitOfWork
from waardhaven.domain.errors import FieldError
from waardhaven.domain.identity.roles import Permission, Principal
from waardhaven.domain.market.actions import ActionKind, ActionStatus, CorporateAction, MalformedAction
from waardhaven.domain.market.asset import SymbolRef
from waardhaven.domain.market.stated_actions import MANUAL
from waardhaven.domain.types import AssetId


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionDraft:
    """An action somebody enters; ``ratio`` and ``amount`` are exact decimals as text."""

    kind: str
    ex_date: date
    ratio: str | None = None
    amount: str | None = None
    currency: str | None = None
    record_date: date | None = None
    pay_date: date | None = None
    status: str = "confirmed"
    other: str | None = None


@dataclass(frozen=True, slots=True)
class EnterAction:
    """Record a corporate action by hand; it replaces what sources say of that kind on that day.

    The same kind and day again supersedes it: the former stays readable at its vintage.
    """

    reference: ReferenceStore
    facts: MarketFacts
    uow: UnitOfWork

    async def __call__(self, by: Principal, *, symbol: str, draft: ActionDraft) -> tuple[ActionView, ...]:
        """Return all actions of the asset; raise MalformedAction, UnknownAsset or AmbiguousSymbol."""
        by.require(Permission.OPERATE)
        asset = await self.reference.resolve(SymbolRef.parse(symbol))
        other = None if draft.other is None else await self.reference.resolve(SymbolRef.parse(draft.other))
        _checked_action(asset.id, draft, None if other is None else other.id)
        fact = ActionFact(
            asset=asset.id,
            key=f"{draft.kind}-{draft.ex_date}",
            source=MANUAL,
            kind=draft.kind,
            status=draft.status,
            ex_date=draft.ex_date,
            record_date=draft.record_date,
            pay_date=draft.pay_date,
            amount=draft.amount,
            currency=draft.currency,
            ratio=draft.ratio,
            other_asset=None if other is None else other.id,
        )
        await self.facts.write_actions([fact])
        await noted(self.uow, by, "action.entered", asset.id, {"key": fact.key})
        return tuple(action_view(one) for one in await self.reference.actions([asset.id]))


def _checked_action(asset: AssetId, draft: ActionDraft, other: AssetId | None) -> None:
    errors = []
    if draft.kind not in set(ActionKind):
        errors.append(FieldError(field="kind", rule=f"must be one of {', '.join(ActionKind)}"))
    if draft.status not in set(ActionStatus):
        errors.append(FieldError(field="status", rule=f"must be one of {', '.join(ActionStatus)}"))
    errors += [
        FieldError(field=name, rule="must be a decimal number of at most 20 digits")
        for name in ("ratio", "amount")
        if not _is_decimal(getattr(draft, name))
    ]
    if draft.currency is not None and not is_code(draft.currency, 3):
        errors.append(FieldError(field="currency", rule="must be three capital letters (ISO 4217)"))
    if errors:
        raise MalformedAction("The corporate action is not valid.", errors=errors)
    CorporateAction(
        asset=asset,
        kind=ActionKind(draft.kind),
        status=ActionStatus(draft.status),
        ex_date=draft.ex_date,
        record_date=draft.record_date,
        pay_date=draft.pay_date,
        amount=None if draft.amount is None else Decimal(draft.amount),
        currency=draft.currency,
        ratio=None if draft.ratio is None else Decimal(draft.ratio),
        other_asset=other,
    ).checked()


def _is_decimal(text: str | None) -> bool:
    if text is None:
        return True
    try:
        value = Decimal(text)
    except InvalidOperation:
        return False
    return value.is_finite() and abs(value) < Decimal(10) ** 10 and len(text) <= 22
