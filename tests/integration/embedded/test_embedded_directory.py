# ruff: noqa: ASYNC240 - a test may block its own loop for a moment
"""Which directories are taken, refused or repaired."""

import os
from pathlib import Path

import pytest
from embedded_tools import Supervise, query, servers_of, wait_until

from waardhaven.adapters.outbound.embedded import EmbeddedServerError, EmbeddedServers

AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="needs root to change owners")


async def refusal(data_dir: Path) -> str:
    """Return the one line with which a start on `data_dir` is refused."""
    with pytest.raises(EmbeddedServerError) as caught:
        await EmbeddedServers(data_dir).start()
    assert "\n" not in str(caught.value)
    assert servers_of(data_dir) == []
    return str(caught.value)


async def test_directory_with_files_of_others_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("mine")
    assert "holds files that are not ours" in await refusal(tmp_path)
    assert [entry.name for entry in tmp_path.iterdir()] == ["letter.txt"]


async def test_cluster_of_another_major_version_is_refused(tmp_path: Path) -> None:
    (tmp_path / "waardhaven-servers").touch()
    (tmp_path / "postgres").mkdir()
    (tmp_path / "postgres" / "PG_VERSION").write_text("16\n")
    (tmp_path / "passwords.json").write_text('{"postgres_superuser":"a","postgres":"b","valkey":"c"}')
    assert "made by PostgreSQL 16, this program brings 18" in await refusal(tmp_path)


async def test_directory_that_is_no_cluster_is_refused(tmp_path: Path) -> None:
    (tmp_path / "waardhaven-servers").touch()
    (tmp_path / "postgres").mkdir()
    (tmp_path / "passwords.json").write_text('{"postgres_superuser":"a","postgres":"b","valkey":"c"}')
    assert "is not a PostgreSQL cluster" in await refusal(tmp_path)


async def test_lost_passwords_are_reported_not_replaced(tmp_path: Path) -> None:
    async with EmbeddedServers(tmp_path, valkey=False):
        pass
    (tmp_path / "passwords.json").unlink()
    assert "passwords.json is missing" in await refusal(tmp_path)


async def test_replaced_passwords_end_the_start_at_once(tmp_path: Path) -> None:
    async with EmbeddedServers(tmp_path, valkey=False):
        pass
    (tmp_path / "passwords.json").write_text('{"postgres_superuser":"a","postgres":"b","valkey":"c"}')
    assert "were the passwords replaced?" in await refusal(tmp_path)


async def test_file_in_place_of_the_directory_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data").touch()
    assert "cannot use" in await refusal(tmp_path / "data")


@AS_ROOT
async def test_directory_of_another_user_is_refused(tmp_path: Path) -> None:
    os.chown(tmp_path, 12345, 12345)
    assert "belongs to user id 12345" in await refusal(tmp_path)


async def test_first_start_cut_short_by_a_kill_is_done_again(tmp_path: Path, supervise: Supervise) -> None:
    supervisor = supervise(tmp_path, valkey=False)
    wait_until(lambda: list(tmp_path.glob("postgres.new-*/global/pg_control")), "initdb is in the middle")
    supervisor.process.kill()
    supervisor.process.wait()
    assert not (tmp_path / "postgres").exists()
    async with EmbeddedServers(tmp_path, valkey=False) as endpoints:
        assert await query(endpoints.database_url, "SELECT 1") == 1
    assert list(tmp_path.glob("postgres.new-*")) == []


async def test_first_start_leaves_no_file_with_the_superusers_password(tmp_path: Path) -> None:
    async with EmbeddedServers(tmp_path, valkey=False):
        pass
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"lock", "logs", "passwords.json", "postgres", "waardhaven-servers"}
    log = (tmp_path / "logs" / "postgres.log").read_text()
    assert "PASSWORD" not in log
