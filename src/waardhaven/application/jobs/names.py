"""Names of the types of jobs."""

from enum import StrEnum


class JobName(StrEnum):
    """Types jobs are submitted under."""

    REFRESH = "refresh"
    COMPUTE = "compute"
    REPORT = "report"
    CLEANUP = "cleanup"
    IMPORT = "import"
    BACKTEST = "backtest"
    MONTECARLO = "montecarlo"
    MARKOWITZ = "markowitz"
    BLACKSCHOLES = "blackscholes"
