"""Where a host may be: at addresses of the public internet, and in networks that an operator has named."""

import socket
from collections.abc import Callable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any, Final

from shared.errors import AddressForbidden, FetchFailed

IPAddress = IPv4Address | IPv6Address
IPNetwork = IPv4Network | IPv6Network
# `socket.getaddrinfo`, or what answers like it.
Resolve = Callable[..., Sequence[tuple[Any, ...]]]
SYSTEM_RESOLVER: Final[Resolve] = socket.getaddrinfo

# Of IPv6 only these are given out; the others are local, or addresses of IPv4 in another form (mapped, translated).
_UNICAST: Final = ip_network("2000::/3")
# Public by the registries, and yet not the internet: IPv4 in IPv6 (6to4, Teredo), which leads to wherever the former
# would; the relay of 6to4; servers of clouds that give out credentials.
_NOT_PUBLIC: Final = tuple(
    ip_network(network) for network in ("2002::/16", "2001::/32", "192.88.99.0/24", "192.0.0.0/24", "168.63.129.16/32")
)


def may_ask(address: IPAddress, networks: Sequence[IPNetwork]) -> bool:
    """Whether the address is public or in one of `networks`."""
    if any(address in network for network in networks):
        return True
    is_global = address.is_global and not (address.is_multicast or address.is_reserved)
    is_public = is_global and (address.version == 4 or address in _UNICAST)
    return is_public and not any(address in network for network in _NOT_PUBLIC)


def checked_addresses(
    host: str, port: int, networks: Sequence[IPNetwork], resolve: Resolve = SYSTEM_RESOLVER
) -> list[IPAddress]:
    """The addresses of the host, at least one.

    Raises `AddressForbidden` if one of them may not be asked, however good the others are; `FetchFailed` if there are
    none.
    """
    try:
        found = resolve(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise FetchFailed(f"The host {host} has no address.") from error
    addresses = list(dict.fromkeys(ip_address(entry[4][0]) for entry in found))
    if not addresses:
        raise FetchFailed(f"The host {host} has no address.")
    if not all(may_ask(address, networks) for address in addresses):
        raise AddressForbidden(f"The host {host} is in a network that this service does not ask.")
    return addresses
