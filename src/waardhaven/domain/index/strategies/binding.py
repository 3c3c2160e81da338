"""From a strategy's name and JSON parameters to a strategy ready to weigh."""

from collections.abc import Callable, Mapping, Sequence
from math import isfinite
from typing import Any

from waardhaven.domain.errors import FieldError, Invalid
from waardhaven.domain.index.definition import StrategySpec
from waardhaven.domain.index.strategies.blend import Sleeve
from waardhaven.domain.index.strategies.parameters import Parameter, broken_rule, unknown_names
from waardhaven.domain.index.strategies.strategy import BoundStrategy, Strategy

Registry = Mapping[str, Strategy[Any]]
Reader = Callable[[object, Registry, str, list[FieldError]], object]
MOST_SLEEVES = 16
MOST_WEIGHTS = 10_000
SUM_TOLERANCE = 0.001


class InvalidStrategy(Invalid):
    """A strategy that does not exist, or parameters outside their rules."""


def bound(spec: StrategySpec, registry: Registry, path: str) -> BoundStrategy:
    """Bind ``spec``; raise InvalidStrategy with one field error per broken rule."""
    errors: list[FieldError] = []
    found = _bind(spec.name, spec.params, registry, path, errors)
    if found is None or errors:
        raise InvalidStrategy("The strategy is not valid.", errors=errors)
    return found


def _bind(
    name: object,
    raw: object,
    registry: Registry,
    path: str,
    errors: list[FieldError],
    *,
    key: str = "name",
) -> BoundStrategy | None:
    strategy = registry.get(name) if isinstance(name, str) else None
    if strategy is None:
        errors.append(FieldError(field=f"{path}.{key}", rule=f"must be one of {', '.join(registry)}"))
        return None
    if not isinstance(raw, Mapping):
        errors.append(FieldError(field=f"{path}.params", rule="must be an object"))
        return None
    before = len(errors)
    errors += unknown_names(strategy.params, raw, f"{path}.params")
    values = {
        one.name: _value(one, raw.get(one.name, one.default), registry, f"{path}.params.{one.name}", errors)
        for one in strategy.parameters
    }
    if len(errors) > before:
        return None
    params = strategy.params(**values)
    errors += [
        FieldError(field=f"{path}.params.{name}", rule=rule) for name, rule in strategy.broken_rules(params)
    ]
    return BoundStrategy(strategy=strategy, params=params)


def _value(one: Parameter, value: object, registry: Registry, path: str, errors: list[FieldError]) -> object:
    reader = READERS.get(one.type)
    if reader is not None:
        return reader(value, registry, path, errors)
    rule = broken_rule(one, value)
    if rule is not None:
        errors.append(FieldError(field=path, rule=rule))
    return value


def _sleeves(value: object, registry: Registry, path: str, errors: list[FieldError]) -> tuple[Sleeve, ...]:
    if isinstance(value, str) or not isinstance(value, Sequence) or not 1 <= len(value) <= MOST_SLEEVES:
        errors.append(FieldError(field=path, rule=f"must be a list of 1 to {MOST_SLEEVES} sleeves"))
        return ()
    inner = without(registry, "sleeves", "strategy")
    before = len(errors)
    sleeves = [_sleeve(raw, inner, f"{path}.{i}", errors) for i, raw in enumerate(value)]
    found = tuple(sleeve for sleeve in sleeves if sleeve is not None)
    if len(errors) == before:
        errors += _sum_errors([sleeve.weight for sleeve in found], path)
    return found


def _sleeve(raw: object, registry: Registry, path: str, errors: list[FieldError]) -> Sleeve | None:
    if not isinstance(raw, Mapping):
        errors.append(FieldError(field=path, rule="must be an object with strategy, weight and params"))
        return None
    errors += _strange_fields(raw, {"strategy", "weight", "params"}, path, "is not a field of a sleeve")
    weight = _share(raw.get("weight"), f"{path}.weight", errors)
    strategy = _bind(raw.get("strategy"), raw.get("params", {}), registry, path, errors, key="strategy")
    return None if strategy is None or weight is None else Sleeve(weight=weight, strategy=strategy)


def _inner(value: object, registry: Registry, path: str, errors: list[FieldError]) -> BoundStrategy | None:
    """Bind the strategy under an overlay; an overlay can not lie on another."""
    if not isinstance(value, Mapping):
        errors.append(FieldError(field=path, rule="must be an object with name and params"))
        return None
    errors += _strange_fields(value, {"name", "params"}, path, "is not a field of a strategy")
    below = without(registry, "strategy")
    return _bind(value.get("name"), value.get("params", {}), below, path, errors)


def _weights(
    value: object, _: Registry, path: str, errors: list[FieldError]
) -> tuple[tuple[int, float], ...]:
    if not isinstance(value, Mapping) or not 1 <= len(value) <= MOST_WEIGHTS:
        rule = f"must be an object of 1 to {MOST_WEIGHTS} asset ids, each with its weight"
        errors.append(FieldError(field=path, rule=rule))
        return ()
    before = len(errors)
    errors += [
        FieldError(field=f"{path}.{name}", rule="must be the id of an asset: a whole number as text")
        for name in value
        if not _is_id(name)
    ]
    shares = {name: _share(share, f"{path}.{name}", errors) for name, share in value.items()}
    if len(errors) > before:
        return ()
    found = sorted((int(name), share) for name, share in shares.items() if share is not None)
    errors += _sum_errors([share for _, share in found], path)
    return tuple(found)


READERS: dict[str, Reader] = {"sleeves": _sleeves, "strategy": _inner, "weights": _weights}


def without(registry: Registry, *types: str) -> dict[str, Strategy[Any]]:
    """Return the strategies that have no parameter of these types."""
    return {name: one for name, one in registry.items() if not any(p.type in types for p in one.parameters)}


def _strange_fields(raw: Mapping[Any, object], known: set[str], path: str, rule: str) -> list[FieldError]:
    return [FieldError(field=f"{path}.{name}", rule=rule) for name in raw if name not in known]


def _share(weight: object, path: str, errors: list[FieldError]) -> float | None:
    number = isinstance(weight, int | float) and not isinstance(weight, bool)
    if number and isfinite(weight) and 0.0 <= weight <= 1.0:  # type: ignore[arg-type, operator]
        return float(weight)  # type: ignore[arg-type]
    errors.append(FieldError(field=path, rule="must be a number from 0 to 1"))
    return None


def _sum_errors(weights: Sequence[float], path: str) -> list[FieldError]:
    total = sum(weights)
    if abs(total - 1.0) <= SUM_TOLERANCE:
        return []
    return [FieldError(field=path, rule=f"weights must sum to 1 within 0.001, not {total:.6g}")]


def _is_id(name: object) -> bool:
    """Whether ``name`` is an id in its one spelling, so that two keys can not mean one asset."""
    plain = isinstance(name, str) and name.isascii() and name.isdigit() and len(name) <= 18
    return plain and not name.startswith("0")  # type: ignore[attr-defined]
