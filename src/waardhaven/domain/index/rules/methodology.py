"""The methodology of an index in words, written from its rules alone."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from waardhaven.domain.index.definition import (
    Adjustment,
    Constraints,
    IndexDefinition,
    NthWeekday,
    RestatementPolicy,
    Variant,
)
from waardhaven.domain.index.events import EventKind
from waardhaven.domain.index.family import Family
from waardhaven.domain.index.rules.document import same, to_document
from waardhaven.domain.index.rules.meanings import MEANINGS
from waardhaven.domain.index.rules.reading import STAND_IN
from waardhaven.domain.index.rules.told import FORMULAS, LEVEL, TREATMENTS_TOLD
from waardhaven.domain.index.strategies import STRATEGIES
from waardhaven.domain.index.strategies.strategy import Strategy

FAMILIES = {
    Family.CAP_WEIGHTED: "cap weighted: an action changes the weight of its name",
    Family.NON_CAP_WEIGHTED: "not cap weighted: the weight of a name is held until the next review",
    Family.PRICE_WEIGHTED: "price weighted: one unit of every name",
}
POLICIES = {
    RestatementPolicy.LEAVE: (
        "Published levels stay as they were published. What today's facts would give is kept beside them."
    ),
    RestatementPolicy.RESTATE: (
        "Levels are published again from the first day that differs by more than the threshold. What was "
        "published before stays readable."
    ),
}
VARIANTS = {
    Variant.PRICE: "price return: distributions are not reinvested",
    Variant.GROSS: "gross total return: distributions are reinvested in full on the ex-date",
    Variant.NET: "net total return: distributions are reinvested after withholding on the ex-date",
}
ADJUSTED = "The closes are adjusted for distributions, so the level has earned them already."
_KNOWN: dict[str, Strategy[Any]] = {one.name: one for one in STRATEGIES}


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A chapter: ``text`` is Markdown without its heading."""

    title: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Edition:
    """A version of the rules as the log of changes tells it; ``changes``: (field, old, new)."""

    version: int
    day: date
    reason: str | None
    changes: Sequence[tuple[str, object, object]]


def methodology(
    definition: IndexDefinition, document: Mapping[str, Any], editions: Sequence[Edition]
) -> tuple[Section, ...]:
    """Return the methodology of a definition; ``document`` is the same rules with assets by symbol."""
    chapters = {
        "Objective": [definition.description or "None is stated."],
        "Universe": _universe(document),
        "Weighting": [*_strategy(document["strategy"]["name"], document["strategy"]["params"], "")],
        "Constraints": _constraints(document["constraints"]),
        "Calendar and reviews": _reviews(definition),
        "Calculation": _calculation(definition),
        "Corporate actions": _actions(definition),
        "Variants": _variants(definition),
        "Currency": _currency(definition),
        "Data rules": _data(definition, document),
        "Corrections": _corrections(definition),
        "Changes": _changes(editions),
    }
    return tuple(Section(title=title, text="\n".join(lines)) for title, lines in chapters.items())


def as_markdown(name: str, sections: Sequence[Section]) -> str:
    """Return the whole document: a heading for the index and one for each section."""
    chapters = [f"## {one.title}\n\n{one.text}" for one in sections]
    return "\n\n".join([f"# {name}: methodology", *chapters]) + "\n"


def family_of(definition: IndexDefinition) -> Family:
    """Return the family by which corporate actions are treated: with constraints a weight is held."""
    if definition.constraints != Constraints():
        return Family.NON_CAP_WEIGHTED
    return _KNOWN[definition.strategy.name].family


def _universe(document: Mapping[str, Any]) -> list[str]:
    members = document.get("members")
    if members is None:
        return [f"The members of the universe `{document['universe']}` on the selection day."]
    return [f"A list of {len(members)}: {', '.join(members)}."]


def _strategy(name: str, params: Mapping[str, Any], indent: str) -> Iterator[str]:
    """Yield what a strategy does, its formula, and each parameter with its value."""
    known = _KNOWN[name]
    yield f"{indent}- **{known.title}.** {known.description}"
    yield f"{indent}  - Formula: `{FORMULAS[name]}`"
    for one in known.parameters:
        value = params.get(one.name, one.default)
        if one.type == "sleeves":
            for sleeve in value:
                yield f"{indent}  - Share {sleeve['weight']:g}:"
                yield from _strategy(sleeve["strategy"], sleeve.get("params", {}), f"{indent}    ")
        elif one.type == "strategy":
            yield f"{indent}  - {one.name}: {one.doc}"
            yield from _strategy(value["name"], value.get("params", {}), f"{indent}    ")
        else:
            yield f"{indent}  - {one.name} = {_shown(value)}. {one.doc}"


