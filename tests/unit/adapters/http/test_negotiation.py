import pytest

from waardhaven.adapters.inbound.http.negotiation import (
    ARROW,
    JSON,
    Encoding,
    encoding,
    is_current,
    media_type,
)


@pytest.mark.parametrize(
    ("accept", "chosen"),
    [
        ("", JSON),
        ("*/*", JSON),
        ("application/*", JSON),
        (ARROW, ARROW),
        (f"{ARROW};q=0.9, application/json;q=0.8", ARROW),
        (f"{ARROW};q=0.1, */*", JSON),
        (f"application/json;q=0, {ARROW};q=0.1", ARROW),
        ("application/json;q=0, */*", ARROW),
        ("text/html, */*;q=0.1", JSON),
        ("APPLICATION/JSON", JSON),
        ("application/json; charset=utf-8; q=0.5", JSON),
        ("text/html", None),
        ("*/*;q=0", None),
        ("application/json;q=nonsense", None),
    ],
)
def test_the_liked_media_type_is_chosen(accept: str, chosen: str | None) -> None:
    assert media_type(accept, (JSON, ARROW)) == chosen


@pytest.mark.parametrize(
    ("accept", "chosen"),
    [
        (None, Encoding("identity")),
        ("", Encoding("identity")),
        ("gzip, deflate, br, zstd", Encoding("br")),
        ("gzip, deflate", Encoding("gzip")),
        ("gzip;q=1, br;q=0.5", Encoding("gzip")),
        ("gzip;q=0", Encoding("identity")),
        ("*", Encoding("br")),
        ("br;q=0, *", Encoding("gzip")),
        ("deflate", Encoding("identity")),
        ("identity", Encoding("identity")),
        ("identity;q=1, gzip;q=0.5", Encoding("identity")),
        ("identity;q=0, gzip", Encoding("gzip", forced=True)),
        ("*;q=0, br", Encoding("br", forced=True)),
        ("identity;q=0", None),
        ("*;q=0", None),
    ],
)
def test_the_liked_encoding_is_chosen(accept: str | None, chosen: Encoding | None) -> None:
    assert encoding(accept) == chosen


@pytest.mark.parametrize(
    ("header", "current"),
    [
        ('"a"', True),
        ('W/"a"', True),
        ('"b", "a"', True),
        ("*", True),
        ('"b"', False),
        ("", False),
        ("a", False),
    ],
)
def test_a_known_tag_is_recognised(header: str, current: bool) -> None:
    assert is_current(header, '"a"') is current
