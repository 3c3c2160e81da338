"""Quantitative models over data that a caller sends or that is stored; nothing is kept."""

from waardhaven.application.quant.catalogue import ListOptionModels
from waardhaven.application.quant.market_inputs import ReadMarketInputs
from waardhaven.application.quant.price_options import PriceOptions

USE_CASES = (ListOptionModels, PriceOptions, ReadMarketInputs)
