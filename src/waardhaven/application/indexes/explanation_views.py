"""What explanations answer with. Weights and returns are fractions; what is not known is None."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

from waardhaven.application.indexes.views import ProvenanceView


@dataclass(frozen=True, slots=True, kw_only=True)
class FigureView:
    """A figure and its id, which ``/provenance/{id}`` explains."""

    value: float | None
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PartsView:
    """What a change of level consists of, in index points; the parts sum to the change.

    ``actions`` moved value from name to name and add nothing but rounding. ``correction``: prices of the
    session before that were corrected after its level was published.
    """

    prices: FigureView
    currencies: FigureView
    actions: FigureView
    costs: FigureView
    correction: FigureView


@dataclass(frozen=True, slots=True, kw_only=True)
class ContributionsView:
    """Names by column, largest contribution first; points are index points.

    ``contribution`` = ``price_points`` + ``currency_points``; ``action_points`` were moved by actions before
    the session. Returns are those of the name in the session, net of actions; None: it was worth nothing.
    """

    symbols: tuple[str, ...]
    weight_before: tuple[float, ...]
    contribution: tuple[float, ...]
    price_points: tuple[float, ...]
    currency_points: tuple[float, ...]
    action_points: tuple[float, ...]
    price_return: tuple[float | None, ...]
    currency_return: tuple[float | None, ...]
    total_return: tuple[float | None, ...]
    dividend_points: tuple[float, ...]
    ids: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TreatmentView:
    """What a company did and what the index did about it.

    ``at``: opening (before the session) or close. ``cash`` is in index currency. ``done`` false: its terms
    are not known, so nothing was done.
    """

    symbol: str
    kind: str
    at: str
    done: bool
    ratio: float | None
    cash: float | None
    units_before: float
    units_after: float
    price_before: float | None
    price_after: float | None
    divisor_before: float
    divisor_after: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelChangeView:
    """A level and how it came from the one before; on the base date there is none before."""

    level: FigureView
    level_before: float | None
    change: FigureView
    parts: PartsView | None
    unexplained: float
    divisor: FigureView
    divisor_before: float | None
    gross_points: FigureView
    net_points: FigureView
    contributions: ContributionsView | None
    actions: tuple[TreatmentView, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CovarianceView:
    """What the covariance that a strategy solved with is worth, checked before it was used.

    ``names`` it covers over ``sessions``; ``smallest_eigenvalue`` per session; ``condition`` None: it is
    singular. ``missing``: returns the name lacks in the window; ``left_out``: eligible names that lack any.
    All but those None: no name moved, so there is no covariance.
    """

    estimator: str
    sessions: int | None
    names: int | None
    sessions_per_name: float | None
    smallest_eigenvalue: float | None
    condition: float | None
    reliable: bool
    verdict: str
    left_out: int
    missing: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SleeveView:
    """A strategy at work on one name.

    ``strategy``: its name, after those it belongs to, e.g. blend/momentum. ``share``: of the strategy it
    belongs to. ``weight``: of the name within the sleeve. ``figures``: what it was derived from.
    ``covariance``: None where the strategy reads none.
    """

    strategy: str
    share: float
    weight: float
    figures: Mapping[str, float | None]
    covariance: CovarianceView | None


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectView:
    """What one constraint did to the weight of the name, and to the whole in words."""

    step: str
    before: float
    after: float
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WeighingView:
    """The review in force, as it weighed one name.

    ``refusals``: why the name could not enter, empty if it could. ``target``: weight of the strategy;
    ``constrained``: after the constraints; ``weight``: held after the effective close; ``held_before``: held
    into it.
    """

    selection: dt.date
    effective: dt.date
    reason: str
    definition_version: int
    build: str
    reproduced: bool
    eligible: bool
    refusals: tuple[str, ...]
    sleeves: tuple[SleeveView, ...]
    target: FigureView
    effects: tuple[EffectView, ...]
    constrained: float
    weight: FigureView
    held_before: float


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftView:
    """How the weight moved since the review: weight x growth of the name / growth of the index.

    Growth is of market value, prices and actions together; of the index it is of level x divisor.
    """

    since: dt.date
    weight_then: float
    name_growth: float
    index_growth: float
    weight_now: float


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightExplanationView:
    """A weight after the close: what is held, the review it comes from, and the drift since.

    ``drift`` None: the review did not hold the name, or it is not held now.
    """

    symbol: str
    name: str
    weight: FigureView
    units: FigureView
    price: float | None
    review: WeighingView
    drift: DriftView | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplanationView:
    """A session of an index, explained from its own facts.

    ``reproduced``: level and review were computed again and are those published, bit for bit. ``same_code``
    false: other code or another machine made the build, so the last digits may differ.
    """

    index: str
    date: dt.date
    previous: dt.date | None
    reproduced: bool
    same_code: bool
    level: LevelChangeView
    weight: WeightExplanationView | None
    command: str
    provenance: ProvenanceView


@dataclass(frozen=True, slots=True, kw_only=True)
class InputsView:
    """What a figure was computed from. ``digest``: SHA-256 of every input of its build."""

    digest: str
    source: str
    adjustment: str
    fixing: str
    calendar: str
    universe: str
    names: int
    sessions: int
    first_session: dt.date
    last_session: dt.date
    continues_from: dt.date | None
    vintage: int
    vintage_at: dt.datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class FigureProvenanceView:
    """Where one figure comes from, and the line that computes it again.

    ``value``: as the build stored it; None where it is derived from what is stored (the command shows it).
    """

    id: str
    figure: str
    index: str
    date: dt.date
    symbol: str | None
    value: float | None
    formula: str
    documentation: str
    build: str
    definition_version: int
    inputs: InputsView
    package: str
    code_digest: str
    fingerprint: str
    command: str
    verify_command: str
