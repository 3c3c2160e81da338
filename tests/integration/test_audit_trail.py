"""The audit trail as its operator meets it: the sealing job, the exported heads, the command line."""

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from tests.conftest import SECRET, Servers, make_settings

from waardhaven.adapters.outbound.postgres.engine import Database
from waardhaven.application.audit.record_denials import Denial, RecordDenials
from waardhaven.application.audit.seal_audit import SealAudit
from waardhaven.bootstrap import cli as commands
from waardhaven.bootstrap.container import make_container
from waardhaven.domain.identity.roles import SYSTEM, Credential

RECORD = (
    "INSERT INTO audit_entry (action, target) "
    "SELECT 'thing.done', 'thing:' || n FROM generate_series(1, {}) n"
)
DENIAL = Denial(
    action="login.failed",
    user=None,
    credential=Credential.ANONYMOUS,
    address="203.0.113.9",
    login="ada@x.org",
    target="POST /api/v1/auth/login",
    status=401,
)


class Operator:
    """Somebody at the command line of a machine with a database."""

    def __init__(self, servers: Servers, url: str, place: Path) -> None:
        self._servers = servers
        self._url = url
        self._place = place
        self.heads = place / "audit-heads.log"

    def run(self, *words: str) -> Result:
        environment = {
            "DATABASE_URL": self._url,
            "REDIS_URL": self._servers.valkey_url,
            "SECRET_KEY": SECRET,
            "DATA_DIR": str(self._place),
            "COLUMNS": "200",
        }
        return CliRunner(env=environment).invoke(commands.cli, ["audit", *words])

    def execute(self, *statements: str) -> None:
        async def work() -> None:
            database = Database(self._url)
            async with database.transaction() as connection:
                for table in ("audit_entry", "audit_link"):
                    await connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
                for statement in statements:
                    await connection.execute(statement)
                for table in ("audit_entry", "audit_link"):
                    await connection.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
            await database.close()

        self._servers.background.run(work())

    def use(self, work: Callable[..., object]) -> None:
        """Do something in a scope of the container."""

        async def run() -> None:
            settings = make_settings(self._url, self._servers.valkey_url, data_dir=self._place)
            container = make_container(settings)
            async with container() as scope:
                await work(scope)
            await container.close()

        self._servers.background.run(run())

    def seal(self, entries: int = 0) -> None:
        if entries:
            self.execute(RECORD.format(entries))

        async def work(scope) -> None:
            await (await scope.get(SealAudit))(SYSTEM)

        self.use(work)


@pytest.fixture
def operator(
    servers: Servers, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Operator:
    """An operator in this process: its logs are not configured as those of a process of its own."""
    monkeypatch.setattr(commands, "configure_logging", lambda *_, **__: None)
    return Operator(servers, database_url, tmp_path / "data")


def test_sound_trail_is_compared_with_the_exported_head(operator: Operator):
    empty = operator.run("verify")
    assert (empty.exit_code, operator.heads.exists()) == (0, False)
    assert "0 entries, compared with 0 exported heads" in empty.output
    operator.seal(entries=3)
    found = operator.run("verify")
    assert found.exit_code == 0, found.output
    assert "3 entries, compared with 1 exported head." in found.output
    head = operator.run("head").output.strip()
    assert head in found.output
    assert operator.heads.read_text().split()[1:] == head.split(":")
    assert operator.run("verify", "--head", head).exit_code == 0


def test_changed_entry_is_named_with_exit_code_1(operator: Operator):
    operator.seal(entries=5)
    operator.execute("UPDATE audit_entry SET target = 'thing:9' WHERE id = 2")
    found = operator.run("verify")
    assert found.exit_code == 1
    assert "Position 2 (entry 2): the entry is not the one that was sealed." in found.output
    assert "sound up to position 1" in found.output


def test_trail_cut_off_at_its_end_is_found_by_what_was_exported(operator: Operator, tmp_path: Path):
    operator.seal(entries=5)
    head = operator.run("head").output.strip()
    copy = tmp_path / "copy.log"
    copy.write_bytes(operator.heads.read_bytes())
    operator.execute("DELETE FROM audit_link WHERE position > 3", "DELETE FROM audit_entry WHERE id > 3")
    assert operator.run("verify").exit_code == 1
    operator.heads.unlink()
    assert operator.run("verify").exit_code == 0
    for noted in (("--head", head), ("--heads", str(copy))):
        found = operator.run("verify", *noted)
        assert found.exit_code == 1
        assert "Position 4: the chain ends before a head that was exported." in found.output


def test_entry_hidden_from_the_sealer_is_counted(operator: Operator):
    operator.execute(
        "INSERT INTO audit_entry (at, action, target) VALUES (now() - interval '2 hours', 'a.b', 'c')"
    )
    found = operator.run("verify")
    assert found.exit_code == 1
    assert "1 entry is older than an hour and not sealed" in found.output


@pytest.mark.parametrize("words", [["--head", "1"], ["--head", "0:ab"], ["--heads", "/nonexistent"]])
def test_head_of_another_form_is_refused(operator: Operator, words: list[str]):
    assert operator.run("verify", *words).exit_code == 2


def test_list_shows_the_newest_entries_first(operator: Operator):
    operator.execute(RECORD.format(3))
    lines = operator.run("list", "--limit", "2", "--action", "thing.").output.splitlines()
    assert [line.split("thing:")[1].split()[0] for line in lines if "thing:" in line] == ["3", "2"]
    assert lines[-1] == "There are more: raise --limit above 2 to see them."
    assert "thing:" not in operator.run("list", "--credential", "session").output


def test_denials_are_recorded_without_an_address_or_a_name(operator: Operator):
    async def record(scope) -> None:
        await (await scope.get(RecordDenials))(SYSTEM, [(DENIAL, 7)])

    operator.use(record)
    output = operator.run("list").output
    assert "login.failed" in output
    assert "7" in output
    assert "203.0" not in output
    assert "ada" not in output
