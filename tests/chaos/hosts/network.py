"""Network namespaces as hosts on one switch. Linux, iproute2 and root are needed; `missing` says what is not there.

    host a  eth0 ---- port a  |
    host b  eth0 ---- port b  |  a bridge, in a namespace of its own
    tester  eth0 ---- port …  |  the thread that opened the network, and all that it starts

Nothing of it touches the network of the machine itself.
"""

import ctypes
import os
import secrets
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from stack.host import Host

TESTER: Final = "tester"
_SWITCH: Final = "switch"
_SUBNET: Final = "10.77.0"
_CLONE_NEWNET: Final = 0x40000000
# No port has it, so what is sent there arrives nowhere.
_NOBODY: Final = "02:00:00:00:00:ff"


def missing() -> str | None:
    """What this machine lacks for a network of its own; None if nothing."""
    if shutil.which("ip") is None:
        return "iproute2"
    if os.geteuid() != 0:
        return "the right to make network namespaces"
    name = f"probe-{secrets.token_hex(4)}"
    made = subprocess.run(["ip", "netns", "add", name], capture_output=True, check=False).returncode == 0
    if made:
        _ip("netns", "del", name)
    return None if made else "the right to make network namespaces"


class Network:
    """A context manager: within it the calling thread is on the host `TESTER`.

    `cut_off` takes a host off the switch: what is sent to it or by it is lost, and no connection is told. `part` does
    the same between two hosts only.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self._names = [TESTER, *names]
        self._id = secrets.token_hex(3)
        self._outside: int | None = None

    def host(self, name: str) -> Host:
        """Where a service runs that is to be on this host."""
        return Host(self._address(name), ("ip", "netns", "exec", self._namespace(name)))

    def cut_off(self, name: str) -> None:
        """Pull its plug."""
        self._on(_SWITCH, "link", "set", self._port(name), "down")

    def join(self, name: str) -> None:
        """Undo `cut_off`."""
        self._on(_SWITCH, "link", "set", self._port(name), "up")

    def part(self, one: str, other: str) -> None:
        """Lose what they send each other."""
        for here, there in ((one, other), (other, one)):
            self._reach(here, there, _NOBODY)

    def heal(self, one: str, other: str) -> None:
        """Undo `part`."""
        for here, there in ((one, other), (other, one)):
            self._reach(here, there, self._hardware_address(there))

    def __enter__(self) -> Self:
        try:
            self._open()
        except BaseException:
            self._close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def _open(self) -> None:
        _ip("netns", "add", self._namespace(_SWITCH))
        self._on(_SWITCH, "link", "add", "bridge", "type", "bridge")
        self._on(_SWITCH, "link", "set", "bridge", "up")
        for name in self._names:
            _ip("netns", "add", self._namespace(name))
            port, switch = self._port(name), self._namespace(_SWITCH)
            hardware = ("address", self._hardware_address(name))
            self._on(name, "link", "add", "eth0", *hardware, "type", "veth", "peer", "name", port, "netns", switch)
            self._on(_SWITCH, "link", "set", "dev", port, "master", "bridge")
            self._on(_SWITCH, "link", "set", port, "up")
            self._on(name, "link", "set", "lo", "up")
            self._on(name, "address", "add", f"{self._address(name)}/24", "dev", "eth0")
            self._on(name, "link", "set", "eth0", "up")
        self._outside = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        inside = os.open(f"/run/netns/{self._namespace(TESTER)}", os.O_RDONLY)
        _enter(inside)
        os.close(inside)
        # Whoever starts a server first tries its port, which is one of another host.
        Path("/proc/sys/net/ipv4/ip_nonlocal_bind").write_text("1")

    def _close(self) -> None:
        if self._outside is not None:
            _enter(self._outside)
            os.close(self._outside)
            self._outside = None
        for name in (*self._names, _SWITCH):
            subprocess.run(["ip", "netns", "del", self._namespace(name)], capture_output=True, check=False)

    def _reach(self, here: str, there: str, hardware: str) -> None:
        address = self._address(there)
        self._on(here, "neighbour", "replace", address, "lladdr", hardware, "dev", "eth0", "nud", "permanent")

    def _on(self, name: str, *words: str) -> None:
        _ip("-n", self._namespace(name), *words)

    def _namespace(self, name: str) -> str:
        return f"ingest-{self._id}-{name}"

    def _port(self, name: str) -> str:
        return f"port{self._number(name)}"

    def _address(self, name: str) -> str:
        return f"{_SUBNET}.{self._number(name)}"

    def _hardware_address(self, name: str) -> str:
        return f"02:00:00:00:00:{self._number(name):02x}"

    def _number(self, name: str) -> int:
        return self._names.index(name) + 1


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], capture_output=True, check=True)


def _enter(namespace: int) -> None:
    """Move this thread into the namespace; `os.setns` comes with Python 3.12."""
    library = ctypes.CDLL(None, use_errno=True)
    if library.setns(namespace, _CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")
