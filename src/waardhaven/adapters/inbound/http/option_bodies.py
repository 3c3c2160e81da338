"""What a caller sends to have options valued: numbers, or arrays of equal length."""

from typing import Annotated, Any, Final

from msgspec import Meta, Raw, Struct, defstruct

from waardhaven.application.quant.option_question import MOST_OPTIONS, NUMBERS, SENT_AS
from waardhaven.application.questions.options import Kind, Number, OptionColumns, OptionSettings

NOTHING: Final = Raw()
"""A field that was left out."""
COLUMNS: Final = {SENT_AS.get(one, one): one for one in NUMBERS}
"""Fields of numbers as they are sent, and as the use case knows them."""


class OptionsBody(
    OptionColumns[
        Kind | Annotated[tuple[Kind, ...], Meta(max_length=MOST_OPTIONS)],
        Number | Annotated[tuple[Number, ...], Meta(max_length=MOST_OPTIONS)],
    ],
    frozen=True,
    kw_only=True,
):
    """Options: each field a number, the same for all, or an array with a value for each. Null is unknown."""


def _form(name: str, doc: str, kinds: Any, numbers: Any, absent: object) -> type[Struct]:
    """Return the settings with other types in the columns: a form in which options come."""
    columns = [(one, numbers, absent) for one in COLUMNS]
    return defstruct(
        name,
        [("option_type", kinds | None, None), *columns],
        bases=(OptionSettings,),
        namespace={"__doc__": doc},
        frozen=True,
        kw_only=True,
        forbid_unknown_fields=True,
    )


OptionsText: Final = _form(
    "OptionsText",
    "An ``OptionsBody`` whose numbers are text still: Python's numbers take three times their memory.",
    Kind | list[Kind],
    Raw,
    NOTHING,
)
OptionTableSettings: Final = _form(
    "OptionTableSettings",
    "How the options of a table are valued, and numbers that are the same for all of them.",
    Kind,
    Number,
    None,
)
