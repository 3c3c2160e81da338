"""The worker seals what was recorded within seconds, and says nothing while there is nothing to seal."""

import asyncio
from pathlib import Path

from structlog.testing import capture_logs
from tests.integration.worker_tools import plant

from waardhaven.adapters.outbound.postgres.engine import Database
from waardhaven.application.ports.audit_trail import AuditTrail


async def test_worker_seals_within_seconds_and_keeps_the_head(
    database_url: str, valkey_url: str, tmp_path: Path
):
    async with plant(database_url, valkey_url, data_dir=tmp_path / "data") as one:
        database, trail = await one.container.get(Database), await one.container.get(AuditTrail)
        with capture_logs() as logs:
            await one.start()
            await asyncio.sleep(2.5)  # at least two runs with nothing to do
            assert [entry for entry in logs if entry["event"].startswith("chore")] == []
            async with database.acquire() as connection:
                await connection.execute(
                    "INSERT INTO audit_entry (action, target) VALUES ('thing.done', 'a')"
                )
            async with asyncio.timeout(20):
                while not any(entry["event"] == "audit_head" for entry in logs):
                    await asyncio.sleep(0.05)
        assert (await trail.head()).position == 1
    head = await asyncio.to_thread((tmp_path / "data" / "audit-heads.log").read_text)
    assert head.split()[1] == "1"
