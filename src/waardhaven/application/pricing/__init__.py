"""Prices as several areas read them: which series of an asset answers, and what it is adjusted for."""

from waardhaven.application.pricing.adjusting import ReadActions
from waardhaven.application.pricing.read_bars import ReadBars
from waardhaven.application.pricing.read_closes import ReadCloses

USE_CASES = (ReadActions, ReadBars, ReadCloses)
