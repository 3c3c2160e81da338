"""JOBS: everything somebody can have done; CHORES: what every worker sees to by itself."""

from waardhaven.application.audit.seal_audit import SealAudit
from waardhaven.application.identity.send_mails import SendMails
from waardhaven.application.indexes import backtest_rules
from waardhaven.application.indexes.measure_publications import MeasurePublications
from waardhaven.application.jobs.clean_up import CleanUp, CleanUpParams
from waardhaven.application.jobs.compute_index import ComputeIndex, ComputeParams
from waardhaven.application.jobs.import_prices import ImportParams, ImportPrices
from waardhaven.application.jobs.names import JobName
from waardhaven.application.jobs.number_events import NumberEvents
from waardhaven.application.jobs.reconcile import Reconcile
from waardhaven.application.jobs.refresh_market import RefreshMarket, RefreshParams
from waardhaven.application.jobs.run_backtest import RunBacktest
from waardhaven.application.jobs.run_models import RunMarkowitz, RunMonteCarlo, RunOptions
from waardhaven.application.jobs.run_schedules import RunSchedules
from waardhaven.application.jobs.specs import ChoreSpec, JobSpec
from waardhaven.application.jobs.write_report import ReportParams, WriteReport
from waardhaven.application.quant import markowitz_rules, run_monte_carlo
from waardhaven.application.quant.asked_options import asked_options
from waardhaven.application.questions.backtest import BacktestQuestion
from waardhaven.application.questions.markowitz import MarkowitzQuestion
from waardhaven.application.questions.monte_carlo import MonteCarloQuestion
from waardhaven.application.questions.options import OptionsQuestion
from waardhaven.domain.identity.roles import Permission
from waardhaven.domain.jobs.job import Queue

JOBS: tuple[JobSpec, ...] = (
    JobSpec(
        name=JobName.REFRESH,
        use_case=RefreshMarket,
        params=RefreshParams,
        permission=Permission.OPERATE,
        queue=Queue.BULK,
        timeout=1800.0,
        schedule="XNYS close + 45m",
    ),
    JobSpec(
        name=JobName.COMPUTE, use_case=ComputeIndex, params=ComputeParams, permission=Permission.BUILD_INDICES
    ),
    JobSpec(
        name=JobName.REPORT, use_case=WriteReport, params=ReportParams, permission=Permission.READ_INDICES
    ),
    JobSpec(
        name=JobName.CLEANUP,
        use_case=CleanUp,
        params=CleanUpParams,
        permission=Permission.OPERATE,
        queue=Queue.BULK,
        timeout=1800.0,
        schedule="weekly sun 03:00",
    ),
    JobSpec(
        name=JobName.IMPORT,
        use_case=ImportPrices,
        params=ImportParams,
        permission=Permission.OPERATE,
        timeout=900.0,
    ),
    JobSpec(
        name=JobName.BACKTEST,
        use_case=RunBacktest,
        params=BacktestQuestion,
        check=backtest_rules.check,
        permission=Permission.READ_INDICES,
        queue=Queue.BULK,
        timeout=600.0,
    ),
    JobSpec(
        name=JobName.MONTECARLO,
        use_case=RunMonteCarlo,
        params=MonteCarloQuestion,
        check=run_monte_carlo.checked,
        permission=Permission.READ_INDICES,
        queue=Queue.BULK,
        timeout=3600.0,
    ),
    JobSpec(
        name=JobName.MARKOWITZ,
        use_case=RunMarkowitz,
        params=MarkowitzQuestion,
        check=markowitz_rules.check,
        permission=Permission.READ_INDICES,
        queue=Queue.BULK,
        timeout=1800.0,
    ),
    JobSpec(
        name=JobName.BLACKSCHOLES,
        use_case=RunOptions,
        params=OptionsQuestion,
        check=asked_options,
        permission=Permission.READ_INDICES,
    ),
)
CHORES: tuple[ChoreSpec, ...] = (
    ChoreSpec(name="seal_audit", use_case=SealAudit, every=1.0),
    ChoreSpec(name="reconcile", use_case=Reconcile, every=1.0),
    ChoreSpec(name="number_events", use_case=NumberEvents, every=2.0),
    ChoreSpec(name="run_schedules", use_case=RunSchedules, every=2.0),
    ChoreSpec(name="measure_publications", use_case=MeasurePublications, every=2.0, timeout=60.0),
    ChoreSpec(name="send_mails", use_case=SendMails, every=5.0, timeout=45.0),
)
