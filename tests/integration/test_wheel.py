"""What an installed package brings along."""

import os
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest
from alembic.script import ScriptDirectory
from tests.conftest import SECRET, Servers

from waardhaven.adapters.outbound.postgres.migrations import config

ROOT = Path(__file__).parents[2]
NEEDED = {
    "waardhaven/py.typed",
    "waardhaven/migrations/env.py",
    "waardhaven/migrations/versions/0001_tables.py",
    "waardhaven/migrations/script.py.mako",
    "waardhaven/adapters/outbound/market_data/sample_data/prices.parquet",
    "waardhaven/adapters/outbound/market_data/sample_data/README.md",
    "waardhaven/adapters/outbound/market_data/sample_data/CHECKSUMS",
    "waardhaven/adapters/inbound/http/static/vendor/manifest.json",
}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*command, "--wheel-dir", str(folder), str(ROOT)], check=True, timeout=120)
    return next(folder.glob("*.whl"))


@pytest.mark.timeout(180)
def test_wheel_brings_migrations_sample_market_and_page_files(wheel: Path):
    names = set(ZipFile(wheel).namelist())
    assert NEEDED - names == set()
    assert not [name for name in names if "__pycache__" in name or name.startswith("tests")]


@pytest.mark.timeout(180)
def test_installed_command_migrates_a_database(wheel: Path, tmp_path: Path, servers: Servers):
    ZipFile(wheel).extractall(tmp_path / "site")
    url = servers.database("template1")
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(tmp_path / "site"),
        "DATABASE_URL": url,
        "REDIS_URL": servers.valkey_url,
        "SECRET_KEY": SECRET,
    }
    done = subprocess.run(
        [sys.executable, "-m", "waardhaven", "migrate"],
        cwd="/",
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    servers.drop(url)
    assert (done.returncode, done.stderr) == (0, "")
    newest = ScriptDirectory.from_config(config()).get_current_head()
    assert f"empty → {newest}" in done.stdout
