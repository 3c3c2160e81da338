"""Prices, Greeks and implied volatilities of options, and the catalogue of what they can be asked for."""

from collections.abc import Callable
from functools import partial
from typing import Annotated, Any, Final

from dishka.integrations.litestar import FromDishka
from litestar import Request, Response, get, post
from litestar.params import QueryParameter

from waardhaven.adapters.inbound.http.answers import NotAcceptable
from waardhaven.adapters.inbound.http.job_answers import QUEUED, accepted
from waardhaven.adapters.inbound.http.negotiation import ARROW, JSON, media_type
from waardhaven.adapters.inbound.http.option_bodies import OptionsBody
from waardhaven.adapters.inbound.http.option_wire import (
    options_arrow,
    options_json,
    options_of_arrow,
    options_of_json,
)
from waardhaven.adapters.inbound.http.params import NO_CONTROLS, Fields, InvalidParameters
from waardhaven.adapters.inbound.http.policy import POLICY, needs
from waardhaven.adapters.inbound.http.reading import answer_record
from waardhaven.adapters.inbound.http.sent_bodies import body_of, media_of
from waardhaven.adapters.inbound.http.tags import ALSO, ANALYTICS, OFFERS, UPLOAD
from waardhaven.application.answers import Sent
from waardhaven.application.jobs.ask_options import AskOptions
from waardhaven.application.quant.catalogue import ListOptionModels, OptionModelsView
from waardhaven.application.quant.option_question import OptionQuestion
from waardhaven.application.quant.option_views import OptionsView
from waardhaven.domain.errors import FieldError
from waardhaven.domain.identity.roles import Permission
from waardhaven.domain.jobs.job import Job
from waardhaven.domain.market.imports import LARGEST_FILE

Asked = Request[Any, Any, Any]
READS: Final = needs(Permission.READ_INDICES)
COMPUTES: Final = needs(Permission.READ_INDICES, per_minute=120, streaming=True)
"""Without a limit of time: a large body and the pool of models have their own."""
Settings = Annotated[
    str | None,
    QueryParameter(
        name="settings",
        max_length=4_000,
        pattern=NO_CONTROLS,
        description=(
            "For an Arrow stream alone: JSON of what a JSON body says, in the same words, with numbers that "
            "are the same for all options."
        ),
    ),
]


@get(
    "/option-models",
    opt={POLICY: READS},
    operation_id="optionModels",
    summary="The catalogue of options",
    tags=[ANALYTICS],
)
async def option_models(request: Asked, fields: Fields = None) -> Response[OptionModelsView]:
    """List models, payoffs, Greeks with their units and formulas, and estimators of volatility."""
    return await answer_record(request, ListOptionModels, fields)


@post(
    "/blackscholes",
    status_code=200,
    opt={
        POLICY: COMPUTES,
        UPLOAD: {JSON: OptionsBody, ARROW: None},
        OFFERS: (ARROW,),
        ALSO: (404, 406, 409),
    },
    responses=QUEUED,
    request_max_body_size=LARGEST_FILE,
    operation_id="blackScholes",
    summary="Prices, Greeks and implied volatilities of options",
    tags=[ANALYTICS],
)
async def black_scholes(
    request: Asked, ask: FromDishka[AskOptions], settings: Settings = None
) -> Response[OptionsView]:
    """Value options by Black-Scholes-Merton, Black 1976 or Garman-Kohlhagen; nothing is stored.

    Every field is a number or an array with a value for each option; each figure is a value or null with a
    reason. With `price` instead of `volatility` the volatility is the implied one. With `symbol` the last
    stored close is the spot, and volatility is estimated from stored prices, unless they are given; the
    answer tells the day, the estimator, its window and its bars.

    A million options are sent as an Arrow IPC stream (uncompressed) with a column for each field, fields
    that are the same for all of them in `settings`, and answered in one with a column for each figure and,
    in `reason`, why one is null. In JSON up to 100,000 options are answered. More than 1,000 American options
    are a job, and so are up to 10,000 options while too much is being computed.
    """
    media = media_type(request.headers.get("accept", ""), (JSON, ARROW))
    if media is None:
        raise NotAcceptable(f"On offer: {JSON}, {ARROW}.")
    write = options_arrow if media == ARROW else options_json
    sent = media_of(request, JSON, ARROW)
    read = _reader(sent, settings)
    async with body_of(request, sent) as content:
        answer = await ask(request.user, content=content, read=read, write=write)
    if isinstance(answer, Job):
        return accepted(answer)  # type: ignore[return-value]
    return Response(answer, media_type=media, headers={"Vary": "Accept"})  # type: ignore[arg-type]


def _reader(media: str, settings: str | None) -> Callable[[Sent], OptionQuestion]:
    """Return what reads a body of a type; raise InvalidParameters."""
    if media == ARROW:
        return partial(options_of_arrow, settings=settings)
    if settings is not None:
        rule = "must be left out where the body is JSON, which says it itself"
        errors = [FieldError(field="settings", rule=rule)]
        raise InvalidParameters("The request breaks a rule.", errors=errors)
    return options_of_json


HANDLERS = (option_models,)
UNKEPT = (black_scholes,)
