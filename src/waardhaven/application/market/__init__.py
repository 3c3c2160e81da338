"""Bringing market data in."""

from waardhaven.application.market.load_market import LoadMarket

USE_CASES = (LoadMarket,)
