"""What is wrong with the lines of a file: all counted, the first thousand kept.

Imported on first use alone, as polars is.
"""

import polars as pl

from waardhaven.domain.market.imports import LineIssue

MOST_KEPT = 1_000
LONGEST_VALUE = 40


class Issues:
    """Collects what the checks find; the caller leaves those lines out."""

    def __init__(self) -> None:
        self.count = 0
        self._kept: list[LineIssue] = []

    def add(self, column: str | None, reason: str, *, line: int = 1, value: str | None = None) -> None:
        """Record one issue."""
        self.count += 1
        shown = None if value is None else value[:LONGEST_VALUE]
        self._kept.append(LineIssue(line=line, column=column, value=shown, reason=reason))

    def add_rows(
        self,
        frame: pl.DataFrame,
        wrong: pl.Series,
        *,
        column: pl.Expr | str | None,
        value: pl.Expr | None,
        reason: pl.Expr | str,
    ) -> None:
        """Record an issue for each row of ``frame`` (with its ``line``) where ``wrong`` is true."""
        if not (found := int(wrong.sum())):
            return
        self.count += found
        rows = (
            frame.filter(wrong)
            .head(MOST_KEPT)
            .select(
                "line",
                column=column if isinstance(column, pl.Expr) else pl.lit(column, dtype=pl.String),
                value=pl.lit(None) if value is None else value.cast(pl.String).str.slice(0, LONGEST_VALUE),
                reason=reason if isinstance(reason, pl.Expr) else pl.lit(reason),
            )
        )
        self._kept += [LineIssue(**row) for row in rows.iter_rows(named=True)]

    def kept(self) -> tuple[LineIssue, ...]:
        """Return the first thousand, by line."""
        return tuple(sorted(self._kept, key=lambda one: one.line)[:MOST_KEPT])
