"""Follows the recorded versions of a collection with the model."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from tests.chaos.ledger import Finding
from tests.chaos.versions.clients import VersionRequest
from tests.chaos.versions.model import Model, Published, State
from tests.chaos.versions.reads import Version


@dataclass(slots=True)
class History:
    """What the model says: the `states` from version 0 on, uploads as they were `published`, and the end."""

    states: list[State] = field(default_factory=list)
    published: dict[str, Published] = field(default_factory=dict)
    model: Model = field(default_factory=Model)

    @property
    def replaced_by(self) -> dict[str, str]:
        """Upload -> the first one after it that has replaced it as a whole."""
        found: dict[str, str] = {}
        for position, upload in enumerate(self.model.uploads):
            if upload.mode == "replace":
                for earlier in self.model.uploads[:position]:
                    found.setdefault(earlier.upload, upload.upload)
        return found


def follow(versions: Sequence[Version], requests: Mapping[str, VersionRequest]) -> History:
    """Do what the database has recorded; `requests` by upload. Skips what cannot be: see `order_findings`."""
    history = History()
    history.states.append(history.model.state)
    for version in versions:
        request = requests.get(version.upload)
        if version.change == "published" and request is not None:
            published = history.model.publish(version.upload, request.file.mode, request.file.expected.records)
            history.published[version.upload] = published
        elif version.change == "corrected" and request is not None and request.corrects is not None:
            history.model.correct(request.corrects.upload_id, request.file.expected.records)
        elif version.change == "undone":
            history.model.undo(version.upload)
        history.states.append(history.model.state)
    return history


def order_findings(
    where: str, versions: Sequence[Version], states: Mapping[str, str], corrections: Collection[str] = ()
) -> Iterator[Finding]:
    """An upload is published once and undone once after it, or its state says that neither happened.

    `corrections`: the uploads that correct others; they are undone with those.
    """
    numbers = [version.number for version in versions]
    if numbers != list(range(1, len(versions) + 1)):
        yield Finding("wrong versions", where, f"their numbers are {numbers}")
    changes: dict[str, list[str]] = {}
    for version in versions:
        changes.setdefault(version.upload, []).append(version.change)
    expected = {"completed": ["published"], "undone": ["published", "undone"]}
    for upload in sorted({*changes, *states}):
        state = states.get(upload, "unknown")
        once = ["corrected"] if state in expected else []
        if changes.get(upload, []) != (once if upload in corrections else expected.get(state, [])):
            yield Finding("wrong versions", where, f"upload {upload} is {state}, its changes: {changes.get(upload)}")
