"""Options over the wire: questions as JSON or Arrow, read within a bounded memory, and their answers."""

from collections.abc import Mapping
from typing import Annotated, Any, Final

import msgspec
import numpy as np
from msgspec import Meta, Raw

from waardhaven.adapters.inbound.http.encode import json_bytes
from waardhaven.adapters.inbound.http.number_arrays import ShortBody
from waardhaven.adapters.inbound.http.option_bodies import (
    COLUMNS,
    OptionsBody,
    OptionsText,
    OptionTableSettings,
)
from waardhaven.adapters.inbound.http.sent_bodies import LISTED_BYTES, check_count, decoded
from waardhaven.application.answers import Sent
from waardhaven.application.quant.option_question import MOST_OPTIONS, REFUSED, Exercise, OptionQuestion
from waardhaven.application.quant.option_views import options_view
from waardhaven.application.quant.price_options import Priced
from waardhaven.application.questions.options import Number, OptionSettings
from waardhaven.application.rule_texts import told
from waardhaven.domain.errors import FieldError
from waardhaven.domain.metrics.sample import UnusableSample
from waardhaven.domain.quant.options.contracts import UnusableOptions
from waardhaven.domain.quant.options.valuation import FIRST_ORDER
from waardhaven.domain.types import Flags, Floats

MOST_ITEMS: Final = 2_000_000
"""Values of a body of JSON; an Arrow stream may hold a million options with every column."""
MOST_IN_JSON: Final = 100_000
"""Options of an answer in JSON."""
CALL: Final = "call"
REQUIRED: Final = ("strike_price", "time_to_expiry")
_TEXT: Final[msgspec.json.Decoder[Any]] = msgspec.json.Decoder(OptionsText)
_NUMBER: Final = msgspec.json.Decoder(Number)
_NUMBERS: Final = msgspec.json.Decoder(Annotated[list[Number], Meta(max_length=MOST_OPTIONS)])
_SETTINGS: Final[msgspec.json.Decoder[Any]] = msgspec.json.Decoder(OptionTableSettings)


def options_of_json(content: Sent) -> OptionQuestion:
    """Return what a JSON body asks; raise an Invalid that names fields, or ClientException."""
    check_count(content, MOST_ITEMS)
    short = ShortBody.of(content) if len(content) > LISTED_BYTES else ShortBody(content)
    body = decoded(short.text, _TEXT, OptionsBody, most=MOST_ITEMS, listed=not short.arrays)
    missing = [name for name in REQUIRED if not bytes(memoryview(getattr(body, name))[:1])]
    missing += ["option_type"] * (body.option_type is None)
    if missing:
        raise _unusable((name, "is required") for name in missing)
    columns = {
        theirs: _column(ours, getattr(body, ours), short)
        for ours, theirs in COLUMNS.items()
        if ours in REQUIRED or _is_given(getattr(body, ours))
    }
    calls = body.option_type == CALL if isinstance(body.option_type, str) else _calls(body.option_type)
    return _question(body, columns, np.asarray(calls, dtype=np.bool_))


def options_of_arrow(content: Sent, *, settings: str | None) -> OptionQuestion:
    """Return what an Arrow stream asks with ``settings``, an OptionTableSettings as JSON."""
    from waardhaven.adapters.inbound.http.option_tables import read_options

    how = decoded((settings or "{}").encode(), _SETTINGS, OptionTableSettings, within="settings.")
    table = read_options(content, tuple(COLUMNS))
    twice = [name for name in table.numbers if getattr(how, name) is not None]
    if table.is_call is not None and how.option_type is not None:
        twice.append("option_type")
    if twice:
        raise _unusable(
            (f"settings.{name}", "must be left out: the table has a column of it") for name in twice
        )
    numbers = {
        name: np.asarray(value, dtype=np.float64)
        for name in COLUMNS
        if (value := table.numbers.get(name, getattr(how, name))) is not None
    }
    calls = table.is_call if how.option_type is None else np.asarray(how.option_type == CALL)
    missing = [name for name in REQUIRED if name not in numbers] + ["option_type"] * (calls is None)
    if missing or calls is None:
        raise _unusable((name, "is required, as a column or in settings") for name in missing)
    return _question(how, {COLUMNS[name]: column for name, column in numbers.items()}, calls)


def options_json(found: Priced) -> bytes:
    """Return an answer as JSON; raise UnusableOptions for more options than that is good for."""
    if len(found.reasons) > MOST_IN_JSON:
        rule = f"must be of at most {MOST_IN_JSON} options for an answer in JSON: accept an Arrow stream"
        raise _unusable([("strike_price", rule)])
    return json_bytes(options_view(found))


def options_arrow(found: Priced) -> bytes:
    """Return an answer as an Arrow stream; see ``written_options``."""
    from waardhaven.adapters.inbound.http.option_tables import written_options

    return written_options(found)


def _is_given(text: Raw) -> bool:
    return bytes(memoryview(text)[:5]) not in {b"", b"null"}


def _calls(kinds: list[Any]) -> Flags:
    return np.fromiter((one == CALL for one in kinds), dtype=np.bool_, count=len(kinds))


def _column(name: str, text: Raw, short: ShortBody) -> Floats:
    """Return the number () or the array (n,) that stands at a field, null as NaN."""
    try:
        if short.is_array(text):
            return short.numbers(name, text, _NUMBERS)
        return np.array(_NUMBER.decode(text), dtype=np.float64)
    except msgspec.ValidationError as error:
        raise _unusable([(name, told(str(error))[1])]) from None
    except UnusableSample as error:
        raise UnusableOptions(REFUSED, errors=error.errors) from None


def _question(how: OptionSettings, columns: Mapping[str, Floats], calls: Flags) -> OptionQuestion:
    numbers: dict[str, Any] = {"rate": np.zeros(()), **columns}
    return OptionQuestion(
        **numbers,
        is_call=calls,
        model=how.model,
        payoff=how.payoff,
        exercise=Exercise(how.exercise),
        greeks=FIRST_ORDER if how.greeks is None else tuple(dict.fromkeys(how.greeks)),
        symbol=how.symbol,
        estimator=how.volatility_estimator,
        window=how.volatility_window,
    )


def _unusable(broken: Any) -> UnusableOptions:
    return UnusableOptions(REFUSED, errors=[FieldError(field=field, rule=rule) for field, rule in broken])
