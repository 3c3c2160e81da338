"""What machine the figures were measured on."""

import os
import platform
from importlib.metadata import version
from pathlib import Path

import psutil

PACKAGES = ("numpy", "polars", "asyncpg", "sqlalchemy", "litestar", "uvicorn", "uvloop", "msgspec")


def facts() -> str:
    """Return processor, cores, memory, system, interpreter and library versions in a few lines."""
    cpu = next(
        (
            line.split(":", 1)[1].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.processor(),
    )
    cores = len(os.sched_getaffinity(0))
    memory = psutil.virtual_memory().total / 2**30
    libraries = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    return (
        f"{cpu}, {cores} cores, {memory:.0f} GiB, load {os.getloadavg()[0]:.1f}\n"
        f"{platform.platform(terse=True)}, Python {platform.python_version()}\n{libraries}"
    )
