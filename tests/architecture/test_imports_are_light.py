"""What a process pays before it answers: nothing is imported that serving does not need.

rich, click, email, yaml and multipart are absent from the list: structlog, uvicorn and Litestar import
them for themselves whenever they are installed.
"""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HEAVY = (
    "aiohttp",  # by the first request to somebody else
    "alembic",  # by what migrates
    "mako",
    "polars",  # by the first Arrow answer and by what reads files
    "pyarrow",
    "pandas",
    "scipy",
    "numpy.random",  # by the first interval
    "matplotlib",
    "exchange_calendars",  # development only
    "hypothesis",
    "httpx",
    "pytest",
    "IPython",
)
PROBE = """
import sys
import waardhaven.{module}
found = [name for name in {heavy!r} if name in sys.modules]
print(",".join(found))
"""
MODULES = ("bootstrap.http", "bootstrap.cli", "bootstrap.up", "bootstrap.worker", "bootstrap.serve_many")
LARGEST_API = 120
"""Mebibytes after the imports; 116 when this was written, 22 of them our own modules."""
SIZE = """
import importlib.metadata as metadata
every = metadata.distribution

def of_the_product(name):  # dishka imports pydantic where it is installed: our tests' tools install it
    if name == "pydantic":
        raise metadata.PackageNotFoundError(name)
    return every(name)

metadata.distribution = of_the_product
import waardhaven.bootstrap.http
import sys
assert "pydantic" not in sys.modules
with open("/proc/self/status") as status:
    print(next(line.split()[1] for line in status if line.startswith("VmRSS")))
"""


def run(code: str) -> str:
    command = [sys.executable, "-I", "-c", code]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=50).stdout.strip()


@pytest.mark.parametrize("module", MODULES)
def test_a_process_imports_nothing_heavy_before_it_needs_it(module: str) -> None:
    assert run(PROBE.format(module=module, heavy=HEAVY)) == ""


@pytest.mark.parametrize("module", ["adapters.inbound.http.app", "adapters.inbound.http.encode"])
def test_the_http_adapter_alone_needs_no_database_driver(module: str) -> None:
    heavy = (*HEAVY, "sqlalchemy", "asyncpg", "redis", "arq", "uvicorn")
    assert run(PROBE.format(module=module, heavy=heavy)) == ""


def test_what_is_hidden_from_the_measured_process_is_not_installed_by_the_product() -> None:
    locked = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert "litestar==" in locked
    assert "pydantic==" not in locked


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_the_imports_of_the_api_leave_the_process_small() -> None:
    assert int(run(SIZE)) / 1024 < LARGEST_API
