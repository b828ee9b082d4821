"""What of a stream's address reaches the player of streams, which is opened at the address that was checked (pure; faults C9).

That player would wait to be called, bind ports, and take the sizes of its buffers from an address: only the parameters listed here
pass. Which addresses an item may name at all is said by `core.urls`.
"""

from __future__ import annotations

from urllib.parse import unquote, urlsplit, urlunsplit

from player.core.urls import STREAMS, WEB

_PASS = {"srt": frozenset({"streamid", "passphrase", "pbkeylen", "latency"})}
_OURS = {"srt": ("mode=caller",), "udp": ("fifo_size=28672", "buffer_size=1048576", "overrun_nonfatal=1")}
_PORTS = {"rtsp": 554, "rtmp": 1935}  # where an address names none; all others do
_LONGEST_LATENCY = 8_000_000  # microseconds: what waits so long lies in memory
# An rtsp address may end in such a word, which makes FFmpeg bind UDP ports or speak HTTP; all others are the camera's.
_TRANSPORTS = frozenset({"udp", "udp_multicast", "multicast", "tcp", "prefer_tcp", "http", "https", "filter_src", "listen"})


def opened_at(url: str, address: str) -> str:
    """`url` at the address that was checked, with the parameters that pass, and ours. Addresses of the web stay as they are."""
    parts = urlsplit(url)
    if parts.scheme in WEB or parts.scheme not in STREAMS:
        return url
    login, at, _ = parts.netloc.rpartition("@")
    port = f":{parts.port}" if parts.port else ""
    whom = f"{login}{at}" if login else ""
    query = "&".join((*_OURS.get(parts.scheme, ()), *_passing(parts.scheme, parts.query)))
    return urlunsplit((parts.scheme, f"{whom}{_bracketed(address)}{port}", parts.path, query, ""))


def port_of(url: str) -> int:
    """The port that is opened for a stream which speaks no http."""
    parts = urlsplit(url)
    return parts.port or _PORTS.get(parts.scheme, 0)


def _passing(scheme: str, query: str) -> list[str]:
    pairs = [pair for pair in query.replace("?", "%3F").split("&") if pair]  # FFmpeg looks behind the last question mark
    match scheme:
        case "rtsp":
            return [pair for pair in pairs if pair.partition("=")[0].lower() not in _TRANSPORTS]
        case "rtmp":
            return pairs  # FFmpeg takes none of them for itself: they belong to the stream's name
    return [pair for pair in pairs if pair.partition("=")[0] in _PASS.get(scheme, ()) and not _waits_too_long(pair)]


def _waits_too_long(pair: str) -> bool:
    name, _, value = pair.partition("=")
    return name == "latency" and not (value.isascii() and value.isdigit() and len(value) < 8 and int(value) <= _LONGEST_LATENCY)


def rtmp_application(url: str) -> str:
    """`rtmp://host/app` as a server of many names wants to be told it, whatever address it is opened at; FFmpeg's way to cut it."""
    parts = urlsplit(url)
    first, *rest = unquote(parts.path).lstrip("/").split("/")
    application = [first, rest[0]] if len(rest) > 1 and ":" not in rest[0] else [first]
    return f"rtmp://{_bracketed(parts.hostname or '')}:{port_of(url)}/{'/'.join(application)}"


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
