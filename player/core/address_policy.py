"""Which addresses content may open: the one decision for files, feeds, pages, streams, and for whatever they lead to (pure).

A server, or who answers in its name, must not make the player look at its own box and its neighbours. Public addresses are open.
Those inside (loopback, link-local, private, unspecified) open where the configured server, or the fallback's, is the origin itself;
where the server's own address is written out, for others of that sort; where its name has led to private addresses alone at every
look, for private ones; and where `network.allow_private` names the net. A host of `stage.stream_hosts` opens itself for streams.
What this player itself listens at never opens. It is judged by the address that is connected to, and by how that was named.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from urllib.parse import urlsplit

from player.core.urls import host_matches
from player.errors import ContentError

Address = IPv4Address | IPv6Address
Net = IPv4Network | IPv6Network
_THIS_NET = IPv4Network("0.0.0.0/8")
_CARRIES_THE_LAST_32_BITS = (IPv6Network("::/96"), IPv6Network("64:ff9b::/96"))  # IPv4 in IPv6; NAT64 (RFC 6052)
_NAT64_INSIDE = IPv6Network("64:ff9b:1::/48")
_NUMBER = re.compile(r"(0x[0-9a-f]*)|(0[0-7]*)|([1-9][0-9]*)")


class Sort(StrEnum):
    """What an address is for whoever stands at this box."""

    PUBLIC = "public"
    PRIVATE = "private"
    LINK_LOCAL = "link-local"
    LOOPBACK = "loopback"
    RESERVED = "reserved"


def sort_of(address: str) -> Sort:
    """Of an address as name services answer, a zone (`%eth0`) included; one that carries an IPv4 address is what that one is."""
    ip = _carried(ipaddress.ip_address(address.partition("%")[0]))
    if ip.is_loopback or ip.is_unspecified or ip in _THIS_NET:
        return Sort.LOOPBACK
    if ip.is_link_local:
        return Sort.LINK_LOCAL
    if getattr(ip, "is_site_local", False) or ip in _NAT64_INSIDE:
        return Sort.PRIVATE
    if ip.is_multicast or ip.is_reserved:
        return Sort.RESERVED
    return Sort.PUBLIC if ip.is_global else Sort.PRIVATE


def _carried(ip: Address) -> Address:
    if isinstance(ip, IPv4Address) or ip.is_loopback or ip.is_unspecified or ip in _NAT64_INSIDE:
        return ip
    if any(ip in net for net in _CARRIES_THE_LAST_32_BITS):
        return IPv4Address(int(ip) & 0xFFFFFFFF)
    return ip.ipv4_mapped or ip.sixtofour or ip


def written_address(host: str) -> Address | None:
    """The address that `host` writes out in any form that is taken for one (`[::1]`, `0x7f.1`, `2130706433`); None for a name.

    `localhost`, and what lies below it, is loopback whatever a name service says (RFC 6761).
    """
    text = host.strip("[]").partition("%")[0].rstrip(".").lower()
    if text == "localhost" or text.endswith(".localhost"):
        return IPv4Address("127.0.0.1")
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return _of_numbers(text)


def _of_numbers(text: str) -> IPv4Address | None:
    """As inet_aton(3) reads it: one to four numbers, of which the last one fills what is left."""
    numbers = [_number(part) for part in text.split(".")]
    known = [number for number in numbers if number is not None]
    if len(known) < len(numbers) or len(known) > 4:
        return None
    *first, last = known
    if any(number > 255 for number in first) or last >= 256 ** (4 - len(first)):
        return None
    return IPv4Address(sum(number << 8 * (3 - place) for place, number in enumerate(first)) + last)


def _number(text: str) -> int | None:
    found = _NUMBER.fullmatch(text)
    if found is None or len(text) > 20:
        return None
    return int(text[2:] or "0", 16) if found[1] else int(text, 8 if found[2] else 10)


@dataclass(frozen=True, slots=True)
class Call:
    """What is to be opened: a host as it was named, a name or an address, and a port; `stream`: by what plays streams."""

    host: str
    port: int
    stream: bool

    @property
    def name(self) -> str:
        """The host in one form."""
        return self.host.strip("[]").rstrip(".").lower()


@dataclass(frozen=True, slots=True)
class AddressPolicy:
    """What the configuration opens. `server`: the server's address, "" for none; `second`: the fallback's, which opens itself.

    `nets`: of `network.allow_private`.
    `listeners`: the ports at which this player itself listens.
    """

    server: str
    second: str
    nets: tuple[Net, ...]
    stream_hosts: tuple[str, ...]
    listeners: frozenset[int]

    @property
    def server_call(self) -> Call | None:
        """The server's own origin; None where there is no server with an address."""
        return _origin(self.server)

    @property
    def goes_by_looks(self) -> bool:
        """Whether what is open beside the server depends on where its name leads."""
        call = self.server_call
        return call is not None and written_address(call.name) is None

    def refusal(self, call: Call, address: str, *, ours: bool, seen: Collection[Sort]) -> str | None:
        """Why `call` must not be opened at `address`, as a sentence; None when it may.

        `ours`: the address is this box's own; `seen`: the sorts of all addresses that the server's name has ever led to.
        """
        if ours and call.port in self.listeners:
            return f"{call.host} is this player itself, which nothing that it shows may open"
        sort = sort_of(address)
        if sort is Sort.PUBLIC or self._is_server(call) or sort in self._beside(seen) or self._is_in_a_net(address):
            return None
        if call.stream and self._is_listed(call, sort):
            return None
        return (
            f"{call.host} is the {sort} address {address}: put it on the server or on a public address, "
            "or name its net in network.allow_private"
        )

    def unlisted(self, call: Call) -> str | None:
        """Why what plays streams must not go where no item sent it, as a sentence: a camera redirects to where an item might lead,
        which `stage.stream_hosts` bounds wherever it lists any; None when it may."""
        if not self.stream_hosts or host_matches(call.name, self.stream_hosts):
            return None
        return f"{call.host} is not one of {', '.join(self.stream_hosts)} (stage.stream_hosts), and no item names it"

    def _is_server(self, call: Call) -> bool:
        origins = (_origin(address) for address in (self.server, self.second))
        return any(one is not None and (one.name, one.port) == (call.name, call.port) for one in origins)

    def _beside(self, seen: Collection[Sort]) -> frozenset[Sort]:
        """The sorts of addresses that open because the server stands among them."""
        server = self.server_call
        if server is None:
            return frozenset()
        written = written_address(server.name)
        if written is not None:
            return frozenset({sort_of(str(written))})
        return frozenset({Sort.PRIVATE}) if set(seen) == {Sort.PRIVATE} else frozenset()

    def _is_in_a_net(self, address: str) -> bool:
        ip = _carried(ipaddress.ip_address(address.partition("%")[0]))
        return any(ip in net for net in self.nets)

    def _is_listed(self, call: Call, sort: Sort) -> bool:
        """A name is taken at its word for a private address alone: nobody lists one to open this box itself."""
        if written_address(call.name) is not None:
            return call.name in {host.lower() for host in self.stream_hosts}
        return sort is Sort.PRIVATE and host_matches(call.name, self.stream_hosts)


def _origin(address: str) -> Call | None:
    """Of a server; None of what has no host."""
    parts = urlsplit(address)
    if not parts.hostname:
        return None
    return Call(parts.hostname, parts.port or (443 if parts.scheme == "https" else 80), stream=False)


def beside(server: str) -> AddressPolicy:
    """What the server's address alone opens."""
    return AddressPolicy(server, "", (), (), frozenset())


@dataclass(frozen=True, slots=True)
class Unopened:
    """Why something could not be opened. `code`: the fault's, "" where whoever asked has a better one; `reason`: a sentence."""

    code: str
    reason: str


def by_cause(error: ContentError, unopened: Unopened | None) -> ContentError:
    """`error` of somebody who knows only that it did not open, or what is known of why."""
    return ContentError(unopened.code or error.code, error.name, unopened.reason) if unopened else error


Why = Callable[[str], Unopened | None]  # an address -> why its host did not open, where that is known
