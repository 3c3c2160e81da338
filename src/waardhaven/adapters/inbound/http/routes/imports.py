"""Prices from files: uploaded, checked, committed, undone."""

from typing import Annotated, Any, Final
from uuid import UUID

from dishka.integrations.litestar import FromDishka
from litestar import Request, Response, get, post
from litestar.params import JSONBody, PathParameter, QueryParameter
from msgspec import Meta, Struct

from waardhaven.adapters.inbound.http.documents import ImportDocument, PageDocument, import_document
from waardhaven.adapters.inbound.http.job_answers import accepted
from waardhaven.adapters.inbound.http.params import (
    DEFAULT_LIMIT,
    NO_CONTROLS,
    Cursor,
    InvalidParameters,
    Limit,
)
from waardhaven.adapters.inbound.http.policy import POLICY, needs
from waardhaven.adapters.inbound.http.tags import ALSO, MARKET, UPLOAD
from waardhaven.application.answers import cursor_uuid
from waardhaven.application.jobs.names import JobName
from waardhaven.application.jobs.submit_job import SubmitJob
from waardhaven.application.jobs.views import JobView
from waardhaven.application.market.import_prices import ListImports, ReadImport, UndoImport, UploadPrices
from waardhaven.domain.errors import FieldError
from waardhaven.domain.identity.roles import Permission
from waardhaven.domain.market.imports import (
    LARGEST_FILE,
    DateForm,
    FileFormat,
    FileMapping,
    Layout,
    NumberForm,
)
from waardhaven.domain.types import ImportId

Asked = Request[Any, Any, Any]
OPERATES: Final = needs(Permission.OPERATE)
UPLOADS: Final = needs(Permission.OPERATE, per_minute=30, streaming=True)
LOCATION: Final = "/api/v1/imports/prices/"

ImportPath = Annotated[UUID, PathParameter(description="Id of an import.")]
FileName = Annotated[
    str, QueryParameter(name="name", max_length=200, pattern=NO_CONTROLS, description="Name of the file.")
]
Format = Annotated[
    FileFormat, QueryParameter(name="format", description="How the file is written; else found out.")
]
Shape = Annotated[
    Layout,
    QueryParameter(
        name="layout", description="`long`: a row for each bar. `wide`: a column for each symbol."
    ),
]
Numbers = Annotated[
    NumberForm,
    QueryParameter(name="numbers", description="`us`: 1,234.56. `european`: 1.234,56. Else found out."),
]
Dates = Annotated[
    DateForm,
    QueryParameter(name="dates", description="`iso`, `dmy` or `mdy`; what fits several must be said."),
]
Delimiter = Annotated[
    str | None,
    QueryParameter(
        name="delimiter", pattern=r"^(,|;|\||tab)$", description="Between fields; else found out."
    ),
]
Encoding = Annotated[
    str | None,
    QueryParameter(name="encoding", pattern=r"^[A-Za-z0-9_-]{1,20}$", description="Else found out."),
]
Columns = Annotated[
    str | None,
    QueryParameter(
        name="columns",
        max_length=2_000,
        pattern=NO_CONTROLS,
        description="Which columns hold what, by commas: `date=Datum,close=Schluss`; else by their names.",
    ),
]
OfSymbol = Annotated[
    str | None,
    QueryParameter(
        name="of",
        pattern=r"^[A-Za-z0-9._^/=-]{1,40}$",
        description="The symbol of a file without a column of symbols.",
    ),
]
OnExchange = Annotated[
    str | None,
    QueryParameter(
        name="mic",
        pattern=r"^[A-Z0-9]{4}$",
        description="The exchange of all symbols (ISO 10383); without it the only asset of that symbol.",
    ),
]
InCurrency = Annotated[
    str, QueryParameter(name="currency", pattern=r"^[A-Z]{3}$", description="What prices are in.")
]
Unit = Annotated[
    str | None,
    QueryParameter(
        name="quote_unit",
        pattern=r"^[A-Z]{3}$",
        description="`GBX`, `ZAC`, `ILA` where prices are in hundredths.",
    ),
]
Adjustment = Annotated[
    str,
    QueryParameter(
        name="adjustment", pattern="^(raw|splits|all)$", description="What prices are adjusted for."
    ),
]
AssetType = Annotated[
    str, QueryParameter(name="asset_type", pattern="^[a-z]{2,10}$", description="Of assets not known yet.")
]
SourceName = Annotated[
    str,
    QueryParameter(
        name="source", pattern=r"^[a-z][a-z0-9_-]{0,31}$", description="Name the prices are stored under."
    ),
]


class UndoBody(Struct, kw_only=True, forbid_unknown_fields=True):
    """Why an import is undone."""

    reason: Annotated[str, Meta(min_length=1, max_length=500, examples=["The file was of another year."])]


