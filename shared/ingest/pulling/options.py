"""How a file that is fetched is read and loaded, as rows of `sources` and `pulls` keep it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from shared.catalog.registry import Registry
from shared.catalog.write_mode import WriteMode
from shared.ingest.intake.default_files import ReadingOptions
from shared.ingest.intake.registration import UploadOptions
from shared.ingest.intake.reject_budget import Budget, OnError
from shared.messaging import Transport
from shared.settings import Settings


@dataclass(frozen=True, slots=True)
class PullOptions:
    """Like the parameters of an upload. `force`: load the file even if it is the one that was loaded before."""

    filename: str
    reading: ReadingOptions = field(default_factory=ReadingOptions)
    mode: WriteMode | None = None
    plan: bool = False
    force: bool = False
    on_error: OnError | None = None
    max_rejects: str | None = None

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """The inverse of `to_json`."""
        mode = document.get("mode")
        known = {
            "reading": ReadingOptions.from_json(document.get("reading", {})),
            "mode": None if mode is None else WriteMode(mode),
        }
        return cls(**{**document, **known})

    def to_json(self) -> dict[str, Any]:
        """What differs from the defaults."""
        document = {**asdict(self), "reading": self.reading.to_json()}
        return {name: value for name, value in document.items() if value not in (None, False, {})}

    def budget(self, settings: Settings) -> Budget:
        """Raises `InvalidRequest`."""
        return Budget.parse(self.on_error or settings.on_error, self.max_rejects or settings.max_rejects)

    def of_upload(
        self, settings: Settings, registry: Registry, tenant: str, transport: Transport, trace_id: str
    ) -> UploadOptions:
        """The options of the upload that the file becomes; raises `InvalidRequest`."""
        return UploadOptions(
            tenant=tenant,
            transport=transport,
            trace_id=trace_id,
            forced=self.force,
            budget=self.budget(settings),
            mode=self.mode,
            plan=self.plan,
            taken_names=frozenset(registry.names),
        )
