"""Errors that people can act on."""

import pytest

from waardhaven.domain.errors import FieldError, Invalid, TooManyRequests, Unavailable, WaardhavenError
from waardhaven.domain.index.build_record import UnknownIndex


@pytest.mark.parametrize(
    ("error", "code"),
    [(Unavailable, "unavailable"), (TooManyRequests, "too_many_requests"), (UnknownIndex, "unknown_index")],
)
def test_the_code_of_an_error_is_its_name_in_snake_case(error: type[WaardhavenError], code: str) -> None:
    assert error("Something.").code == code


def test_too_many_requests_tell_when_to_come_back() -> None:
    error = TooManyRequests("Too often.", retry_after_seconds=2.5)
    assert error.retry_after_seconds == 2.5
    assert error.context == {"retry_after_seconds": 2.5}
    assert TooManyRequests("Too often.").retry_after_seconds == 1.0


def test_an_error_keeps_its_message_and_copies_of_what_it_is_about() -> None:
    about, rules = {"asset": 3}, [FieldError(field="lag", rule="must be 1")]
    error = Invalid("That can not be.", context=about, errors=rules)
    about["asset"] = 4
    rules.clear()
    assert (str(error), error.message) == ("That can not be.", "That can not be.")
    assert error.context == {"asset": 3}
    assert error.errors == (FieldError(field="lag", rule="must be 1"),)
