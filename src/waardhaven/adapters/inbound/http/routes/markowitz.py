"""Optimal portfolios and the efficient frontier, and the catalogue of what they can be asked for."""

from typing import Any, Final

import msgspec
from dishka.integrations.litestar import FromDishka
from litestar import Request, Response, get, post

from waardhaven.adapters.inbound.http.job_answers import QUEUED, model_answer
from waardhaven.adapters.inbound.http.negotiation import JSON
from waardhaven.adapters.inbound.http.params import Fields
from waardhaven.adapters.inbound.http.policy import POLICY, needs
from waardhaven.adapters.inbound.http.reading import answer_record
from waardhaven.adapters.inbound.http.sent_bodies import body_of, decoded, media_of
from waardhaven.adapters.inbound.http.tags import ANALYTICS, UPLOAD
from waardhaven.application.jobs.ask_model import AskModel
from waardhaven.application.quant.markowitz_catalogue import ListMarkowitzObjectives, MarkowitzCatalogueView
from waardhaven.application.quant.markowitz_views import MarkowitzView
from waardhaven.application.questions.markowitz import MarkowitzQuestion
from waardhaven.domain.identity.roles import Permission

Asked = Request[Any, Any, Any]
READS: Final = needs(Permission.READ_INDICES)
COMPUTES: Final = needs(Permission.READ_INDICES, per_minute=60, streaming=True)
"""Without a limit of time: the pool of models has its own."""
LARGEST_BODY: Final = 8 << 20
"""250,000 figures with all their digits, some 15 ms to read."""
MOST_ITEMS: Final = 300_000
_QUESTION: Final = msgspec.json.Decoder(MarkowitzQuestion)


@get(
    "/markowitz-objectives",
    opt={POLICY: READS},
    operation_id="markowitzObjectives",
    summary="The catalogue of portfolio optimisation",
    tags=[ANALYTICS],
)
async def markowitz_objectives(request: Asked, fields: Fields = None) -> Response[MarkowitzCatalogueView]:
    """List objectives with their programmes and parameters, and methods of estimating moments."""
    return await answer_record(request, ListMarkowitzObjectives, fields)


@post(
    "/markowitz",
    status_code=200,
    opt={POLICY: COMPUTES, UPLOAD: {JSON: MarkowitzQuestion}},
    request_max_body_size=LARGEST_BODY,
    operation_id="markowitz",
    summary="Optimal weights and the efficient frontier",
    tags=[ANALYTICS],
    responses=QUEUED,
)
async def markowitz(request: Asked, ask: FromDishka[AskModel]) -> Response[MarkowitzView]:
    """Find the portfolio that is best for an objective within limits; nothing is stored.

    The market is told by stored `symbols`, whose returns on common days are read, by `returns` or `levels`,
    or by `expected_returns` and `covariance` of a year. Views of Black and Litterman change what is
    expected. Limits are bounds of names, groups, the budget, turnover and the number of names held.

    The answer tells the residual of the optimality conditions, what each limit costs (dual values), the
    moments that were used, and with `frontier` the efficient frontier with its corner portfolios. Limits
    that nothing can keep are refused with the smallest relaxation, a target out of reach with the range.
    """
    async with body_of(request, media_of(request, JSON)) as content:
        question = decoded(content, _QUESTION, MarkowitzQuestion, most=MOST_ITEMS)
    return model_answer(await ask(request.user, question=question))  # type: ignore[return-value]


HANDLERS = (markowitz_objectives,)
UNKEPT = (markowitz,)
