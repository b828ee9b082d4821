"""What a client of the wall asks for, read from the head of its request; and the heads that go on from there (pure).

The wall (`stage.wall`) is a forward proxy: a tunnel for whatever is encrypted, one request a connection for plain http, and for
what is asked inside a tunnel at whose end it stands itself. Heads are read strictly, since what reads them differently further on
could be led elsewhere.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

from player.core.address_policy import Call
from player.core.egress import Proxy

_REQUEST = re.compile(r"([A-Z]{1,20}) (\S{1,8192}) HTTP/1\.[01]")
_FIELD = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+:[^\r\n\x00]*")
# Between the two ends of one connection, and of no concern to what is behind it.
_HOP = frozenset({"connection", "proxy-connection", "proxy-authorization", "proxy-authenticate", "keep-alive", "upgrade"})
_MOST_BODY = 1 << 40
BAD, FORBIDDEN, LOGIN, AWAY = 400, 403, 407, 502  # of answers


@dataclass(frozen=True, slots=True)
class Passage:
    """A tunnel to `host`:`port` (`method` "CONNECT"), or one request whose body has `length` bytes.

    `path`: with its query; `fields`: the lines of the head that go on; `secure`: by TLS.
    """

    method: str
    host: str
    port: int
    path: str
    fields: tuple[str, ...]
    length: int
    secure: bool

    @property
    def is_tunnel(self) -> bool:
        """Whether what follows is for nobody to read."""
        return self.method == "CONNECT"

    @property
    def url(self) -> str:
        """By which a proxy is chosen; a tunnel is taken for https."""
        return f"{'https' if self.secure else 'http'}://{self.authority}{self.path}"

    @property
    def authority(self) -> str:
        """Host and port, as heads write them."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}" if self.is_tunnel or self.port != (443 if self.secure else 80) else host

    def call(self, *, stream: bool) -> Call:
        """What has to be allowed for it."""
        return Call(self.host, self.port, stream)

    def head(self, through: Proxy | None) -> bytes:
        """As it is sent on: to the server itself, or `through` a proxy."""
        target = self.authority if self.is_tunnel else self.url if through else self.path
        whom = f"Host: {self.authority}"
        fields = (*_login(through), *(() if self.is_tunnel else ("Connection: close", *self.fields)))
        return _head(f"{self.method} {target} HTTP/1.1", (whom, *fields))


def read_request(head: bytes) -> Passage:
    """Of a head with its blank line. Raises ValueError with what is wrong with it."""
    method, target, lines = _request(head)
    parts = urlsplit(f"//{target}" if method == "CONNECT" else target)
    port = parts.port or (443 if method == "CONNECT" else 80)
    host = parts.hostname or ""
    if not host or not host.isascii() or not (parts.scheme == ("" if method == "CONNECT" else "http")):
        raise ValueError("names no host and port, or another scheme than http")
    if method == "CONNECT":
        return Passage(method, host, port, "", (), 0, secure=True)
    path = target[len("http://") + len(parts.netloc) :].partition("#")[0]
    fields = _going_on(lines)
    return Passage(method, host, port, path if path.startswith("/") else f"/{path}", fields, _length(fields), secure=False)


def read_within(head: bytes, tunnel: Passage) -> Passage:
    """What is asked for inside a tunnel, of the host to which it leads. Raises ValueError with what is wrong with it."""
    method, target, lines = _request(head)
    if not target.startswith("/"):
        raise ValueError("is not asked of the host to which its tunnel leads")
    fields = _going_on(lines)
    return Passage(method, tunnel.host, tunnel.port, target.partition("#")[0], fields, _length(fields), secure=True)


def _request(head: bytes) -> tuple[str, str, list[str]]:
    first, *lines = _lines(head)
    found = _REQUEST.fullmatch(first)
    if found is None or not all(_FIELD.fullmatch(line) for line in lines):
        raise ValueError("is not a request of HTTP/1.1")
    return found[1], found[2], lines


def _going_on(lines: Iterable[str]) -> tuple[str, ...]:
    return tuple(line for line in lines if _name(line) not in _HOP and _name(line) != "host")


def _length(fields: Iterable[str]) -> int:
    if any(_name(line) == "transfer-encoding" for line in fields):
        raise ValueError("sends a body without its length")
    lengths = {line.partition(":")[2].strip() for line in fields if _name(line) == "content-length"}
    (length,) = lengths or {"0"}
    if not (length.isascii() and length.isdigit() and len(length) < 16 and int(length) < _MOST_BODY):
        raise ValueError("gives a length that is not a number")
    return int(length)


def answer_head(head: bytes) -> tuple[bytes, bool]:
    """An answer's head as the client gets it, after which it is to use this connection no more; and whether it is the last one.

    What is no head of HTTP/1.1 stays as it is.
    """
    first, *lines = _lines(head)
    if not first.startswith("HTTP/1."):
        return head, True
    last = first[9:10] != "1"  # a 100 or 103 comes before the answer
    fields = [line for line in lines if _name(line) not in _HOP]
    return _head(first, (*(("Connection: close",) if last else ()), *fields)), last


def is_chunked(head: bytes) -> bool:
    """Whether the body behind an answer's head comes in chunks, each with its length."""
    return any(_name(line) == "transfer-encoding" and "chunked" in line.lower() for line in _lines(head))


def length_of(head: bytes) -> int | None:
    """Bytes of the body behind an answer's head; None where it does not tell, and the body ends with the connection."""
    for line in _lines(head):
        length = line.partition(":")[2].strip()
        if _name(line) == "content-length" and length.isascii() and length.isdigit() and len(length) < 16:
            return int(length)
    return None


def is_packed(head: bytes) -> bool:
    """Whether FFmpeg would unpack the body, which nobody asked for: one that is small may become any size."""
    codings = (line.partition(":")[2].strip().lower() for line in _lines(head) if _name(line) == "content-encoding")
    return any(coding.startswith(("gzip", "deflate")) for coding in codings)


def whole_head(head: bytes) -> bytes:
    """The head for a body that was taken out of its chunks, and ends with the connection; else as it is."""
    if not is_chunked(head):
        return head
    first, *lines = _lines(head)
    return _head(first, [line for line in lines if _name(line) not in ("transfer-encoding", "content-length")])


def status_of(head: bytes) -> int | None:
    """The number of an answer; None where it is no answer."""
    found = re.match(rb"HTTP/1\.[01] (\d{3})\b", head)
    return int(found[1]) if found else None


def refused(status: int, reason: str) -> bytes:
    """The wall's own answer: `reason` as plain text."""
    body = reason.encode()
    fields = ("Content-Type: text/plain; charset=utf-8", f"Content-Length: {len(body)}", "Connection: close")
    return _head(f"HTTP/1.1 {status} The player's own answer", fields) + body


def _login(proxy: Proxy | None) -> tuple[str, ...]:
    if proxy is None or not proxy.user:
        return ()
    return (f"Proxy-Authorization: Basic {b64encode(f'{proxy.user}:{proxy.password}'.encode()).decode()}",)


def _lines(head: bytes) -> list[str]:
    return head.decode("latin-1").removesuffix("\r\n\r\n").split("\r\n")


def _name(line: str) -> str:
    return line.partition(":")[0].lower()


def _head(first: str, fields: Iterable[str]) -> bytes:
    return ("\r\n".join((first, *fields)) + "\r\n\r\n").encode("latin-1")
