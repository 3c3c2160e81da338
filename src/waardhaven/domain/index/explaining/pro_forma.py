"""The next review as it would be if its selection day were the last session known."""

import numpy as np

from waardhaven.domain.index.composition import Composition
from waardhaven.domain.index.definition import IndexDefinition
from waardhaven.domain.index.explaining.weighing import Weighing, weighing
from waardhaven.domain.index.inputs import IndexInputs
from waardhaven.domain.index.review import Reviewer
from waardhaven.domain.index.strategies import prepare
from waardhaven.domain.market.calendar import session_row


def pro_forma(
    definition: IndexDefinition, inputs: IndexInputs, held: Composition, selection: np.datetime64
) -> Weighing:
    """Weigh a review of the day ``selection`` that takes effect at the last close of the inputs.

    ``held``: the composition in force at that close. Raises Invalid where no weights keep the constraints.
    """
    strategy = prepare(definition.strategy)
    if strategy.strategy.holds_cash:
        inputs = inputs.with_cash()
    panel = inputs.panel
    units = np.zeros(len(panel.assets))
    known = np.isin(held.asset, panel.assets)
    units[np.searchsorted(panel.assets, held.asset[known])] = held.units[known]
    row = session_row(panel.days, selection, field="selection")
    return weighing(Reviewer.of(definition, strategy, inputs), row, len(panel.days) - 1, units)
