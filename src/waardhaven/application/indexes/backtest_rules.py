"""What a backtest can be refused for, under the names that its fields were sent by."""

from collections.abc import Mapping
from typing import Final

from waardhaven.application.answers import check_range
from waardhaven.application.indexes.conversion import UnknownTarget
from waardhaven.application.questions.backtest import BacktestQuestion
from waardhaven.domain.errors import FieldError, Invalid
from waardhaven.domain.index.constraints.feasibility import InfeasibleConstraints
from waardhaven.domain.index.level import NothingEligible
from waardhaven.domain.index.validation import InvalidDefinition
from waardhaven.domain.index.variant_rules import LARGEST_COST
from waardhaven.domain.market.currency import UnknownCurrency

SENT_AS: Final = {
    "strategy.name": "strategy",
    "base_value": "initial_value",
    "base_date": "start",
}
"""Fields of a definition that a question has by other names."""
REFUSALS: Final = (InvalidDefinition, InfeasibleConstraints, NothingEligible, UnknownCurrency, UnknownTarget)
"""Why the engine may refuse a definition, or rates of exchange are missing."""
PARTS: Final = ("strategy.", "constraints.", "schedule.", "series.")
"""Parts of a definition whose fields a question has itself."""


class UnusableBacktest(Invalid):
    """What is asked for can not be run; ``errors`` name the fields."""


def check(question: BacktestQuestion) -> None:
    """Raise UnusableBacktest or InvalidRange for what can be told from the question alone."""
    check_range(question.start, question.end)
    if not question.symbols:
        raise refused("symbols", "must name at least one symbol")
    if cost_rate(question) > LARGEST_COST:
        raise refused("slippage", f"must be at most {LARGEST_COST} together with transaction_cost")


def cost_rate(question: BacktestQuestion) -> float:
    """Return the fraction of the value traded that is lost."""
    return question.transaction_cost + question.slippage


def refused(field: str, rule: str) -> UnusableBacktest:
    """Return the error of one field."""
    return unusable({field: rule})


def unusable(rules: Mapping[str, str]) -> UnusableBacktest:
    """Return the error of fields with their rules."""
    errors = [FieldError(field=f"params.{field}", rule=rule) for field, rule in rules.items()]
    return UnusableBacktest("This can not be backtested.", errors=errors)


def as_asked(error: Invalid) -> UnusableBacktest:
    """Return what a definition was refused for, under the names that the fields were sent by."""
    if isinstance(error, NothingEligible):
        return refused("start", "must be a day on which the strategy can weigh some symbol by days before it")
    if not error.errors:
        return refused("currency", f"must have rates of exchange. {error.message}")
    return unusable({sent_as(one.field): one.rule for one in error.errors})


def sent_as(field: str) -> str:
    """Return the name that a field of a definition was sent by."""
    part = next((one for one in PARTS if field.startswith(one)), "")
    return SENT_AS.get(field, field.removeprefix(part))
