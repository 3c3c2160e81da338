"""Reads of strategies: the catalogue, and the stored configuration of the default index."""

from dataclasses import dataclass

import numpy as np

from waardhaven.application.indexes.official import notes
from waardhaven.application.indexes.queries import DEFAULT_SLUG
from waardhaven.application.indexes.views import ParameterView, StrategyConfigView, StrategyView
from waardhaven.application.indexes.visible import readable
from waardhaven.application.ports.build_store import BuildStore
from waardhaven.application.ports.indexes import IndexStore
from waardhaven.domain.identity.roles import Permission, Principal
from waardhaven.domain.index.autoindex import StrategyConfiguration
from waardhaven.domain.index.build_record import IndexRecord
from waardhaven.domain.index.publishing import composition_in_force
from waardhaven.domain.index.strategies import STRATEGIES
from waardhaven.domain.types import as_date


@dataclass(frozen=True, slots=True)
class ListStrategies:
    """The weighting strategies an index can be built from, with their parameters."""

    async def __call__(self, by: Principal) -> tuple[StrategyView, ...]:
        """Return the registry as a catalogue."""
        by.require(Permission.READ_INDICES)
        return tuple(
            StrategyView(
                name=one.name,
                title=one.title,
                description=one.description,
                parameters=tuple(
                    ParameterView(
                        name=p.name,
                        type=p.type,
                        default=p.default,
                        minimum=p.minimum,
                        maximum=p.maximum,
                        description=p.doc,
                        choices=p.options,
                        optional=p.optional,
                    )
                    for p in one.parameters
                ),
            )
            for one in STRATEGIES
        )


@dataclass(frozen=True, slots=True)
class ReadStrategyConfig:
    """The stored strategy configuration of the default index: what its next build will follow."""

    indexes: IndexStore
    builds: BuildStore

    async def __call__(self, by: Principal) -> StrategyConfigView:
        """Raise UnknownIndex before the default index is defined."""
        by.require(Permission.READ_INDICES)
        index = await readable(self.indexes, by, DEFAULT_SLUG)
        return await config_view(self.builds, index)


async def config_view(builds: BuildStore, index: IndexRecord) -> StrategyConfigView:
    """Return the configuration in a version of the rules; raise NotConfigurable."""
    stored = StrategyConfiguration.of(index.definition)
    published = await builds.published(index.id, compositions=True)
    held = None
    if published:
        last = np.datetime64(published[-1].publication.through_day)
        held = composition_in_force([one.segment for one in published], last)
    return StrategyConfigView(
        momentum_weight=stored.momentum_weight,
        market_cap_weight=stored.market_cap_weight,
        risk_parity_weight=stored.risk_parity_weight,
        min_price_threshold=stored.min_price_threshold,
        max_daily_return=stored.max_daily_return,
        min_daily_return=stored.min_daily_return,
        max_forward_fill_days=stored.max_forward_fill_days,
        outlier_std_threshold=stored.outlier_std_threshold,
        rebalance_frequency=str(stored.rebalance_frequency),
        daily_drop_threshold=stored.daily_drop_threshold,
        version=index.version,
        last_rebalance=None if held is None else as_date(held.effective),
        updated_at=index.defined_at,
        notes=notes(index.definition),
    )
