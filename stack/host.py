"""Where a service runs: on this machine, or in a network namespace that is a machine of its own for the network."""

from dataclasses import dataclass
from typing import Final

from stack.ports import LOCALHOST


@dataclass(frozen=True)
class Host:
    """`address`: what its servers listen on; `prefix`: words before a command that make it run there."""

    address: str = LOCALHOST
    prefix: tuple[str, ...] = ()


THIS_MACHINE: Final = Host()
