"""What answers about money in an index look like, shortened, without where they come from."""

from typing import Any, Final

SIMULATION: Final[dict[str, Any]] = {
    "dates": ["2015-01-02", "2015-01-05", "2022-12-28"],
    "values": [1000.0, 994.67, 4345.76],
    "invested": [1000.0, 1000.0, 1000.0],
    "index": "autoindex",
    "name": "Waardhaven AutoIndex",
    "currency": "EUR",
    "variant": "price",
    "start_date": "2015-01-02",
    "end_date": "2022-12-28",
    "start_value": 316.60551,
    "end_value": 1215.601849,
    "fx_start": 0.830357884248111,
    "fx_end": 0.9398496240601504,
    "amount_initial": 1000.0,
    "total_invested": 1000.0,
    "amount_final": 4345.76,
    "profit": 3345.76,
    "roi": 3.3457620357647677,
    "time_weighted_return": 3.3457620357647677,
    "money_weighted_return": 0.20182233383329282,
    "money_weighted_reason": None,
    "entry_fees": 0.0,
    "management_fees": 0.0,
    "unknown_days": 0,
    "unknown_reason": None,
    "notes": ["2015-01-01 is no session: the simulation starts at the next one, 2015-01-02."],
}
TARGETS: Final[dict[str, Any]] = {
    "index": "autoindex",
    "date": "2022-12-28",
    "currency": "USD",
    "amount": "10000.00",
    "invested": "9994.67",
    "cash_left": "5.33",
    "shortfall": 0.04404357857413158,
    "gap": 0.0,
    "allocations": [
        {
            "symbol": "PFE",
            "mic": "XNYS",
            "name": "Pfizer Inc.",
            "target_weight": 0.1397,
            "price": "49.25",
            "lot": "1",
            "units": "28",
            "value": "1379.00",
            "achieved_weight": 0.1379,
        }
    ],
    "notes": ["Prices are adjusted closes, not prices of trades: look up the price before you order."],
}
