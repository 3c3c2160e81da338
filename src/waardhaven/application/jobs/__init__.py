"""Long work: submitted, run, watched, ended, and done by itself when its time comes."""

from waardhaven.application.jobs.ask_model import AskModel
from waardhaven.application.jobs.ask_options import AskOptions
from waardhaven.application.jobs.background import ListActiveTasks, ReadTaskStatus
from waardhaven.application.jobs.clean_up import CleanUp
from waardhaven.application.jobs.compute_index import ComputeIndex
from waardhaven.application.jobs.import_prices import ImportPrices
from waardhaven.application.jobs.manage_jobs import CancelJob, RequeueJob
from waardhaven.application.jobs.number_events import NumberEvents
from waardhaven.application.jobs.queries import ListJobs, ReadArtifact, ReadJob
from waardhaven.application.jobs.reconcile import Reconcile
from waardhaven.application.jobs.refresh_market import RefreshMarket
from waardhaven.application.jobs.registry import CHORES, JOBS
from waardhaven.application.jobs.run_backtest import RunBacktest
from waardhaven.application.jobs.run_job import RunJob
from waardhaven.application.jobs.run_models import RunMarkowitz, RunMonteCarlo, RunOptions
from waardhaven.application.jobs.run_schedules import RunSchedules
from waardhaven.application.jobs.schedules import ChangeSchedule, ListSchedules
from waardhaven.application.jobs.submit_job import SubmitJob
from waardhaven.application.jobs.write_report import WriteReport

__all__ = ["CHORES", "JOBS", "USE_CASES"]

USE_CASES = (
    AskModel,
    AskOptions,
    CancelJob,
    ChangeSchedule,
    CleanUp,
    ComputeIndex,
    ImportPrices,
    ListActiveTasks,
    ListJobs,
    ListSchedules,
    NumberEvents,
    ReadArtifact,
    ReadJob,
    ReadTaskStatus,
    Reconcile,
    RefreshMarket,
    RequeueJob,
    RunBacktest,
    RunJob,
    RunMarkowitz,
    RunMonteCarlo,
    RunOptions,
    RunSchedules,
    SubmitJob,
    WriteReport,
)
