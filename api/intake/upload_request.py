"""A request to upload a file of any dataset: its parameters, and how it is carried out."""

from dataclasses import asdict, dataclass, replace
from typing import Annotated

from fastapi import Depends, Query, Request
from sqlalchemy import Connection

from api.dependencies import RuntimeDep, TenantDep
from api.description.suggestions import unknown_name
from api.http_errors import UnknownDataset
from api.intake.streaming import stage_file
from api.intake.table_parameters import TableParameters
from api.intake.text_parameters import TextParameters
from api.intake.upload_intake import Filename, IdempotencyKey, Member
from api.intake.upload_quota import ByteMeter
from api.tenant_datasets import registry_of
from shared.catalog.registry import Registry
from shared.catalog.schemas.declaration import AUTO
from shared.catalog.write_mode import WriteMode
from shared.ingest.intake.default_files import ReadingOptions
from shared.ingest.intake.file_intake import StagedFile
from shared.ingest.intake.headers import UploadHeader
from shared.ingest.intake.idempotency import Reservation, fingerprint_of
from shared.ingest.intake.registration import Registered, UploadOptions, register
from shared.ingest.intake.reject_budget import Budget, OnError
from shared.messaging import Transport

UseCelery = Annotated[
    bool, Query(description="true: a Celery worker loads the file; false: a background loader of the API.")
]
DatasetName = Annotated[
    str | None,
    Query(
        max_length=63,
        description="Name of a dataset from GET /datasets. By default the header of the file decides. `auto`: a"
        " file of none of them gets a dataset of its own, which is declared as its header and first records show.",
    ),
]
WhenRejected = Annotated[
    OnError | None,
    Query(
        description="skip: load the other records; abort: the first rejected record fails the upload. The service's"
        " settings have the default."
    ),
]
MaxRejects = Annotated[
    str | None,
    Query(
        pattern=r"^([0-9]{1,15}|[0-9]{1,3}(\.[0-9]{1,6})?%)$",
        description="The upload fails if it has more rejected records than this count or percentage.",
        examples=["100", "2.5%"],
    ),
]
IsPlan = Annotated[
    bool,
    Query(
        description="Load the file, count what it would change, and wait: its rows become visible when someone"
        " applies the plan."
    ),
]


@dataclass(frozen=True)
class UploadRequest:
    """One request to upload a file. Options are query parameters, so that the API knows them before the first byte."""

    request: Request
    runtime: RuntimeDep
    tenant: TenantDep
    text: Annotated[TextParameters, Depends()]
    table: Annotated[TableParameters, Depends()]
    use_celery: UseCelery = False
    dataset: DatasetName = None
    filename: Filename = None
    member: Member = None
    force: Annotated[bool, Query(description="Load the file even if an earlier upload has the same bytes.")] = False
    on_error: WhenRejected = None
    max_rejects: MaxRejects = None
    mode: Annotated[
        WriteMode | None,
        Query(
            description="What the file does to the rows that its dataset has already. append: adds rows to them;"
            " replace: takes the place of all of them; upsert: of those with its keys. By default as the dataset says."
        ),
    ] = None
    plan: IsPlan = False
    idempotency_key: IdempotencyKey = None

    @property
    def transport(self) -> Transport:
        """The transport that `use_celery` chooses."""
        return Transport.of(use_celery=self.use_celery)

    @property
    def options(self) -> UploadOptions:
        """The options of the registered upload."""
        settings = self.runtime.settings
        return UploadOptions(
            tenant=self.tenant.name,
            transport=self.transport,
            trace_id=str(self.request.state.trace_id),
            forced=self.force,
            budget=Budget.parse(self.on_error or settings.on_error, self.max_rejects or settings.max_rejects),
            mode=self.mode,
            plan=self.plan,
            taken_names=frozenset(self.runtime.registry.names),
        )

    @property
    def reading(self) -> ReadingOptions:
        """What the request says of the file; raises `UnknownEncoding`, `InvalidMapping` and `InvalidSchema`."""
        text, table = self.text.options, self.table
        return ReadingOptions(
            dataset=self.dataset,
            member=self.member,
            delimiter=text.delimiter,
            quoting=text.quoting,
            encoding=text.encoding,
            header=table.names,
            mapping=table.column_mapping,
            schema=table.table_schema.to_json(),
        )

    async def stage(self, meter: ByteMeter, reservation: Reservation | None) -> StagedFile:
        """See `stage_file`.

        Before the first byte it also raises `UnknownDataset`, `UnknownEncoding`, `InvalidMapping` and `InvalidSchema`.
        """
        registry = await registry_of(self.runtime, self.tenant.name)
        dataset = None if self.dataset == AUTO else self.dataset
        require_dataset(registry, self.dataset)
        table = self.table
        may_infer = self.dataset == AUTO
        matcher = UploadHeader(registry, dataset, table.column_mapping, table.table_schema, may_infer=may_infer)
        options = replace(self.text.options, header=table.names)
        return await stage_file(
            self.request, self.runtime, self.filename, options, matcher, meter, reservation, member=self.member
        )

    def register(self, connection: Connection, staged: StagedFile) -> Registered:
        """See `registration.register`."""
        return register(connection, staged, self.options)

    def fingerprint(self, staged: StagedFile) -> str:
        """Equal for equal requests."""
        asked = ("use_celery", "dataset", "filename", "member", "force", "on_error", "max_rejects", "mode", "plan")
        options = {name: getattr(self, name) for name in asked} | asdict(self.table)
        return fingerprint_of(staged.sha256, options | self.text.asked(staged.named_encoding))


def require_dataset(registry: Registry, name: str | None) -> None:
    """Raise `UnknownDataset` for a name that is neither one of the registry nor `auto`."""
    if name is not None and name != AUTO and name not in registry:
        raise unknown_name(UnknownDataset, "There is no dataset", name, [*registry.names, AUTO])
