"""The state of the service."""

from waardhaven.application.diagnostics.queries import CheckReadiness

USE_CASES = (CheckReadiness,)
