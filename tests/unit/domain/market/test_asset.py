import pytest

from waardhaven.domain.errors import Conflict, NotFound
from waardhaven.domain.market.asset import (
    AmbiguousSymbol,
    Asset,
    InvalidSymbol,
    SymbolRef,
    UnknownAsset,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("AAPL", SymbolRef(symbol="AAPL")),
        (" aapl ", SymbolRef(symbol="AAPL")),
        ("BRK.B:XNYS", SymbolRef(symbol="BRK.B", mic="XNYS")),
        ("^GSPC", SymbolRef(symbol="^GSPC")),
        ("EUR/USD", SymbolRef(symbol="EUR/USD")),
        ("42", SymbolRef(id=42)),
        ("0700:XHKG", SymbolRef(symbol="0700", mic="XHKG")),
        ("12345678901234567890", SymbolRef(symbol="12345678901234567890")),
    ],
)
def test_a_symbol_a_symbol_on_an_exchange_and_an_id_are_told_apart(text: str, expected: SymbolRef) -> None:
    assert SymbolRef.parse(text) == expected
    assert SymbolRef.parse(str(expected)) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "A B",
        "AAPL:",
        ":XNYS",
        "AAPL:NY",
        "AAPL:XNYS:X",
        "A" * 41,
        "é",
        "a;b",
        "0",
        "9" * 19,
        "²",
        "A\n"[:1] + "\nB",
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(InvalidSymbol):
        SymbolRef.parse(text)


def test_errors_name_what_was_asked_and_what_there_is() -> None:
    ref = SymbolRef.parse("ABC")
    unknown = UnknownAsset.named(ref)
    assert isinstance(unknown, NotFound)
    assert (unknown.code, unknown.context) == ("unknown_asset", {"symbol": "ABC"})
    candidates = [
        Asset(id=i, symbol="ABC", mic=mic, currency="USD", asset_type="equity", name="Abc")  # type: ignore[arg-type]
        for i, mic in ((3, "XNYS"), (8, "XLON"))
    ]
    ambiguous = AmbiguousSymbol.between(ref, candidates)
    assert isinstance(ambiguous, Conflict)
    assert ambiguous.context == {"symbol": "ABC", "candidates": ["ABC:XNYS", "ABC:XLON"], "ids": [3, 8]}
