"""TCP ports on this machine."""

import atexit
import functools
import itertools
import secrets
import socket
from collections.abc import Iterator

from stack.stack_errors import StackError

LOCALHOST = "127.0.0.1"

# Below the range from which kernels take the ports of outgoing connections (Linux 32768, macOS 49152). In that range, a
# client that keeps trying to reach a stopped server may get the server's own port and connect to itself; the server
# then cannot start again.
_FIRST_PORT, _LAST_PORT = 20_000, 32_000
_BLOCK = 60


def free_port() -> int:
    """A free port that no other process gets from here.

    A server binds its port seconds after it was chosen: by then another run could have chosen the same one. So each
    process has a block of ports of its own, and goes around in it.
    """
    for port in itertools.islice(_own_block(), _BLOCK - 1):
        if refusal(LOCALHOST, port) is None:
            return port
    raise StackError("all ports of this process are in use")


@functools.cache
def _own_block() -> Iterator[int]:
    """This process listens on the first port of its block until it ends; the rest, round and round, is to be used."""
    firsts = list(range(_FIRST_PORT, _LAST_PORT - _BLOCK, _BLOCK))
    secrets.SystemRandom().shuffle(firsts)  # what an earlier run has left behind asks for other ports, most likely
    for first in firsts:
        if (held := _listening(first)) is not None:
            atexit.register(held.close)
            return itertools.cycle(range(first + 1, first + _BLOCK))
    raise StackError(f"no free port found between {_FIRST_PORT} and {_LAST_PORT}")


def _listening(port: int) -> socket.socket | None:
    """A socket that keeps the port from everybody else; None if it is taken."""
    held = socket.socket()
    try:
        held.bind((LOCALHOST, port))
        held.listen(0)
    except OSError:
        held.close()
        return None
    return held


def require_free(host: str, port: int, purpose: str, advice: str = "") -> None:
    """Raise `StackError` if the port is in use; `advice` says what would help."""
    reason = refusal(host, port)
    if reason is not None:
        help_text = f"; {advice}" if advice else ""
        raise StackError(f"port {port} for {purpose} cannot be used on {host}: {reason}{help_text}")


def refusal(host: str, port: int) -> str | None:
    """Why a server cannot listen on the port; None if it can."""
    with socket.socket() as probe:
        # like the servers: connections of an earlier run in the state TIME_WAIT do not matter
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            return error.strerror or str(error)
    return None
