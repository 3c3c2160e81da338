"""The worker seals what was recorded within seconds, and says nothing while there is nothing to seal."""

import asyncio
import contextlib
from collections.abc import Callable
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from waardhaven.adapters.inbound.worker.runner import make_worker, run_worker
from waardhaven.adapters.outbound.arq_queue.di import QueueSettings, connect
from waardhaven.adapters.outbound.postgres.engine import Database
from waardhaven.application.ports.audit_trail import AuditTrail
from waardhaven.bootstrap.container import make_container
from waardhaven.bootstrap.settings import Settings


@pytest.mark.filterwarnings("ignore:Call to deprecated close:DeprecationWarning")  # arq's own
async def test_worker_seals_within_seconds_and_keeps_the_head(
    database_url: str, valkey_url: str, settings_for: Callable[..., Settings], tmp_path: Path
):
    container = make_container(settings_for(database_url, redis_url=valkey_url, data_dir=tmp_path / "data"))
    database, trail = await container.get(Database), await container.get(AuditTrail)
    client = connect(await container.get(QueueSettings))
    with capture_logs() as logs:
        working = asyncio.create_task(run_worker(make_worker(container, client)))
        await asyncio.sleep(2.5)  # at least two runs with nothing to do
        assert [one for one in logs if one.get("job") == "seal_audit"] == []
        async with database.acquire() as connection:
            await connection.execute("INSERT INTO audit_entry (action, target) VALUES ('thing.done', 'a')")
        async with asyncio.timeout(20):
            while (await trail.head()).position == 0 or not any(one["event"] == "audit_head" for one in logs):
                await asyncio.sleep(0.05)
        working.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await working
    await client.aclose()
    await container.close()
    head = await asyncio.to_thread((tmp_path / "data" / "audit-heads.log").read_text)
    assert head.split()[1] == "1"
