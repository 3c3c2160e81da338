"""Quantitative models over data that a caller sends or that is stored; nothing is kept."""

from waardhaven.application.quant.catalogue import ListOptionModels
from waardhaven.application.quant.market_inputs import ReadMarketInputs
from waardhaven.application.quant.markowitz_catalogue import ListMarkowitzObjectives
from waardhaven.application.quant.optimise_portfolio import OptimisePortfolio
from waardhaven.application.quant.price_options import PriceOptions
from waardhaven.application.quant.read_returns import ReadReturns
from waardhaven.application.quant.simulate_monte_carlo import SimulateMonteCarlo

USE_CASES = (
    ListMarkowitzObjectives,
    ListOptionModels,
    OptimisePortfolio,
    PriceOptions,
    ReadMarketInputs,
    ReadReturns,
    SimulateMonteCarlo,
)
