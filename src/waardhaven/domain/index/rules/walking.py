"""Where documents name assets, and where their parameters may be null: one walk over both."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from waardhaven.domain.index.rules.document import Document
from waardhaven.domain.index.strategies import STRATEGIES
from waardhaven.domain.index.strategies.parameters import Parameter

NONE = "none"
"""How a rule file, which has no null, writes that a number is not set."""
DEEPEST = 8
"""No valid strategy lies deeper within others."""

Visit = Callable[[str, object], object]
_KNOWN = {one.name: one for one in STRATEGIES}


def keep(_: str, name: object) -> object:
    """Leave a name as it is."""
    return name


@dataclass(frozen=True, slots=True, kw_only=True)
class Walk:
    """A walk that gives every name of an asset to ``asset`` (dotted path, what is written there).

    What is malformed is left as it is: reading the document refuses it. The text "none" becomes None for a
    parameter that may be null.
    """

    asset: Visit = keep

    def over(self, document: Mapping[str, Any]) -> Document:
        """Return the document with what the visits returned."""
        found = dict(document)
        strategy, constraints = found.get("strategy"), found.get("constraints")
        if isinstance(strategy, Mapping):
            found["strategy"] = self._strategy(strategy, "strategy", "name", 0)
        if isinstance(constraints, Mapping) and isinstance(constraints.get("bounds"), list):
            bounds = [
                {**one, "asset": self.asset(f"constraints.bounds.{i}.asset", one["asset"])}
                if isinstance(one, Mapping) and "asset" in one
                else one
                for i, one in enumerate(constraints["bounds"])
            ]
            found["constraints"] = {**constraints, "bounds": bounds}
        return found

    def _strategy(self, spec: Mapping[str, Any], path: str, key: str, depth: int) -> Document:
        name, params = spec.get(key), spec.get("params")
        known = _KNOWN.get(name) if isinstance(name, str) else None
        if known is None or not isinstance(params, Mapping) or depth > DEEPEST:
            return dict(spec)
        described = {one.name: one for one in known.parameters}
        read = {
            each: self._value(described[each], value, f"{path}.params.{each}", depth)
            if each in described
            else value
            for each, value in params.items()
        }
        return {**spec, "params": read}

    def _value(self, one: Parameter, value: Any, path: str, depth: int) -> Any:
        if one.optional and value == NONE:
            return None
        walkers = {"weights": self._weights, "sleeves": self._sleeves, "strategy": self._inner}
        walker = walkers.get(one.type)
        return value if walker is None else walker(value, path, depth + 1)

    def _weights(self, value: Any, path: str, _: int) -> Any:
        if not isinstance(value, Mapping):
            return value
        return {str(self.asset(f"{path}.{name}", name)): weight for name, weight in value.items()}

    def _sleeves(self, value: Any, path: str, depth: int) -> Any:
        if not isinstance(value, list | tuple):
            return value
        return [
            self._strategy(one, f"{path}.{i}", "strategy", depth) if isinstance(one, Mapping) else one
            for i, one in enumerate(value)
        ]

    def _inner(self, value: Any, path: str, depth: int) -> Any:
        return self._strategy(value, path, "name", depth) if isinstance(value, Mapping) else value
