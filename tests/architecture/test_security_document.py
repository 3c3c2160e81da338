"""docs/security.md names tests that exist, for every threat it lists."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LINES = (ROOT / "docs" / "security.md").read_text().splitlines()
NAMED = re.compile(r"(tests/[\w/]+\.py)::(\w+)")
ROWS = [line for line in LINES if re.match(r"\| (API\d+|V\d+\.\d+) ", line)]
ITEMS = [row.split()[1] for row in ROWS]
CHAPTERS = {"V2", "V3", "V4", "V5", "V7", "V8", "V9", "V11", "V13", "V14"}


@cache
def names_in(path: str) -> frozenset[str]:
    """Return the names of the test functions of a file."""
    tree = ast.parse((ROOT / path).read_text())
    found = [one for one in ast.walk(tree) if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)]
    return frozenset(one.name for one in found if one.name.startswith("test_"))


def test_all_ten_threats_of_owasp_are_listed_in_order():
    assert [one for one in ITEMS if one.startswith("API")] == [f"API{number}" for number in range(1, 11)]


def test_every_chapter_of_asvs_that_applies_is_listed():
    assert {one.partition(".")[0] for one in ITEMS if one.startswith("V")} == CHAPTERS


def test_no_item_is_listed_twice():
    assert len(ITEMS) == len(set(ITEMS))


@pytest.mark.parametrize("row", ROWS, ids=ITEMS)
def test_every_row_says_how_it_is_met_and_names_tests_that_exist(row: str):
    _, meaning, shown = row.strip("| ").split(" | ")
    assert meaning
    named = shown.split(", ")
    assert len(named) >= 2
    for one in named:
        found = NAMED.fullmatch(one)
        assert found, f"{one} is no test"
        assert (ROOT / found[1]).is_file(), one
        assert found[2] in names_in(found[1]), one


def test_tests_named_in_words_exist_too():
    for path, name in NAMED.findall("\n".join(LINES)):
        assert name in names_in(path), f"{path}::{name}"
