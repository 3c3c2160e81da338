"""Risk metrics: of data that a caller sends, and of what is stored."""

from waardhaven.application.metrics.analyse_risk import AnalyseRisk
from waardhaven.application.metrics.cash_flow_returns import MeasureMoneyWeighted, MeasureTimeWeighted
from waardhaven.application.metrics.catalogue import ListMetrics

USE_CASES = (AnalyseRisk, ListMetrics, MeasureMoneyWeighted, MeasureTimeWeighted)
