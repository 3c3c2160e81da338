"""What can be told of a question about a portfolio before anything is read: its rules and its cost."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Final

from waardhaven.application.questions.markowitz import MarkowitzQuestion
from waardhaven.domain.errors import FieldError, Invalid
from waardhaven.domain.quant.markowitz.constraints import LARGEST_CARDINAL

MOST_FIGURES: Final = 250_000
"""Returns, levels or covariances of one question."""
DIRECT: Final = 2e9
"""Floating point operations up to which a caller can wait: about two seconds of one core."""
MOST: Final = 1e12
"""Operations beyond which nothing is optimised, whoever waits."""
USUAL_PERIODS: Final = 5_000
"""Periods of stored closes whose range is not told, for the cost."""
PER_YEAR: Final = {"daily": 252, "weekly": 52, "monthly": 12, None: 252}
MOST_PROGRAMMES: Final = 20_000
SMALLEST_SEARCH: Final = 1_000_000.0
"""Operations of one programme among those that a limit on the number of names needs, at least."""
REFUSED: Final = "The portfolio can not be optimised."
SOURCES: Final = ("symbols", "returns", "levels", "covariance")
OF_SYMBOLS: Final = ("start", "end", "frequency", "currency")
OF_MARKET: Final = ("capm", "implied_equilibrium")
"""Methods of expected returns that need the weights of the market."""
READ_BY: Final[Mapping[str, str]] = {
    "target_return": "target_return",
    "target_risk": "target_risk",
    "risk_budgets": "risk_budgets",
    "confidence": "minimum_cvar",
}
"""Which objective alone reads a field."""
ESTIMATES: Final = ("covariance_method", "expected_return_method", "half_life")
"""How moments are estimated of returns."""
USUAL: Final = MarkowitzQuestion()
"""What is asked where a caller does not say."""
WITHOUT_CHOICE: Final = frozenset({"target_risk", "risk_parity", "risk_budgets", "hierarchical_risk_parity"})
"""Objectives for which a limit on the number of names has no meaning."""
NEEDED: Final = ("target_return", "target_risk", "risk_aversion", "risk_budgets")
"""Fields that the objective of the same name can not do without."""
Rule = tuple[str, str, bool]
"""A field, its rule in words, and whether it is broken."""


class UnusablePortfolio(Invalid):
    """A question that no portfolio answers; ``errors`` name every field and its rule."""


def refused(field: str, rule: str) -> UnusablePortfolio:
    """Return the error of one field."""
    return UnusablePortfolio(REFUSED, errors=[FieldError(field=field, rule=rule)])


def source_of(question: MarkowitzQuestion) -> str:
    """Return which of ``SOURCES`` the market is told by; checked questions have one."""
    return next(one for one in SOURCES if getattr(question, one) is not None)


def names_of(question: MarkowitzQuestion) -> tuple[str, ...]:
    """Return the names of a checked question: symbols as they were sent, names, or else numbers from 1."""
    if question.symbols is not None:
        return question.symbols
    return question.names or tuple(str(one + 1) for one in range(_columns(question)))


def uses_market(question: MarkowitzQuestion) -> bool:
    """Whether the weights of the market are read: for views, or for expected returns of an equilibrium."""
    estimates = question.covariance is None and question.expected_return_method in OF_MARKET
    return bool(question.views) or estimates


def check(question: MarkowitzQuestion) -> None:
    """Raise UnusablePortfolio with every rule that is broken, but for those of figures."""
    _refuse_broken([*_sources(question), *_parameters(question), *_equilibrium(question)])
    _refuse_broken([*_shapes(question)])
    _refuse_broken([*_named(question), *_limits(question), *_number_of_names(question)])
    count = cost(question)
    if count > MOST:
        raise refused(_largest(question), f"must need at most {MOST:g} operations, not about {count:.3g}")


def cost(question: MarkowitzQuestion) -> float:
    """Return about how many floating point operations the answer takes; see ``DIRECT`` and ``MOST``."""
    names, periods = float(max(_columns(question), 1)), float(_periods(question))
    programme = SMALLEST_SEARCH + 4.0 * names**3
    programmes = 1.0 + 5.0 * bool(question.frontier)
    if question.objective == "minimum_cvar":
        programme = 40.0 * periods**2 + 500.0 * periods * names
    if question.most_names is not None and question.most_names < names:
        programmes += min(2.0**names, MOST_PROGRAMMES)
    return 2.0 * periods * names**2 + programme * programmes


def _largest(question: MarkowitzQuestion) -> str:
    return "most_names" if question.most_names is not None else "objective"


def _columns(question: MarkowitzQuestion) -> int:
    if question.symbols is not None:
        return len(question.symbols)
    rows = question.returns or question.levels or question.covariance or ((),)
    return len(rows[0])


def _periods(question: MarkowitzQuestion) -> int:
    rows = question.returns or question.levels
    if rows is not None:
        return len(rows)
    if question.symbols is None:
        return 0
    if question.start is None or question.end is None:
        return USUAL_PERIODS
    return max((question.end - question.start).days, 0) * PER_YEAR[question.frequency] // 365


def _refuse_broken(rules: Sequence[Rule]) -> None:
    errors = [FieldError(field=field, rule=rule) for field, rule, broken in rules if broken]
    if errors:
        raise UnusablePortfolio(REFUSED, errors=errors)


def _is_set(question: MarkowitzQuestion, field: str) -> bool:
    return getattr(question, field) is not None


def _sources(question: MarkowitzQuestion) -> Iterator[Rule]:
    given = [one for one in SOURCES if _is_set(question, one)]
    if not given and question.expected_returns is not None:
        yield "covariance", "must be given beside expected_returns", True
    elif not given:
        yield "symbols", "must be given, or returns, levels, or expected_returns and covariance", True
    for other in given[1:]:
        yield other, f"must be left out: {given[0]} tell the market already", True
    covariance = given[:1] == ["covariance"]
    if given and not covariance:
        told = f"must be left out: they are estimated of {given[0]}"
        yield "expected_returns", told, _is_set(question, "expected_returns")
    unread = covariance and bool(question.views) and _is_set(question, "expected_returns")
    yield "expected_returns", "must be left out: views start from those of equilibrium", unread
    lacking = covariance and question.expected_returns is None and not question.views
    yield "expected_returns", "must be given beside covariance, or views", lacking
    sampled = given[:1] in (["returns"], ["levels"])
    told = "must be given: 252 for sessions, 52 for weeks, 12 for months"
    yield "periods_per_year", told, sampled and not _is_set(question, "periods_per_year")
    told = "must be left out: returns and levels alone are of periods to be told"
    yield "periods_per_year", told, bool(given) and not sampled and _is_set(question, "periods_per_year")
    yield "names", "must be left out: symbols are names", given[:1] == ["symbols"] and bool(question.names)
    for field in OF_SYMBOLS:
        told = "must be left out: symbols alone have a past here"
        yield field, told, bool(given) and given[0] != "symbols" and _is_set(question, field)


def _parameters(question: MarkowitzQuestion) -> Iterator[Rule]:
    for field, objective in READ_BY.items():
        unread = _is_set(question, field) and question.objective != objective
        yield field, f"must be left out: {objective} alone reads it", unread
    for field in NEEDED:
        lacking = question.objective == field and not _is_set(question, field)
        yield field, "must be given for this objective", lacking
    unread = _is_set(question, "risk_aversion") and question.objective != "risk_aversion"
    told = "must be left out: nothing asked for reads it"
    yield "risk_aversion", told, unread and not uses_market(question)
    needs = question.turnover is not None and question.current_weights is None
    yield "current_weights", "must be given where turnover is limited", needs
    yield "frontier", "must be 0 or from 2 to 200 points", question.frontier == 1
    yield from _estimates(question)


def _estimates(question: MarkowitzQuestion) -> Iterator[Rule]:
    supplied = question.covariance is not None
    told = "minimum_cvar reads returns: it needs symbols, returns or levels, not covariance"
    yield "objective", told, supplied and question.objective == "minimum_cvar"
    for field in ESTIMATES:
        told = "must be left out: nothing is estimated beside a covariance"
        yield field, told, supplied and getattr(question, field) != getattr(USUAL, field)
    told = "must be left out: views start from the returns of equilibrium"
    other = question.expected_return_method != USUAL.expected_return_method
    yield "expected_return_method", told, bool(question.views) and not supplied and other


def _equilibrium(question: MarkowitzQuestion) -> Iterator[Rule]:
    given = question.market_weights is not None
    why = "views" if question.views else question.expected_return_method
    yield "market_weights", f"must be given for {why}", uses_market(question) and not given
    yield (
        "market_weights",
        "must be left out: nothing asked for reads them",
        given and not uses_market(question),
    )
    off = abs(sum((question.market_weights or {}).values()) - 1.0) > 1e-6
    yield "market_weights", "must add up to 1", given and off
    yield "tau", "must be left out without views", question.tau is not None and not question.views
    unread = bool(question.views) and question.objective == "minimum_cvar"
    yield "views", "must be left out: minimum_cvar reads returns, not moments", unread
    for at, view in enumerate(question.views):
        yield f"views.{at}.expected", "must be given", view.expected is None
        yield f"views.{at}.weights", "must have a weight that is not 0", not any(view.weights.values())


def _shapes(question: MarkowitzQuestion) -> Iterator[Rule]:
    columns, source = _columns(question), source_of(question)
    yield source, "must have at least one name", columns == 0
    names = question.names
    wrong = bool(names) and len(names or ()) != columns
    yield "names", f"must be {columns}, one for each column", wrong
    twice = len(set(names_of(question))) < len(names_of(question))
    yield "symbols" if question.symbols is not None else "names", "must all be different", twice
    if question.symbols is not None:
        return
    rows: Sequence[Sequence[float]] = getattr(question, source)
    size = sum(map(len, rows))
    yield source, f"must be at most {MOST_FIGURES} figures, not {size}", size > MOST_FIGURES
    ragged = next((at for at, row in enumerate(rows) if len(row) != columns), None)
    yield f"{source}.{ragged}", f"must have {columns} figures, as the first row has", ragged is not None
    if source != "covariance":
        return
    yield source, f"must be square, {columns} rows, not {len(rows)}", len(rows) != columns
    expected = question.expected_returns
    wrong = expected is not None and len(expected) != columns
    yield "expected_returns", f"must be {columns}, one for each name", wrong


def _named(question: MarkowitzQuestion) -> Iterator[Rule]:
    names = frozenset(names_of(question))
    places: list[tuple[str, Collection[str]]] = [
        ("bounds", question.bounds),
        ("market_weights", question.market_weights or ()),
        ("current_weights", question.current_weights or ()),
        ("risk_budgets", question.risk_budgets or ()),
        *((f"groups.{at}.members", one.members) for at, one in enumerate(question.groups)),
        *((f"views.{at}.weights", one.weights) for at, one in enumerate(question.views)),
    ]
    for field, used in places:
        for name in sorted(set(used) - names)[:10]:
            yield f"{field}.{name}", "is not one of the names", True
    if question.risk_budgets is not None:
        lacking = sorted(names - set(question.risk_budgets))
        yield "risk_budgets", f"must have every name; lacks {', '.join(lacking[:10])}", bool(lacking)


def _limits(question: MarkowitzQuestion) -> Iterator[Rule]:
    for name in [None, *question.bounds]:
        least, most = bounds_of(question, name)
        field = "min_weight" if name is None else f"bounds.{name}"
        crossed = least > most and (name is not None or len(question.bounds) < _columns(question))
        yield field, f"must be at most max_weight: {least:g} is above {most:g}", crossed
    for at, group in enumerate(question.groups):
        yield f"groups.{at}.members", "must name at least one", not group.members
        open_ended = group.least is None and group.most is None
        yield f"groups.{at}", "must have least, most, or both", open_ended
        crossed = group.least is not None and group.most is not None and group.least > group.most
        told = f"must be at most most: {group.least} is above {group.most}"
        yield f"groups.{at}.least", told, crossed
    called = [group_name(question, at) for at in range(len(question.groups))]
    yield "groups", "must have different names", len(set(called)) < len(called)


def _number_of_names(question: MarkowitzQuestion) -> Iterator[Rule]:
    most, count = question.most_names, _columns(question)
    if most is None:
        return
    field, large = "most_names", count > LARGEST_CARDINAL and most < count
    yield field, f"must be between 1 and {count}, the number of names", most > count
    yield field, f"must be left out: exact for at most {LARGEST_CARDINAL} names, not {count}", large
    told = f"must be left out: no limit for {question.objective}"
    yield field, told, question.objective in WITHOUT_CHOICE
    yield field, "must be left out: no limit for a frontier", bool(question.frontier)


def bounds_of(question: MarkowitzQuestion, name: str | None) -> tuple[float, float]:
    """Return the bounds of the weight of a name; None: of those that have none of their own."""
    own = None if name is None else question.bounds.get(name)
    least = question.min_weight if own is None or own.min_weight is None else own.min_weight
    most = question.max_weight if own is None or own.max_weight is None else own.max_weight
    return least, most


def group_name(question: MarkowitzQuestion, at: int) -> str:
    """Return what a group is called, its position where the caller does not say."""
    return question.groups[at].name or str(at)
