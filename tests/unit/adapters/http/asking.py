"""What asks models, over fakes: an answer from a pool, or a job of an office."""

from typing import Any

from tests.fakes.compute_pool import FakeModelPool
from tests.unit.application.jobs.office import Office

from waardhaven.application.jobs.ask_model import AskModel
from waardhaven.application.quant.optimise_portfolio import OptimisePortfolio
from waardhaven.application.quant.simulate_monte_carlo import SimulateMonteCarlo


def asking(pool: FakeModelPool, returns: Any, office: Office | None = None) -> AskModel:
    """Return a use case whose models read ``returns`` and compute in ``pool``."""
    simulate, optimise = SimulateMonteCarlo(pool, returns), OptimisePortfolio(pool, returns)
    return AskModel(simulate, optimise, (office or Office()).submit)
