"""The jobs that check and commit a file of prices."""

from dataclasses import dataclass
from uuid import UUID

from waardhaven.application.jobs.params import choice, text
from waardhaven.application.market.check_quality import CheckQuality
from waardhaven.application.market.import_prices import CheckImport, CommitImport
from waardhaven.application.ports.job_run import JobRun, Outcome
from waardhaven.domain.errors import FieldError, Invalid
from waardhaven.domain.identity.roles import Permission, Principal
from waardhaven.domain.types import ImportId

IDENTIFIER = r"([0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})?"


class NoImportNamed(Invalid):
    """The job does not say which import it is about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportParams:
    """Which import, and what to do with it."""

    import_id: str = text("", pattern=IDENTIFIER, doc="Id of the import.")
    act: str = choice(
        "check",
        options=("check", "commit"),
        doc="`check`: read it and say what a commit would do. `commit`: write its bars.",
    )


@dataclass(frozen=True, slots=True)
class ImportPrices:
    """Check an uploaded file of prices, or commit a checked one.

    Both may run again after they were interrupted; a commit writes all bars of the file once, or none.
    """

    check: CheckImport
    commit: CommitImport
    judge: CheckQuality

    async def __call__(self, by: Principal, params: ImportParams, run: JobRun) -> Outcome:
        """Return the state of the import and what was written."""
        by.require(Permission.OPERATE)
        if not params.import_id:
            errors = [FieldError(field="params.import_id", rule="must be the id of an import")]
            raise NoImportNamed("No import is named.", errors=errors)
        id_ = ImportId(UUID(params.import_id))
        run.progress(params.act, 0, 1)
        if params.act == "check":
            record = await self.check(by, id_=id_)
            run.progress(params.act, 1, 1)
            return Outcome(result={"import": str(id_), "state": str(record.state)})
        done: dict[str, object] = {"import": str(id_), "state": "committed"}
        committed = await self.commit(by, id_=id_)
        run.progress(params.act, 1, 1)
        if committed.report is not None:
            done |= {"inserted": committed.report.inserted, "changed": committed.report.changed}
        done["findings"] = await self.judge(by, assets=committed.assets)
        return Outcome(result=done)
