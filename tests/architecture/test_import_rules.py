"""The import contracts of pyproject.toml hold, and would notice: one forbidden import fails them."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import waardhaven

SOURCES = Path(waardhaven.__file__).parent
PROJECT = SOURCES.parents[1]
LINT = Path(sys.executable).with_name("lint-imports")

FORBIDDEN = {
    "a_library_of_the_edge_in_the_domain": ("domain/market/prices.py", "import sqlalchemy"),
    "an_adapter_in_a_use_case": (
        "application/market/load_market.py",
        "from waardhaven.adapters.outbound.clock import SystemClock",
    ),
    "an_area_in_another": (
        "application/market/load_market.py",
        "from waardhaven.application.indexes.views import IndexView",
    ),
    "one_driven_adapter_in_another": (
        "adapters/outbound/valkey/cache.py",
        "from waardhaven.adapters.outbound.postgres.engine import Database",
    ),
    "one_strategy_in_another": (
        "domain/index/strategies/momentum.py",
        "import waardhaven.domain.index.strategies.equal_weight",
    ),
    "a_package_nobody_knows": ("utils/__init__.py", ""),
}


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout that may be spoilt: sources and configuration."""
    folder = tmp_path_factory.mktemp("checkout")
    ignored = shutil.ignore_patterns("__pycache__", "vendor", "sample_data", "calendar_data")
    shutil.copytree(SOURCES, folder / "src" / "waardhaven", ignore=ignored)
    shutil.copy(PROJECT / "pyproject.toml", folder)
    return folder


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [LINT, "--config", "pyproject.toml"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder / "src"), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )


def test_import_contracts_hold(copy: Path):
    found = lint(copy)
    assert found.returncode == 0, found.stdout + found.stderr
    assert "0 broken" in found.stdout


@pytest.mark.parametrize("name", sorted(FORBIDDEN))
def test_one_forbidden_import_breaks_the_contracts(copy: Path, name: str):
    file, line = FORBIDDEN[name]
    path = copy / "src" / "waardhaven" / file
    before = path.read_text() if path.exists() else None
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"{before or ''}\n{line}\n")
    found = lint(copy)
    if before is None:
        shutil.rmtree(path.parent)
    else:
        path.write_text(before)
    assert found.returncode == 1, found.stdout + found.stderr
    assert "BROKEN" in found.stdout or "missing" in found.stdout.lower(), found.stdout
