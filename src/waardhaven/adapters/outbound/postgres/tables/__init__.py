"""The schema as metadata: one module for each family of tables."""

from waardhaven.adapters.outbound.postgres.tables import audit, indexes, market, people, system
from waardhaven.adapters.outbound.postgres.tables.base import metadata

__all__ = ["audit", "indexes", "market", "metadata", "people", "system"]
