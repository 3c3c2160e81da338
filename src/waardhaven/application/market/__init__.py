"""Bringing market data in."""

from waardhaven.application.market.load_market import LoadMarket
from waardhaven.application.market.quotes import FindAssets, ReadQuotes

USE_CASES = (LoadMarket, FindAssets, ReadQuotes)
