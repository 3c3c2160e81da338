"""Simulations: the future of a portfolio, the price of a derivative."""

from typing import Any, Final

import msgspec
from dishka.integrations.litestar import FromDishka
from litestar import Request, Response, post

from waardhaven.adapters.inbound.http.job_answers import QUEUED, model_answer
from waardhaven.adapters.inbound.http.negotiation import JSON
from waardhaven.adapters.inbound.http.policy import POLICY, needs
from waardhaven.adapters.inbound.http.sent_bodies import body_of, decoded, media_of
from waardhaven.adapters.inbound.http.tags import ANALYTICS, UPLOAD
from waardhaven.application.jobs.ask_model import AskModel
from waardhaven.application.quant.monte_carlo_views import MonteCarloView
from waardhaven.application.questions.monte_carlo import MonteCarloQuestion
from waardhaven.domain.identity.roles import Permission

Asked = Request[Any, Any, Any]
COMPUTES: Final = needs(Permission.READ_INDICES, per_minute=60, streaming=True)
"""Without a limit of time: the pool of models has its own."""
LARGEST_BODY: Final = 8 << 20
"""250,000 numbers of a past with all their digits, some 15 ms to read."""
MOST_ITEMS: Final = 300_000
_QUESTION: Final = msgspec.json.Decoder(MonteCarloQuestion)


@post(
    "/montecarlo",
    status_code=200,
    opt={POLICY: COMPUTES, UPLOAD: {JSON: MonteCarloQuestion}},
    request_max_body_size=LARGEST_BODY,
    operation_id="monteCarlo",
    summary="Simulate a portfolio or a derivative",
    tags=[ANALYTICS],
    responses=QUEUED,
)
async def monte_carlo(request: Asked, ask: FromDishka[AskModel]) -> Response[MonteCarloView]:
    """Simulate the future of a portfolio, or the price of a derivative; nothing is stored.

    `kind` tells them apart. Every estimate has its standard error and an interval, and the answer the seed
    that gives it again, bit for bit. Value at risk and expected shortfall are losses: above 0 where money
    was lost.

    A portfolio follows the past of stored `symbols`, `returns` that are sent, or `expected_returns` with
    their covariance, pays contributions and withdrawals, and tells the distribution of its worth at the end
    and over time, drawdowns, and the probabilities of a goal and of ruin. A derivative is European, digital,
    Asian, a barrier option, a basket or American.
    """
    async with body_of(request, media_of(request, JSON)) as content:
        question = decoded(content, _QUESTION, MonteCarloQuestion, most=MOST_ITEMS)
    return model_answer(await ask(request.user, question=question))  # type: ignore[return-value]


UNKEPT = (monte_carlo,)
