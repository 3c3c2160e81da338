"""What answers about definitions look like, by operation."""

from typing import Any, Final

from waardhaven.adapters.inbound.http.job_examples import JOB, JOB_ID, OWNER

COMPUTE: Final = JOB | {
    "type": "compute",
    "state": "queued",
    "params": {"index": "autoindex", "mode": "extend"},
}
VERSION: Final = {
    "version": 2,
    "defined_at": "2024-06-03T09:30:00Z",
    "author": "ada",
    "reason": "fewer reviews",
    "changes": [{"field": "schedule.frequency", "old": "weekly", "new": "monthly"}],
}
RULES: Final = {
    "slug": "my-index",
    "version": 2,
    "defined_at": "2024-06-03T09:30:00Z",
    "author": "ada",
    "reason": "fewer reviews",
    "rules": {
        "slug": "my-index",
        "name": "My index",
        "base_date": "2015-01-02",
        "base_value": 100.0,
        "currency": "USD",
        "members": ["AAPL:XNAS", "JPM:XNYS"],
        "strategy": {"name": "equal_weight", "params": {}},
        "schedule": {"frequency": "monthly", "lag": 1},
    },
}
REVIEW: Final = {
    "review": {
        "id": 7,
        "index": 1,
        "after_day": "2024-05-31",
        "reason": "asked for by hand",
        "requested_by": OWNER,
        "requested_at": "2024-06-03T09:30:00Z",
    },
    "job": COMPUTE | {"id": JOB_ID},
}
METHODOLOGY: Final = {
    "index": "my-index",
    "name": "My index",
    "version": 2,
    "sections": [{"title": "Universe", "text": "A list of 2: AAPL:XNAS, JPM:XNYS."}],
    "markdown": "# My index: methodology\n\n## Universe\n\nA list of 2: AAPL:XNAS, JPM:XNYS.\n",
}
TOML: Final = 'slug = "my-index"\nname = "My index"\n'


def definition_answers(config: dict[str, Any]) -> dict[str, Any]:
    """Return the answers; ``config`` is the configuration of the default index."""
    page = {"items": [VERSION], "next_cursor": None}
    return {
        "createIndex": RULES | {"version": 1},
        "changeIndex": RULES,
        "importRules": RULES,
        "versions": page,
        "strategyConfigHistory": page,
        "rules": TOML,
        "rebalance": REVIEW,
        "strategyRebalance": REVIEW,
        "methodology": METHODOLOGY,
        "changeStrategyConfig": {"config": config, "job": COMPUTE},
    }
