"""``waardhaven tearsheet``: figures and charts of files and indices, and files that can not be read."""

import asyncio
from io import StringIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import polars as pl
import pytest
from click.testing import CliRunner, Result
from rich.console import Console

from waardhaven.adapters.inbound.cli.series_files import read_series
from waardhaven.adapters.inbound.cli.tearsheet import sparkline, tearsheet
from waardhaven.application.answers import SeriesView
from waardhaven.application.indexes.queries import ReadHistory

DAYS = [f"2024-01-{day:02}" for day in range(1, 29)]
LEVELS = [100.0 + (day % 5) for day in range(28)]


class Runs:
    """A runner whose container knows two indices."""

    def __init__(self) -> None:
        self.console = Console(file=StringIO(), width=120)

    def run(self, work: Any) -> Any:
        async def get(kind: type) -> Any:
            assert kind is ReadHistory
            return self._read

        return asyncio.run(work(SimpleNamespace(get=get)))

    async def _read(self, _: object, *, slug: str) -> SeriesView:
        days = np.array(DAYS, dtype="datetime64[D]")
        cut = slice(0, None) if slug == "mine" else slice(3, None)
        return SeriesView(columns={"dates": days[cut], "values": np.array(LEVELS)[cut]})


def run(*words: str) -> tuple[Result, str]:
    runs = Runs()
    result = CliRunner().invoke(tearsheet, list(words), obj=runs, standalone_mode=True)
    return result, runs.console.file.getvalue()


@pytest.fixture
def csv(tmp_path: Path) -> Path:
    path = tmp_path / "levels.csv"
    rows = [f"{day},{level},{level * 2}" for day, level in zip(DAYS, LEVELS, strict=True)]
    path.write_text("\n".join(["Date,fund,bench", *rows]), encoding="utf-8")
    return path


def test_a_file_is_measured_beside_one_of_its_columns(csv: Path) -> None:
    result, text = run(str(csv), "--values", "levels", "--benchmark", "bench")
    assert result.exit_code == 0, result.output
    assert "2024-01-02 to 2024-01-28, 27 periods, 365 a year (told by the dates)." in text
    assert "Total return" in text
    assert "2.00%" in text  # from 100 to 102
    assert "not known: under a year" in text
    assert "Beta" in text
    assert "fund: growth" in text
    assert "2024" in text


def test_without_a_benchmark_nothing_is_said_of_one_and_all_metrics_are_shown_on_request(csv: Path) -> None:
    _, some = run(str(csv), "--values", "levels", "--periods-per-year", "252")
    _, every = run(str(csv), "--values", "levels", "--all")
    assert "Beta" not in some
    assert "252 a year (as stated)" in some
    assert "Burke" in every
    assert "Burke" not in some


def test_an_index_is_measured_within_days_beside_another_by_date() -> None:
    result, text = run("mine", "--benchmark", "other", "--start", "2024-01-02", "--end", "2024-01-20")
    assert result.exit_code == 0, result.output
    assert "2024-01-03 to 2024-01-20, 18 periods" in text
    assert "Tracking error" in text
    assert "mine: drawdown" in text


def test_parquet_is_read_like_csv_and_empty_cells_are_unknown(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    day = pl.Series("day", DAYS[:3]).str.to_date()
    pl.DataFrame({"day": day, "a": [1.0, None, 3.0], "b": [1, 2, 3]}).write_parquet(path)
    found = read_series(path)
    assert (found.names, found.dates.astype(str).tolist()) == (("a", "b"), DAYS[:3])
    assert np.array_equal(found.values, [[1.0, 1.0], [np.nan, 2.0], [3.0, 3.0]], equal_nan=True)


def test_returns_that_look_like_per_cent_are_noted(tmp_path: Path) -> None:
    path = tmp_path / "r.csv"
    path.write_text("\n".join(["date,r", *(f"{day},{(-1) ** i * 1.5}" for i, day in enumerate(DAYS))]))
    result, text = run(str(path), "--values", "returns")
    assert result.exit_code == 0, result.output
    assert "Note: Half of the moves of r are above 20 %" in text
    assert "not known: ruined" in text


@pytest.mark.parametrize(
    ("content", "words", "told"),
    [
        ("date,a\n2024-01-01,1\n2024-01-02,2", [], "Say what the file holds"),
        ("date,a\n2024-01-01,1\n2024-01-02,2", ["--benchmark", "x"], "no column 'x' but a"),
        ("date\n2024-01-01", [], "needs a column of dates"),
        ("date,a\n2024-01-02,1\n2024-01-01,2", [], "do not increase"),
        ("date,a\n1,1\n2,2", [], "holds no dates"),
        ("date,a\n2024-01-01,1\n,2", [], "rows without a date"),
        ("date,a\n2024-01-01,x\n2024-01-02,y", [], "is no number"),
        ("date,a\n2024-01-01,1,2,3", [], "can not be read"),
    ],
)
def test_what_can_not_be_measured_is_said_in_one_line(
    tmp_path: Path, content: str, words: list[str], told: str
) -> None:
    path = tmp_path / "bad.csv"
    path.write_text(content, encoding="utf-8")
    stated = [] if told.startswith("Say") else ["--values", "levels"]
    result, _ = run(str(path), *stated, *words)
    assert result.exit_code == 2
    assert told in " ".join(result.output.split())


def test_a_path_that_is_not_there_and_a_file_too_large_are_refused(
    csv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    result, _ = run("elsewhere.csv", "--values", "levels")
    assert "no file elsewhere.csv" in result.output
    monkeypatch.setattr("waardhaven.adapters.inbound.cli.series_files.LARGEST", 10)
    result, _ = run(str(csv), "--values", "levels")
    assert "is larger than" in result.output


def test_a_sparkline_goes_from_the_lowest_to_the_highest() -> None:
    assert sparkline(np.arange(8.0)) == "▁▂▃▄▅▆▇█"
    assert sparkline(np.full(3, 5.0)) == "▁▁▁"
    assert len(sparkline(np.arange(1000.0))) == 60
