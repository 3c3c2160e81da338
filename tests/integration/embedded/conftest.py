"""Fixtures and small tools for tests with real server binaries."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # for embedded_tools, whatever the import mode

from embedded_tools import Supervise, Supervisor, kill_servers

SOURCE = Path(__file__).parents[3] / "src"
PACKAGES = Path(pytest.__file__).parents[1]
DRIVER = Path(__file__).with_name("supervise.py")


@pytest.fixture
def supervise() -> Iterator[Supervise]:
    """Return a function that starts a supervisor process; all are gone after the test."""
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="wht-")))
        scratch.chmod(0o1777)

        def begin(
            data_dir: Path,
            *,
            prefix: tuple[str, ...] = (),
            python: str = sys.executable,
            env: dict[str, str] | None = None,
            **options: Any,
        ) -> Supervisor:
            environment = {
                "PATH": os.environ["PATH"],
                "PYTHONPATH": f"{SOURCE}:{PACKAGES}",
                "PYTHONDONTWRITEBYTECODE": "1",
                "TMPDIR": str(scratch),
            } | (env or {})
            stack.callback(kill_servers, data_dir)
            process = stack.enter_context(
                subprocess.Popen(
                    [*prefix, python, str(DRIVER), json.dumps({"data_dir": str(data_dir)} | options)],
                    env=environment,
                    stdout=subprocess.PIPE,
                    text=True,
                )
            )
            stack.callback(process.kill)
            return Supervisor(process, data_dir)

        yield begin


@pytest.fixture
def open_directory() -> Iterator[Path]:
    """Make a directory that every user can enter, unlike pytest's own."""
    path = Path(tempfile.mkdtemp(prefix="wh-test-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path, ignore_errors=True)