def _constraints(document: Mapping[str, Any]) -> list[str]:
    """Return the constraints that are set, with their meanings."""
    free = to_document(STAND_IN)["constraints"]
    found = [
        f"- {name} = {_shown(value)}. {MEANINGS[f'constraints.{name}']}"
        for name, value in document.items()
        if not same(value, free[name])
    ]
    return found or ["None: weights are as the strategy gives them."]


def _currency(definition: IndexDefinition) -> list[str]:
    return [
        f"Levels are in {definition.currency}.",
        f"Prices in another currency are converted at the dated rates of {definition.fixing}.",
    ]


def _reviews(definition: IndexDefinition) -> list[str]:
    schedule = definition.schedule
    lines = [
        f"The index follows the sessions of {definition.calendar}.",
        f"- Reviews are {schedule.frequency} and take effect at the close of {_due(schedule.on)}.",
        f"- Weights are selected at the close {_before(schedule.lag)}.",
    ]
    if schedule.daily_drop_threshold is not None:
        lines.append(
            f"- A session return of the index at or below {schedule.daily_drop_threshold:g} forces a review "
            "at the close of the next session."
        )
    if schedule.drift_band is not None:
        lines.append(
            f"- A weight that has drifted by more than {schedule.drift_band:g} forces a review at the close "
            "of the next session."
        )
    return lines


def _before(lag: int) -> str:
    return "of the session before" if lag == 1 else f"{lag} sessions before"


def _due(on: NthWeekday | None) -> str:
    if on is None:
        return "the first session of the period"
    which = "last" if on.nth < 0 else {1: "first", 2: "second", 3: "third", 4: "fourth"}[on.nth]
    return f"the first session at or after the {which} {on.weekday} of month {on.month} of the period"


def _calculation(definition: IndexDefinition) -> list[str]:
    lines = [
        f"The level is {definition.base_value:g} on {definition.base_date}.",
        f"It is published with {definition.decimals} decimals; nothing else is rounded.",
        *(f"- `{one}`" for one in LEVEL),
    ]
    if definition.cost_rate > 0.0:
        cost = f"- Each review after the base costs {definition.cost_rate:g} of the value that is traded."
        lines.append(cost)
    return lines


def _actions(definition: IndexDefinition) -> list[str]:
    family = family_of(definition)
    head = [f"The index is {FAMILIES[family]}.", "", "| action | treatment |", "| --- | --- |"]
    if definition.series.adjustment is not Adjustment.RAW:
        head.insert(1, "What its closes are adjusted for is in them and is not treated again.")
    names = ((kind, kind.name.lower().replace("_", " ")) for kind in EventKind)
    return head + [f"| {name} | {TREATMENTS_TOLD[kind, family]} |" for kind, name in names]


def _variants(definition: IndexDefinition) -> list[str]:
    lines = [f"Shown by default: {VARIANTS[definition.variant]}."]
    if definition.series.adjustment is Adjustment.ALL:
        lines.append(ADJUSTED)
    rates = [f"{one.country} {one.rate:g}" for one in definition.withholding]
    return [*lines, f"Withheld: {', '.join(rates)}."] if rates else lines


def _data(definition: IndexDefinition, document: Mapping[str, Any]) -> list[str]:
    series = definition.series
    lines = [f"Prices are of source `{series.source}`; closes are adjusted for: {series.adjustment}."]
    guards = document["guards"].items()
    return lines + [f"- {name} = {_shown(value)}. {MEANINGS[f'guards.{name}']}" for name, value in guards]


def _corrections(definition: IndexDefinition) -> list[str]:
    lines = [POLICIES[definition.restatement]]
    if definition.restatement is RestatementPolicy.RESTATE:
        lines.append(f"The threshold is {definition.restatement_threshold:g}, relative.")
    return lines


def _changes(editions: Sequence[Edition]) -> list[str]:
    lines = ["Rules hold from the first build after their day on; what is published is not rewritten."]
    for one in editions:
        why = f" ({one.reason})" if one.reason else ""
        lines.append(f"- Version {one.version} of {one.day}{why}")
        lines += [f"  - {field}: {_shown(old)} → {_shown(new)}" for field, old, new in one.changes]
    return lines


def _shown(value: object) -> str:
    """Return a value as people read it."""
    if value is None:
        return "none"
    if isinstance(value, float):
        return f"{value:.12g}"
    if isinstance(value, Mapping):
        return ", ".join(f"{name}: {_shown(one)}" for name, one in value.items()) or "none"
    if isinstance(value, list | tuple):
        return "; ".join(_shown(one) for one in value) or "none"
    return str(value)
