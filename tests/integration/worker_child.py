"""``python -m tests.integration.worker_child``: the worker with toy jobs, settings from the environment."""

import os

from tests.integration.worker_tools import ToyJobs

from waardhaven.bootstrap.logging import configure_logging
from waardhaven.bootstrap.loop import run_fast
from waardhaven.bootstrap.settings import read_settings
from waardhaven.bootstrap.worker import work

if __name__ == "__main__":
    settings = read_settings(os.environ)
    configure_logging("INFO", process="worker")
    run_fast(work(settings, overrides=(ToyJobs(),)))
