"""The answer of a seed, in processes whose linear algebra has one thread and several."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[5]
RUN = """
import hashlib
import numpy as np
from tests.unit.domain.quant.monte_carlo.closed_forms import future, price
from waardhaven.domain.quant.monte_carlo.american import American
from waardhaven.domain.quant.monte_carlo.market import Market
from waardhaven.domain.quant.monte_carlo.models import StudentT
from waardhaven.domain.quant.monte_carlo.payoff import Kind
from waardhaven.domain.quant.monte_carlo.payoffs import Basket
from waardhaven.domain.quant.monte_carlo.returns_law import AnnualMoments, Convention

count, rng = 60, np.random.default_rng(1)
root = rng.integers(-9, 10, (count, 90)).astype(float)
covariance = np.array([[float((one * other).sum()) for other in root] for one in root]) / 1e5
deviation = np.sqrt(covariance.diagonal())
correlation = covariance / np.outer(deviation, deviation)
np.fill_diagonal(correlation, 1.0)
market = Market(spot=np.full(count, 9.0), volatility=deviation, rate=0.02, correlation=correlation)
terms = Basket(kind=Kind.CALL, strike=9.0, weights=(1 / count,) * count)
law = AnnualMoments(mean=np.full(count, 0.05), covariance=covariance, convention=Convention.CONTINUOUS)
answers = [
    price(terms, market, steps=3, paths=20_000, sampling="sobol", control="spot"),
    price(American(kind=Kind.PUT, strike=100.0), steps=10, paths=20_000),
    future(StudentT(moments=law, degrees=4.0), weights=(1 / count,) * count),
]
print(hashlib.sha256(repr(answers).encode()).hexdigest())
"""


def answers(threads: int) -> str:
    limited = {**os.environ, "OPENBLAS_NUM_THREADS": str(threads), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", RUN]
    made = subprocess.run(command, env=limited, capture_output=True, text=True, check=True, timeout=50)
    return made.stdout.strip()


def test_threads_of_linear_algebra_change_no_bit_of_an_answer():
    assert answers(1) == answers(2)
