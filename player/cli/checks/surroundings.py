"""What surrounds the player: the clock, the disk and who may read it, the network, the server."""

from __future__ import annotations

import ctypes
import http.client
import os
import shutil
import socket
import ssl
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from player.cli.checks.finding import Finding, absent, failed, passed
from player.config import Dirs, parse_size

ANSWER_WITHIN_S = 5.0
READ_BYTES = 4096
PORTAL = "open cms.url in a browser on this network: is there a log-in page (captive portal) between? Else correct cms.url"
_LOG_IN_FIRST = 511  # RFC 6585
_TIME_ERROR = 5  # adjtimex(2): the clock is not synchronized
_TIMEX_BYTES = 512  # more than any struct timex


def clock() -> Iterator[Finding]:
    """Whether the kernel holds the clock for synchronized."""
    state = ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.create_string_buffer(_TIMEX_BYTES))
    if state == _TIME_ERROR:
        remedy = "timedatectl set-ntp true; dayparts and proof of play need the right time"
        yield failed("clock", "not synchronized", remedy, needed=False)
    elif state < 0:
        yield absent("clock", "this system does not tell whether its clock is synchronized")
    else:
        yield passed("clock", "synchronized")


def disk(dirs: Dirs, reserve: str) -> Iterator[Finding]:
    """Room and the right to write, where state and media go."""
    for name, folder in (("state", dirs.state), ("media", dirs.cache)):
        there = _nearest(folder)
        free = shutil.disk_usage(there).free
        room = f"{folder}: {free / 2**30:.1f} GiB free"
        if not os.access(there, os.W_OK | os.X_OK):
            yield failed(
                f"disk, {name}",
                f"{there} cannot be written",
                f"mend its owner, or set storage.{'state' if name == 'state' else 'cache'}_dir",
            )
        elif free < parse_size(reserve):
            yield failed(f"disk, {name}", f"{room}, less than storage.reserve = {reserve}", "make room, or use a larger disk")
        else:
            yield passed(f"disk, {name}", room)


def _nearest(folder: Path) -> Path:
    """The folder, or the closest one above it that exists."""
    return next((path for path in (folder, *folder.parents) if path.exists()), Path("/"))


def permissions(dirs: Dirs) -> Iterator[Finding]:
    """Secrets are their owner's alone."""
    open_to = []
    for path in (dirs.state, *dirs.state.glob("identity*.json"), dirs.state / "tokens.json"):
        try:
            mode = stat.S_IMODE(path.stat().st_mode)
        except OSError:
            continue
        if mode & (0o007 if path.is_dir() else 0o077):
            open_to.append(f"{path} is {mode:o}")
    if open_to:
        yield failed("permissions", "; ".join(open_to), f"chmod -R go-rwx {dirs.state}", needed=False)
    else:
        yield passed("permissions", "secrets are closed to others")


def network(proc: Path = Path("/proc")) -> Iterator[Finding]:
    """A way out."""
    try:
        routes = [line.split() for line in (proc / "net/route").read_text().splitlines()[1:]]
        routes6 = (
            [line.split() for line in (proc / "net/ipv6_route").read_text().splitlines()]
            if (proc / "net/ipv6_route").exists()
            else []
        )
    except OSError:
        routes, routes6 = [], []
    ways = {route[0] for route in routes if route[1] == "00000000"} | {
        route[-1] for route in routes6 if route[1] == "00" and route[-1] != "lo"
    }
    if ways:
        yield passed("network", f"default route by {', '.join(sorted(ways))}")
    else:
        yield absent("network", "no default route: the player plays what it has", "connect a cable, or set up Wi-Fi")


def server(url: str, path: str, ca_file: str = "") -> Iterator[Finding]:
    """Name, connection, TLS, and an answer of its API at `path`, which a log-in page of the network would not give."""
    if not url:
        yield absent("server", "none is configured", "set cms.url in the configuration")
        return
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    try:
        answer = _ask(parts.scheme == "https", host, port, parts.path.rstrip("/") + path, ca_file)
    except socket.gaierror as error:
        yield failed(
            "server", f"the name {host} is not known: {error.strerror}", "check cms.url, and the network's name server (DNS)"
        )
    except ssl.SSLCertVerificationError as error:
        remedy = "check this machine's date, the server's certificate, and cms.ca_file; is there a log-in page between?"
        yield failed("server", f"the certificate of {host} does not hold: {error.verify_message}", remedy)
    except (OSError, http.client.HTTPException) as error:
        yield failed("server", f"{host}:{port} does not answer: {error}", "check cms.url, the network and the firewall")
    else:
        yield judged(answer, f"{host}:{port}")


@dataclass(frozen=True, slots=True)
class ProbeAnswer:
    """What came back: the status, where it leads to ("" nowhere), how the body begins, and over what it came."""

    status: int
    location: str
    body: bytes
    over: str


def judged(answer: ProbeAnswer, where: str) -> Finding:
    """Whether that was the server's API. It may well say no, since nobody has said who asks."""
    told = f"{where} answers {answer.status}"
    if 300 <= answer.status < 400:
        place = urlsplit(answer.location)
        leads = f"{told} and leads to {place._replace(query='', fragment='').geturl() or 'nowhere'}"
        return failed("server", leads, PORTAL)
    if answer.status == _LOG_IN_FIRST:
        return failed("server", f"{told}: the network wants somebody to log in", PORTAL)
    if answer.status >= 500:
        return failed("server", told, "ask who runs the server; a proxy between may be the one that answers")
    if not answer.body.lstrip().startswith((b"{", b"[")):
        return failed("server", f"{told} with something that is not its API", PORTAL)
    return passed("server", f"{where} answers as its API, with {answer.status} over {answer.over}")


def _ask(secure: bool, host: str, port: int, path: str, ca_file: str) -> ProbeAnswer:
    if secure:
        context = ssl.create_default_context(cafile=ca_file or None)
        connection: http.client.HTTPConnection = http.client.HTTPSConnection(host, port, timeout=ANSWER_WITHIN_S, context=context)
    else:
        connection = http.client.HTTPConnection(host, port, timeout=ANSWER_WITHIN_S)
    try:
        connection.connect()
        version = connection.sock.version() if isinstance(connection.sock, ssl.SSLSocket) else None
        connection.request("GET", path, headers={"Accept": "application/json"})
        answer = connection.getresponse()
        return ProbeAnswer(answer.status, answer.getheader("Location", ""), answer.read(READ_BYTES), version or "plain HTTP")
    finally:
        connection.close()
