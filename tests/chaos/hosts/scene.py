"""The storm over several hosts."""

from pathlib import Path
from typing import Final

from tests.chaos.hosts.faults import KINDS, HostNemesis, NetworkTarget
from tests.chaos.hosts.site import Site
from tests.chaos.storm import SETTINGS, Scene, Size


def _several_hosts(directory: Path, size: Size) -> Site:
    return Site(directory, apis=size.apis, workers=size.workers, settings=SETTINGS)


SEVERAL_HOSTS: Final[Scene[NetworkTarget]] = Scene(
    _several_hosts, HostNemesis, KINDS, lambda site, _directory: site.stored_files()
)
