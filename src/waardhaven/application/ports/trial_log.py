"""The variants that were tried for an index."""

from abc import abstractmethod
from datetime import datetime
from typing import Protocol

from waardhaven.domain.identity.roles import Principal
from waardhaven.domain.index.definition import IndexDefinition
from waardhaven.domain.index.trials import Trials
from waardhaven.domain.types import IndexId


class TrialLog(Protocol):
    """Counts each variant of an index once, and never forgets one.

    A build counts when it is stored (see BuildStore.save); the rest is counted here.
    """

    @abstractmethod
    async def count(
        self, index: IndexId, definition: IndexDefinition, ratio: float, *, by: Principal
    ) -> None:
        """Remember that rules were tried, with the Sharpe ratio of one session or NaN; again changes nothing.

        Definitions with the same ``variant`` are one. Of a variant the first known ratio stays. What is new
        is told of and recorded in the audit trail, in the same transaction.
        """

    @abstractmethod
    async def tried(self, index: IndexId, *, as_of: datetime | None = None) -> Trials:
        """Return the variants counted up to ``as_of`` (None: now), their ratios in the order of counting."""
