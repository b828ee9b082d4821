"""Whether the server's API answers, by the way that the agent takes: through the proxy, trusting whom it trusts.

What answers may be something else: a log-in page of the network, a proxy, another program at that address.
"""

from __future__ import annotations

import http.client
import socket
import ssl
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from player.cli.checks.finding import Finding, absent, failed, passed
from player.core.egress import Proxy, WayOut
from player.runtime.sessions import tls_context

ANSWER_WITHIN_S, READ_BYTES = 5.0, 4096
PORTAL = "open cms.url in a browser on this network: is there a log-in page (captive portal) between? Else correct cms.url"
_PROXY_LOGIN, _LOG_IN_FIRST = 407, 511  # RFC 9110, RFC 6585


def server(url: str, path: str, way_out: WayOut) -> Iterator[Finding]:
    """Name, connection, TLS, and an answer of its API at `path`, which a log-in page would not give. Raises ConfigError."""
    if not url:
        yield absent("server", "none is configured", "set cms.url in the configuration")
        return
    parts, proxy = urlsplit(url), way_out.proxy_for(url)
    where = f"{parts.hostname}:{_port(parts)}" + (f" by the proxy {proxy}" if proxy else "")
    key = "network.proxy" if proxy else "cms.url"
    try:
        answer = _ask(parts, path, way_out, proxy)
    except socket.gaierror as error:
        name = proxy.host if proxy else parts.hostname
        yield failed("server", f"the name {name} is not known: {error.strerror}", f"check {key}, and the name server (DNS)")
    except ssl.SSLCertVerificationError as error:
        remedy = "check this machine's date, the server's certificate, and cms.ca_file; is there a log-in page between?"
        yield failed("server", f"the certificate of {parts.hostname} does not hold: {error.verify_message}", remedy)
    except (OSError, http.client.HTTPException) as error:
        yield failed("server", f"{where} does not answer: {error}", f"check {key}, the network and the firewall")
    else:
        yield judged(answer, where)


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
    if answer.status == _PROXY_LOGIN:
        return failed("server", told, "the proxy wants a user and a password: network.proxy, network.proxy_password_file")
    if answer.status == _LOG_IN_FIRST:
        return failed("server", f"{told}: the network wants somebody to log in", PORTAL)
    if answer.status >= 500:
        return failed("server", told, "ask who runs the server; a proxy between may be the one that answers")
    if not answer.body.lstrip().startswith((b"{", b"[")):
        return failed("server", f"{told} with something that is not its API", PORTAL)
    return passed("server", f"{where} answers as its API, with {answer.status} over {answer.over}")


def _ask(server: SplitResult, path: str, way_out: WayOut, proxy: Proxy | None) -> ProbeAnswer:
    host, port = server.hostname or "", _port(server)
    to = (proxy.host, proxy.port) if proxy else (host, port)
    headers, target = {"Accept": "application/json", "User-Agent": way_out.user_agent}, server.path.rstrip("/") + path
    if server.scheme == "https":
        connection: http.client.HTTPConnection = http.client.HTTPSConnection(
            *to, timeout=ANSWER_WITHIN_S, context=tls_context(way_out)
        )
        if proxy:
            connection.set_tunnel(host, port, _login(proxy))
    else:
        connection = http.client.HTTPConnection(*to, timeout=ANSWER_WITHIN_S)
        if proxy:
            headers, target = headers | _login(proxy), f"http://{server.netloc.rpartition('@')[2]}{target}"
    try:
        connection.connect()
        version = connection.sock.version() if isinstance(connection.sock, ssl.SSLSocket) else None
        connection.request("GET", target, headers=headers)
        answer = connection.getresponse()
        return ProbeAnswer(answer.status, answer.getheader("Location", ""), answer.read(READ_BYTES), version or "plain HTTP")
    finally:
        connection.close()


def _port(server: SplitResult) -> int:
    return server.port or (443 if server.scheme == "https" else 80)


def _login(proxy: Proxy) -> dict[str, str]:
    if not proxy.user:
        return {}
    return {"Proxy-Authorization": "Basic " + b64encode(f"{proxy.user}:{proxy.password}".encode()).decode()}
