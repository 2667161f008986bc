"""The part of the storm that is about collections that many uploads share."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.chaos.checker import Verdict
from tests.chaos.clients import Meddler, Numbers, OpenCount
from tests.chaos.ledger import Ledger
from tests.chaos.versions.checker import VersionChecker
from tests.chaos.versions.clients import Corrector, VersionRequest, VersionSender
from tests.chaos.versions.files import COLLECTIONS
from tests.chaos.versions.readers import VersionReader
from tests.chaos.versions.reads import Read

_SENDERS: Final = 3


@dataclass(frozen=True)
class VersionsPart:
    """Its clients and readers are bodies of threads. What they sent and saw is written down here."""

    seed: int
    ledger: Ledger
    requests: list[VersionRequest] = field(default_factory=list)
    reads: dict[str, list[Read]] = field(default_factory=lambda: {each.dataset: [] for each in COLLECTIONS})

    def clients(self, api_urls: Sequence[str], meddler: Meddler, open_count: OpenCount) -> list[Callable[[], None]]:
        """Several who send files at once, into the same collections, and one who corrects some."""
        corrector = Corrector(self.seed, api_urls, self.ledger, self.requests)
        sender = VersionSender(
            self.seed, api_urls, Numbers(), self.ledger, self.requests, meddler, corrector, open_count
        )
        return [*[sender.run] * _SENDERS, corrector.run]

    def readers(self, api_urls: Sequence[str]) -> list[Callable[[], None]]:
        """One for each collection."""
        return [VersionReader(each, api_urls, self.ledger, self.reads[each.dataset]).run for each in COLLECTIONS]

    def check(self, database_url: str, upload_dir: Path, verdict: Verdict) -> None:
        """Add what the checker finds when the storm is over."""
        for each in COLLECTIONS:
            VersionChecker(database_url, upload_dir, each, self.requests).check(verdict, self.reads[each.dataset])
