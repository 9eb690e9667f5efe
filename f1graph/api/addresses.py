"""Whose request it is: the address of a client, behind the proxies that are trusted and no others."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from starlette.datastructures import Headers
from starlette.types import Scope as Connection

from f1graph.settings import listed

Networks = tuple[IPv4Network | IPv6Network, ...]

# Of a client on a Unix socket.
_NO_ADDRESS = "local"
# A household has at least that many addresses of IPv6, so that each alone means nothing.
_IPV6_OF_ONE = 64


def networks(text: str) -> Networks:
    """Addresses and networks, separated by commas."""
    return tuple(ip_network(part) for part in listed(text))


def client_address(connection: Connection, proxies: Networks) -> str:
    """The last address on the way that is not a trusted proxy's.

    Whatever stands before it in `X-Forwarded-For` was written by a client, who may write anything.
    """
    client = connection.get("client")
    last: str = client[0] if client else _NO_ADDRESS
    if not proxies or not _is_within(last, proxies):
        return _plain(last)
    told = listed(",".join(Headers(scope=connection).getlist("x-forwarded-for")))
    for hop in reversed(told):
        if _read(hop) is None:
            break
        last = hop
        if not _is_within(hop, proxies):
            break
    return _plain(last)


def counted_as(address: str) -> str:
    """What an address is counted as: of IPv6 its network, which is one household's or one server's."""
    read = _read(address)
    if not isinstance(read, IPv6Address):
        return address
    return str(ip_network((int(read), _IPV6_OF_ONE), strict=False))


def _is_within(address: str, proxies: Networks) -> bool:
    read = _read(address)
    return read is not None and any(read in network for network in proxies)


def _plain(address: str) -> str:
    read = _read(address)
    return address if read is None else str(read)


def _read(text: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address
