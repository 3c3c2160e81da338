"""What answers about jobs look like, by operation."""

from typing import Any, Final

JOB_ID: Final = "01903f6a-5c1e-7a52-9d0c-4b1f0d9e2a77"
OWNER: Final = "7ec64d09-c987-41d0-a1d2-fdc1bc6610a9"
JOB: Final[dict[str, Any]] = {
    "id": JOB_ID,
    "type": "report",
    "state": "running",
    "queue": "interactive",
    "params": {"report_type": "performance", "period_days": 30, "index": "autoindex"},
    "progress": {"stage": "writing", "done": 1, "total": 2, "fraction": 0.5, "message": ""},
    "error": None,
    "attempts": 1,
    "max_attempts": 5,
    "owner": OWNER,
    "parent": None,
    "idempotency_key": "nightly-2024-06-03",
    "correlation_id": "4f1c0d9e",
    "cancel_requested": False,
    "created_at": "2024-06-03T16:00:00Z",
    "next_attempt_at": None,
    "started_at": "2024-06-03T16:00:01Z",
    "finished_at": None,
    "duration_seconds": None,
}
DONE: Final = JOB | {
    "state": "succeeded",
    "progress": {"stage": "writing", "done": 2, "total": 2, "fraction": 1.0, "message": ""},
    "finished_at": "2024-06-03T16:00:02Z",
    "duration_seconds": 0.84,
    "result": {
        "report_type": "performance",
        "index": "autoindex",
        "start_date": "2022-11-28",
        "end_date": "2022-12-28",
        "period_return": -0.0412,
    },
    "artifacts": [
        {"name": "report.json", "media_type": "application/json", "size": 412, "sha256": "9f86d081884c7d65"}
    ],
    "worker": "quote-host:4711",
}
SCHEDULE: Final = {
    "name": "refresh",
    "rule": "XNYS close + 45m",
    "enabled": True,
    "next_runs": ["2024-06-03T20:45:00Z", "2024-06-04T20:45:00Z", "2024-06-05T20:45:00Z"],
    "reason": None,
    "last_run": "2024-05-31T20:45:00Z",
    "last_job": JOB_ID,
}
STARTED: Final = {"task_id": JOB_ID, "status": "started", "message": "The report job is queued."}
STATUS: Final = {
    "task_id": JOB_ID,
    "state": "PROGRESS",
    "ready": False,
    "successful": None,
    "status": "writing",
    "info": {"status": "writing", "stage": "writing", "done": 1, "total": 2},
    "result": None,
    "error": None,
}
ACTIVE: Final = {
    "active": {
        "quote-host:4711": [
            {
                "task_id": JOB_ID,
                "name": "report",
                "queue": "interactive",
                "state": "PROGRESS",
                "eta": "2024-06-03T16:00:00Z",
            }
        ]
    },
    "scheduled": {},
    "reserved": {},
    "stats": {"total_active": 1, "total_scheduled": 0, "total_reserved": 0},
}
DATABASE: Final = {
    "timestamp": "2024-06-03T16:00:00Z",
    "version": "18.1",
    "size_bytes": 98_123_456,
    "latency_ms": 0.21,
    "connections": 7,
    "pool": {"size": 20, "limit": 60, "in_use": 1},
    "tables": {
        "prices": {
            "count": 421_337,
            "status": "OK",
            "earliest_date": "1990-01-02",
            "latest_date": "2022-12-28",
        }
    },
    "simulation_ready": True,
    "message": "Prices and a published index are there.",
}
CACHE: Final = {
    "timestamp": "2024-06-03T16:00:00Z",
    "status": "connected",
    "local": {
        "entries": 12,
        "bytes": 845_120,
        "capacity_bytes": 67_108_864,
        "hits": 1042,
        "misses": 12,
    },
    "local_hit_rate": 0.9886,
    "shared": {
        "reachable": True,
        "latency_ms": 0.09,
        "memory_bytes": 1_482_240,
        "clients": 6,
        "keys": 31,
        "hits": 4,
        "misses": 8,
        "failures": 0,
    },
    "shared_hit_rate": 0.3333,
}
SYSTEM: Final = {
    "timestamp": "2024-06-03T16:00:00Z",
    "state": "ok",
    "problems": [],
    "dependencies": [
        {"name": "postgres", "ready": True, "required": True, "detail": "schema 0005", "latency_ms": 0.4}
    ],
    "queues": {
        "interactive": {"depth": 0, "queued": 0, "running": 1},
        "bulk": {"depth": 0, "queued": 0, "running": 0},
    },
    "dead_jobs": 0,
    "workers": [
        {
            "id": "quote-host:4711",
            "queues": ["interactive", "bulk"],
            "concurrency": 10,
            "running": 1,
            "started_at": "2024-06-03T09:00:00Z",
            "beat_at": "2024-06-03T15:59:58Z",
            "ended_at": None,
        }
    ],
}
STARTERS: Final = (
    "backgroundRefresh",
    "refreshMarketData",
    "tasksRefresh",
    "backgroundCompute",
    "computeIndex",
    "backgroundReport",
    "generateReport",
    "backgroundCleanup",
    "cleanupOldData",
)
QUEUED: Final = ("triggerRefresh", "smartRefresh", "minimalRefresh", "checkImport", "commitImport")
JOB_ANSWERS: Final[dict[str, Any]] = {
    "submitJob": JOB,
    "jobs": {"items": [JOB], "next_cursor": None},
    "job": DONE,
    "cancelJob": JOB | {"cancel_requested": True},
    "requeueJob": JOB,
    "recalculateIndex": JOB,
    "schedules": {"items": [SCHEDULE], "next_cursor": None},
    "changeSchedule": SCHEDULE,
    "taskStatus": STATUS,
    "task": STATUS,
    "activeTasks": ACTIVE,
    "databaseStatus": DATABASE,
    "cacheStatus": CACHE,
    "system": SYSTEM,
    "invalidateCache": {"scope": "all", "generation": 1042, "message": "Cached answers are made anew."},
    **dict.fromkeys(STARTERS, STARTED),
    **dict.fromkeys(QUEUED, JOB),
}
"""Successful answers, by ``operationId``."""
