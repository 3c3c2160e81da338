"""What the use cases of definitions answer with."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class RulesView:
    """One version of the rules of an index; assets are SYMBOL:MIC. ``author``: see VersionView."""

    slug: str
    version: int
    defined_at: dt.datetime
    author: str | None
    reason: str | None
    rules: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeView:
    """A field that differs from the version before, by dotted path; ``(absent)``: one side has it not."""

    field: str
    old: Any
    new: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionView:
    """A version of the rules and what changed in it; the first one changed nothing.

    ``author``: username, told to those who may change the index; None: not told, the system, the operator.
    """

    version: int
    defined_at: dt.datetime
    author: str | None
    reason: str | None
    changes: tuple[ChangeView, ...]
