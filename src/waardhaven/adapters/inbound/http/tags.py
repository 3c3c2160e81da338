"""The groups of operations in the API document, in the order they are shown."""

from typing import Final

ACCOUNTS: Final = "Accounts"
DEFAULT_INDEX: Final = "Default index"
INDICES: Final = "Indices"
STRATEGIES: Final = "Strategies"
BENCHMARKS: Final = "Benchmarks"
MARKET: Final = "Market data"
ANALYTICS: Final = "Analytics"
JOBS: Final = "Jobs"
BACKGROUND: Final = "Background tasks"
LIVE: Final = "Live"
ADMINISTRATION: Final = "Administration"
SERVICE: Final = "Service"
UPLOAD: Final = "upload"
"""Key of a handler's ``opt``: its body is a file, of any type (True), of these types, or by type a record."""
OFFERS: Final = "offers"
"""Key of a handler's ``opt``: media types of its answer beside JSON."""
ALSO: Final = "also"
"""Key of a handler's ``opt``: error statuses that do not follow from its policy and parameters."""

TAGS: Final = {
    ACCOUNTS: "Open an account, get an access token, see who you are.",
    DEFAULT_INDEX: "The Waardhaven AutoIndex: what it holds, its levels, and the prices behind them.",
    INDICES: "Every index you may see, by its short name, with the builds it is published from.",
    STRATEGIES: "How weights are chosen, and how the default index is configured.",
    BENCHMARKS: "An index beside an asset, another index or a blend of these, over the same days.",
    MARKET: "Assets, their corporate actions and prices, from providers and from files.",
    ANALYTICS: "Figures of data you send: nothing is stored.",
    JOBS: "Long work: submitted once, done exactly once in effect, watched, cancelled, tried again.",
    BACKGROUND: "The same jobs under older names and in the words of task queues.",
    LIVE: "What happens, told as it happens; last prices over a WebSocket at /api/v1/stream/quotes.",
    ADMINISTRATION: "What was done, by whom, and to what.",
    SERVICE: "What runs here, and how it is.",
}
