"""The only module that names an implementation of `Storage`."""

from shared.settings import Settings
from shared.storage.directory import DirectoryStorage
from shared.storage.protocol import Storage


def open_storage(settings: Settings) -> Storage:
    """The storage that the settings name; it does nothing before its first use."""
    return DirectoryStorage(settings.upload_dir)
