"""The state of the service."""

from waardhaven.application.diagnostics.invalidate_cache import InvalidateCache
from waardhaven.application.diagnostics.queries import CheckReadiness
from waardhaven.application.diagnostics.status import ReadCacheStatus, ReadDatabaseStatus, ReadSystem

USE_CASES = (CheckReadiness, InvalidateCache, ReadCacheStatus, ReadDatabaseStatus, ReadSystem)
