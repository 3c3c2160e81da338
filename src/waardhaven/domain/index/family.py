"""Families of indices: how weights may move when a company acts between reviews."""

from enum import StrEnum


class Family(StrEnum):
    """Which treatment of corporate actions applies (S&P DJI and FTSE Russell keep one table for each).

    CAP_WEIGHTED: an event changes the weight of its name. NON_CAP_WEIGHTED: the weight is held until the
    next review. PRICE_WEIGHTED: one unit of every name, whatever happens.
    """

    CAP_WEIGHTED = "cap_weighted"
    NON_CAP_WEIGHTED = "non_cap_weighted"
    PRICE_WEIGHTED = "price_weighted"
