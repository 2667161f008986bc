"""TCP ports on this machine."""

import secrets
import socket

from stack.stack_errors import StackError

LOCALHOST = "127.0.0.1"

# Below the range from which kernels take the ports of outgoing connections (Linux 32768, macOS 49152). In that range, a
# client that keeps trying to reach a stopped server may get the server's own port and connect to itself; the server
# then cannot start again.
_FIRST_PORT, _LAST_PORT = 20_000, 32_000
_ATTEMPTS = 200


def free_port() -> int:
    """A free port, chosen at random, so that two runs at the same time hardly ever choose the same one."""
    for _attempt in range(_ATTEMPTS):
        port = _FIRST_PORT + secrets.randbelow(_LAST_PORT - _FIRST_PORT + 1)
        if refusal(LOCALHOST, port) is None:
            return port
    raise StackError(f"no free port found between {_FIRST_PORT} and {_LAST_PORT}")


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
