"""The way out of this box: whom it trusts, through which proxy it goes, as whom, and in which zone (pure).

One value, made once in each composition root and handed to everything that reaches the network, so that no setting can reach one
consumer and miss another. A proxy serves exactly the hosts that `no_proxy` does not name: loopback too, unless it is named.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from urllib.parse import quote, unquote, urlsplit

SYSTEM_AUTHORITIES = "/etc/ssl/certs/ca-certificates.crt"
PROXY_VARIABLES = tuple(form for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy") for form in (name, name.upper()))
WRONG_LOGIN = "wants another user or password: correct network.proxy and network.proxy_password_file"  # what a proxy's 407 means
_SECURE = ("https", "wss")
_PLAIN = ("http", "ws")


@dataclass(frozen=True, slots=True)
class Proxy:
    """An HTTP proxy; `user` and `password` are "" where it wants none. Its representation holds no password."""

    host: str
    port: int
    user: str = ""
    password: str = field(default="", repr=False)

    @classmethod
    def of(cls, address: str, password: str = "") -> Proxy:
        """`http://user@host:port`, the scheme may be left out. `password` goes before one in the address. Raises ValueError."""
        parts = urlsplit(address if "://" in address else f"http://{address}")
        if parts.scheme != "http" or not parts.hostname or parts.path.strip("/") or parts.query:
            raise ValueError(f'expected an address such as "http://proxy.example.com:3128", found "{_bare(address)}"')
        return cls(parts.hostname, parts.port or 3128, unquote(parts.username or ""), password or unquote(parts.password or ""))

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"

    @property
    def server(self) -> str:
        """Its address without who we are."""
        return f"http://{_bracketed(self.host)}:{self.port}"

    @property
    def address(self) -> str:
        """Its address with user and password: a secret."""
        login = f"{quote(self.user, safe='')}:{quote(self.password, safe='')}@" if self.user else ""
        return f"http://{login}{_bracketed(self.host)}:{self.port}"


@dataclass(frozen=True, slots=True)
class WayOut:
    """`ca_file`: PEM with authorities beside the system's, "" for none; `authorities`: one file with all that are trusted.

    `http_proxy` and `https_proxy`: None where one goes straight. `no_proxy`: hosts (with those below them), networks
    ("10.0.0.0/8") or "*". `user_agent`: what we call ourselves. `zone`: an IANA name, "" for the system's.
    """

    ca_file: str
    authorities: str
    http_proxy: Proxy | None
    https_proxy: Proxy | None
    no_proxy: tuple[str, ...]
    user_agent: str
    zone: str

    def proxy_for(self, url: str) -> Proxy | None:
        """The proxy through which `url` is reached; None where one goes straight."""
        parts = urlsplit(url)
        proxy = self.https_proxy if parts.scheme in _SECURE else self.http_proxy if parts.scheme in _PLAIN else None
        return None if proxy is None or self._goes_straight(parts.hostname or "") else proxy

    def _goes_straight(self, host: str) -> bool:
        name = host.rstrip(".").lower()
        return any(_covers(entry.lower(), name) for entry in self.no_proxy)

    def environment(self) -> Mapping[str, str]:
        """What a child is told by its environment. It replaces `PROXY_VARIABLES`, which a child must not get from elsewhere."""
        found = {"SSL_CERT_FILE": self.authorities}
        for name, proxy in (("http_proxy", self.http_proxy), ("https_proxy", self.https_proxy)):
            if proxy is not None:
                found |= {name: proxy.address, name.upper(): proxy.address}
        if self.no_proxy:
            names = ",".join(self.no_proxy)
            found |= {"no_proxy": names, "NO_PROXY": names}
        return found | ({"TZ": self.zone} if self.zone else {})


def straight(user_agent: str) -> WayOut:
    """No proxy, and the system's authorities and zone."""
    return WayOut("", SYSTEM_AUTHORITIES, None, None, (), user_agent, "")


def hosts_of(text: str) -> tuple[str, ...]:
    """The entries of a list such as NO_PROXY's."""
    return entries(text.replace(",", " ").split())


def entries(found: Iterable[str]) -> tuple[str, ...]:
    """As `no_proxy` has them: "example.com" for ".example.com" and "*.example.com"."""
    return tuple(one for entry in found if (one := entry.strip().removeprefix("*.").lstrip(".")))


def _covers(entry: str, host: str) -> bool:
    if entry in ("*", host):
        return True
    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(entry, strict=False)
    except ValueError:
        return host.endswith(f".{entry}")


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _bare(address: str) -> str:
    """Without what may be a password."""
    return address.rpartition("@")[2]
