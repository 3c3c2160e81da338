"""From a strategy's name and JSON parameters to a strategy ready to weigh."""

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any

from waardhaven.domain.errors import FieldError, Invalid
from waardhaven.domain.index.definition import StrategySpec
from waardhaven.domain.index.strategies.blend import Sleeve
from waardhaven.domain.index.strategies.parameters import Parameter, number_rule, unknown_names
from waardhaven.domain.index.strategies.strategy import BoundStrategy, Strategy

Registry = Mapping[str, Strategy[Any]]
MOST_SLEEVES = 16
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
    return (
        None if len(errors) > before else BoundStrategy(strategy=strategy, params=strategy.params(**values))
    )


def _value(one: Parameter, value: object, registry: Registry, path: str, errors: list[FieldError]) -> object:
    if one.type == "sleeves":
        return _sleeves(value, registry, path, errors)
    rule = number_rule(one, value)
    if rule is not None:
        errors.append(FieldError(field=path, rule=rule))
    return value


def _sleeves(value: object, registry: Registry, path: str, errors: list[FieldError]) -> tuple[Sleeve, ...]:
    if isinstance(value, str) or not isinstance(value, Sequence) or not 1 <= len(value) <= MOST_SLEEVES:
        errors.append(FieldError(field=path, rule=f"must be a list of 1 to {MOST_SLEEVES} sleeves"))
        return ()
    inner = {name: one for name, one in registry.items() if all(p.type != "sleeves" for p in one.parameters)}
    before = len(errors)
    sleeves = [_sleeve(raw, inner, f"{path}.{i}", errors) for i, raw in enumerate(value)]
    found = tuple(sleeve for sleeve in sleeves if sleeve is not None)
    total = sum(sleeve.weight for sleeve in found)
    if len(errors) == before and not abs(total - 1.0) <= SUM_TOLERANCE:
        errors.append(FieldError(field=path, rule=f"weights must sum to 1 within 0.001, not {total:.6g}"))
    return found


def _sleeve(raw: object, registry: Registry, path: str, errors: list[FieldError]) -> Sleeve | None:
    if not isinstance(raw, Mapping):
        errors.append(FieldError(field=path, rule="must be an object with strategy, weight and params"))
        return None
    errors += [
        FieldError(field=f"{path}.{name}", rule="is not a field of a sleeve")
        for name in raw
        if name not in {"strategy", "weight", "params"}
    ]
    weight = raw.get("weight")
    if isinstance(weight, bool) or not isinstance(weight, int | float) or not _is_share(weight):
        errors.append(FieldError(field=f"{path}.weight", rule="must be a number from 0 to 1"))
        weight = None
    strategy = _bind(raw.get("strategy"), raw.get("params", {}), registry, path, errors, key="strategy")
    return None if strategy is None or weight is None else Sleeve(weight=float(weight), strategy=strategy)


def _is_share(weight: float) -> bool:
    return isfinite(weight) and 0.0 <= weight <= 1.0
