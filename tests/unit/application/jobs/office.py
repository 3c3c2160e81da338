"""The use cases of jobs over fakes."""

from dataclasses import dataclass, field
from uuid import UUID

from tests.fakes.clock import FakeClock
from tests.fakes.job_queue import FakeJobQueue
from tests.fakes.jobs import FakeJobLedger
from tests.fakes.unit_of_work import FakeUnitOfWork

from waardhaven.application.jobs.manage_jobs import CancelJob, RequeueJob
from waardhaven.application.jobs.registry import JOBS
from waardhaven.application.jobs.run_schedules import RunSchedules
from waardhaven.application.jobs.schedules import ChangeSchedule, ListSchedules
from waardhaven.application.jobs.specs import JobTypes
from waardhaven.application.jobs.submit_job import SubmitJob
from waardhaven.domain.identity.roles import Credential, Permission, Principal, Role
from waardhaven.domain.types import UserId

ADA = UserId(UUID(int=1))
BOB = UserId(UUID(int=2))
VIEWER = Principal(user=ADA, role=Role.VIEWER)
ANALYST = Principal(user=ADA, role=Role.ANALYST)
STRANGER = Principal(user=BOB, role=Role.ANALYST)
ADMIN = Principal(user=UserId(UUID(int=3)), role=Role.ADMIN)
NARROW = Principal(
    user=ADA,
    role=Role.ADMIN,
    credential=Credential.API_KEY,
    scopes=frozenset({Permission.READ_INDICES, Permission.BUILD_INDICES}),
)
TYPES = JobTypes(JOBS)


@dataclass
class Office:
    """A ledger, a queue, and what people do with them."""

    clock: FakeClock = field(default_factory=FakeClock)
    queue: FakeJobQueue = field(default_factory=FakeJobQueue)

    def __post_init__(self) -> None:
        self.uow = FakeUnitOfWork(clock=self.clock)
        self.ledger = FakeJobLedger(self.uow)
        self.submit = SubmitJob(self.uow, self.queue, self.clock, TYPES)
        self.cancel = CancelJob(self.uow, self.queue)
        self.requeue = RequeueJob(self.uow, self.queue, TYPES)
        self.run_schedules = RunSchedules(self.uow, self.queue, TYPES)
        self.list_schedules = ListSchedules(self.uow, TYPES)
        self.change_schedule = ChangeSchedule(self.uow, TYPES)

    def actions(self) -> list[str]:
        return [action for action, _, _ in self.uow.audit.entries]
