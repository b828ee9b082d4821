"""Addresses as people write them, and which of them an item may name: an allow-list of schemes for each kind (pure; faults C9).

The players behind these kinds would open far more than the network (files, devices, listening sockets), so what is not on the
list here never reaches them. `srt` is a caller, `udp` and `rtp` belong to a multicast group or to an address of
`stage.stream_hosts`. Where the addresses lead is judged by `core.address_policy`.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Collection
from urllib.parse import SplitResult, parse_qsl, quote, urlsplit

from player.core.kinds import Kind

WEB = frozenset({"http", "https"})
STREAMS = frozenset({"http", "https", "rtsp", "rtmp", "udp", "rtp", "srt"})
PACKETS = frozenset({"udp", "rtp"})  # whoever plays them waits for what comes
LONGEST = 4096
_OF_THE_NETWORK = ipaddress.ip_network("224.0.0.0/24")
_AROUND = "".join(map(chr, range(33)))
_PATH = "!$%&'()*+,-./:;=@[\\]^_|~"
_QUERY = "!$%&()*+,-./:;=?@[\\]^_`{|}~"
_FRAGMENT = "!#$%&'()*+,-./:;=?@[\\]^_{|}~"


def written_out(url: str) -> str:
    """`url` as a browser would ask for it (WHATWG URL): blanks around it gone, those inside and letters beyond ASCII encoded.

    What is no address of the web comes back without its blanks around, for `check_url` to refuse.
    """
    text = "".join(char for char in url.strip(_AROUND) if char not in "\t\n\r")
    scheme, colon, rest = text.partition("://")
    if not colon or scheme.lower() not in STREAMS:
        return text
    authority, rest = _split(rest, "/?#")
    path, query = _split(rest, "?#")
    query, fragment = _split(query, "#")
    user, at, host = authority.rpartition("@")
    return (
        f"{scheme}://{user}{at}{_host(host)}{quote(path, safe=_PATH)}{quote(query, safe=_QUERY)}{quote(fragment, safe=_FRAGMENT)}"
    )


def _split(text: str, marks: str) -> tuple[str, str]:
    at = min((found for mark in marks if (found := text.find(mark)) >= 0), default=len(text))
    return text[:at], text[at:]


def _host(host: str) -> str:
    """A name beyond ASCII as name servers know it; as it is where it cannot be."""
    if host.isascii():
        return host
    import idna  # its tables take a hundredth of a second, and few names need them

    name, colon, port = host.partition(":")
    try:
        return idna.encode(name, uts46=True).decode() + colon + port
    except idna.IDNAError:
        return host


def check_url(url: str | None, kind: Kind, *, youtube_hosts: Collection[str], stream_hosts: Collection[str]) -> str | None:
    """Why `url` must not be opened for an item of `kind`, as the end of a sentence; None when it may.

    `youtube_hosts` match with their subdomains; so do `stream_hosts`, where any are given.
    """
    if kind is Kind.CLOCK or (kind is Kind.TICKER and not url):
        return None  # what it says is in the item
    if not url:
        return "it has no address"
    if len(url) > LONGEST or any(c.isspace() or ord(c) < 32 or ord(c) == 127 for c in url):
        return f"its address is longer than {LONGEST} characters, or holds blanks or control characters where none may be"
    schemes = STREAMS if kind is Kind.LIVESTREAM else WEB
    scheme, colon, _ = url.partition(":")
    if not colon or scheme.lower() not in schemes:
        return f'its address begins with "{url[:16]}"; allowed here: {", ".join(sorted(schemes))}'
    try:
        parts = urlsplit(url)
        host, _ = (parts.hostname or "").rstrip("."), parts.port
    except ValueError as error:
        return f"its address cannot be read: {error}"
    if not host:
        return "its address names no host"
    if parts.username is not None and kind is not Kind.LIVESTREAM:
        return "its address holds a user name or password"
    listens = _listens(parts, host, stream_hosts) if kind is Kind.LIVESTREAM else None
    return _check_host(host, kind, youtube_hosts, stream_hosts) or listens


def _check_host(host: str, kind: Kind, youtube_hosts: Collection[str], stream_hosts: Collection[str]) -> str | None:
    if kind is Kind.YOUTUBE and not host_matches(host, youtube_hosts):
        return f"its host {host} is not one of {', '.join(youtube_hosts)} (stage.youtube_hosts)"
    if kind is Kind.LIVESTREAM and stream_hosts and not host_matches(host, stream_hosts):
        return f"its host {host} is not one of {', '.join(stream_hosts)} (stage.stream_hosts)"
    return None


def _listens(parts: SplitResult, host: str, stream_hosts: Collection[str]) -> str | None:
    """A stream is called, or comes to a group: nothing here waits for whoever may call."""
    if parts.scheme in PACKETS and not (is_group(host) or host_matches(host, stream_hosts)):
        return f"{parts.scheme} is received from a multicast group, or from an address of stage.stream_hosts; {host} is neither"
    modes = [value for name, value in parse_qsl(parts.query, keep_blank_values=True) if name == "mode"]
    if parts.scheme == "srt" and any(mode != "caller" for mode in modes):
        return f"a player calls and does not wait to be called (mode={modes[0]:.20}): leave mode out, and let the sender listen"
    return None


def is_group(host: str) -> bool:
    """Whether it is a multicast group, written out; those for the network's own use (224.0.0.x) are none of ours."""
    try:
        ip = ipaddress.ip_address(host)
    except ValueError:
        return False
    return ip.is_multicast and ip not in _OF_THE_NETWORK


def host_matches(host: str, allowed: Collection[str]) -> bool:
    """Whether `host` is one of `allowed` or a subdomain of one."""
    name = host.lower()
    return any(name == entry.lower() or name.endswith("." + entry.lower()) for entry in allowed)