@post(
    "/imports/prices",
    status_code=202,
    opt={POLICY: UPLOADS, UPLOAD: True, ALSO: (413, 422)},
    request_max_body_size=LARGEST_FILE,
    operation_id="uploadPrices",
    summary="Upload a file of prices",
    tags=[MARKET],
)
async def upload_prices(
    request: Asked,
    upload: FromDishka[UploadPrices],
    submit: FromDishka[SubmitJob],
    *,
    name: FileName = "prices",
    file_format: Format = FileFormat.AUTO,
    layout: Shape = Layout.AUTO,
    numbers: Numbers = NumberForm.AUTO,
    dates: Dates = DateForm.AUTO,
    delimiter: Delimiter = None,
    encoding: Encoding = None,
    columns: Columns = None,
    of: OfSymbol = None,
    mic: OnExchange = None,
    currency: InCurrency = "USD",
    quote_unit: Unit = None,
    adjustment: Adjustment = "raw",
    asset_type: AssetType = "equity",
    source: SourceName = "file",
) -> Response[ImportDocument]:
    """Take a CSV or Parquet file in, as the body, and have it checked: a dry run that changes no price.

    The job in ``job`` reads it; its report names every bad line with the reason and says what a commit
    would insert and change.
    """
    mapping = FileMapping(
        format=file_format,
        layout=layout,
        numbers=numbers,
        dates=dates,
        delimiter="\t" if delimiter == "tab" else delimiter,
        encoding=encoding,
        columns=_columns(columns),
        symbol=None if of is None else of.upper(),
        mic=mic,
        currency=currency,
        quote_unit=quote_unit,
        adjustment=adjustment,
        asset_type=asset_type,
        source=source,
    )
    record = await upload(request.user, name=name, content=await request.body(), mapping=mapping)
    params = {"import_id": str(record.id), "act": "check"}
    job = await submit(request.user, job_type=str(JobName.IMPORT), params=params)
    return Response(
        import_document(record, job=job.id), status_code=202, headers={"Location": f"{LOCATION}{record.id}"}
    )


@get("/imports/prices", opt={POLICY: OPERATES}, operation_id="imports", summary="Imports", tags=[MARKET])
async def imports(
    request: Asked, find: FromDishka[ListImports], limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None
) -> PageDocument[ImportDocument]:
    """Page through imports, newest first."""
    before = None if cursor is None else ImportId(cursor_uuid(cursor))
    found = await find(request.user, limit=limit + 1, before=before)
    more = len(found) > limit
    return PageDocument(
        items=[import_document(one) for one in found[:limit]],
        next_cursor=str(found[limit - 1].id) if more else None,
    )


@get(
    "/imports/prices/{import_id:uuid}",
    opt={POLICY: OPERATES},
    operation_id="import",
    summary="One import",
    tags=[MARKET],
)
async def read_import(request: Asked, import_id: ImportPath, read: FromDishka[ReadImport]) -> ImportDocument:
    """Show an import and the report of its check."""
    return import_document(await read(request.user, id_=ImportId(import_id)))


@post(
    "/imports/prices/{import_id:uuid}/check",
    status_code=202,
    opt={POLICY: OPERATES},
    operation_id="checkImport",
    summary="Check a file again",
    tags=[MARKET],
)
async def check_import(
    request: Asked, import_id: ImportPath, read: FromDishka[ReadImport], submit: FromDishka[SubmitJob]
) -> Response[JobView]:
    """Have a file checked again, after assets or calendars were added."""
    return await _submitted(request, import_id, read, submit, "check")


@post(
    "/imports/prices/{import_id:uuid}/commit",
    status_code=202,
    opt={POLICY: OPERATES},
    operation_id="commitImport",
    summary="Commit a checked file",
    tags=[MARKET],
)
async def commit_import(
    request: Asked, import_id: ImportPath, read: FromDishka[ReadImport], submit: FromDishka[SubmitJob]
) -> Response[JobView]:
    """Have all bars of a checked file written, in one transaction, or none."""
    return await _submitted(request, import_id, read, submit, "commit")


@post(
    "/imports/prices/{import_id:uuid}/undo",
    status_code=200,
    opt={POLICY: needs(Permission.OPERATE, streaming=True)},
    operation_id="undoImport",
    summary="Undo an import",
    tags=[MARKET],
)
async def undo_import(
    request: Asked, import_id: ImportPath, data: JSONBody[UndoBody], undo: FromDishka[UndoImport]
) -> ImportDocument:
    """Restore the bars as they were before, bit for bit. What the import wrote stays readable `as_of` then.

    Refused with 409 when one of its bars was written again since.
    """
    return import_document(await undo(request.user, id_=ImportId(import_id), reason=data.reason))


async def _submitted(
    request: Asked, import_id: UUID, read: ReadImport, submit: SubmitJob, act: str
) -> Response[JobView]:
    await read(request.user, id_=ImportId(import_id))
    params = {"import_id": str(import_id), "act": act}
    return accepted(await submit(request.user, job_type=str(JobName.IMPORT), params=params))


def _columns(text: str | None) -> dict[str, str]:
    found = {}
    for part in (text or "").split(","):
        ours, equals, theirs = part.partition("=")
        if equals and ours.strip() and theirs.strip():
            found[ours.strip().lower()] = theirs.strip()
        elif part.strip():
            rule = "must be pairs such as date=Datum,close=Schluss"
            raise InvalidParameters(
                "The mapping of columns is not valid.", errors=[FieldError(field="columns", rule=rule)]
            )
    return found


HANDLERS = (upload_prices, imports, read_import, check_import, commit_import, undo_import)
