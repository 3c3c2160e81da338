"""The schema as metadata: one module for each family of tables."""

from waardhaven.adapters.outbound.postgres.tables import audit, indexes, jobs, market, people, prices, system
from waardhaven.adapters.outbound.postgres.tables.base import metadata

__all__ = ["audit", "indexes", "jobs", "market", "metadata", "people", "prices", "system"]
