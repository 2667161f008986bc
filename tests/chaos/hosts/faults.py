"""What breaks between hosts: a plug, or the way between two of them. Everything else breaks as on one machine."""

from pathlib import Path
from typing import Final, Protocol

from tests.chaos import faults
from tests.chaos.faults import Nemesis, PlannedFault, Target
from tests.chaos.hosts.network import Network
from tests.chaos.hosts.site import BUCKET, POSTGRES, VALKEY

NETWORK_KINDS: Final = (
    "cut off worker",
    "cut off api",
    "part worker from postgres",
    "part worker from valkey",
    "part worker from bucket",
    "part api from postgres",
    "part api from valkey",
    "part api from bucket",
)
KINDS: Final = (*faults.KINDS, *NETWORK_KINDS)


class NetworkTarget(Target, Protocol):
    """What it may break, and the network that the hosts are on; each service has the name of its host."""

    @property
    def network(self) -> Network: ...
    def stored_files(self) -> Path: ...


class HostNemesis(Nemesis[NetworkTarget]):
    """Breaks the network, too."""

    def _strike(self, planned: PlannedFault) -> bool:
        return self._strike_network(planned) if planned.kind in NETWORK_KINDS else super()._strike(planned)

    def _strike_network(self, planned: PlannedFault) -> bool:
        services = self._up(self._stack.apis if " api" in planned.kind else self._stack.workers)
        if not services:
            return False
        families = [[child.pid for child in faults.children(service)] for service in services]
        index = self._aim(planned, families)
        host, network = services[index].name, self._stack.network
        self._note(planned, host, set(families[index]))
        self._down.add(host)
        server = {"postgres": POSTGRES, "valkey": VALKEY, "bucket": BUCKET}.get(planned.kind.rpartition(" ")[2])
        if server is None:
            network.cut_off(host)
        else:
            network.part(host, server)

        def repair() -> None:
            if server is None:
                network.join(host)
            else:
                network.heal(host, server)
            self._down.discard(host)

        self._later(planned.seconds, repair)
        return True
