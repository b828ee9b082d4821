"""The way out as it is configured: `core.egress.WayOut` read from the configuration and the environment, its files beside it.

And where it may lead: `core.address_policy.AddressPolicy`.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from player import __version__
from player.config import Config, NetworkConfig
from player.core.address_policy import AddressPolicy
from player.core.egress import SYSTEM_AUTHORITIES, Proxy, WayOut, entries, hosts_of, straight
from player.errors import ConfigError, StorageError
from player.store import write_atomically

USER_AGENT = f"signage-player/{__version__}"
OFFLINE = "folder"  # the kind of server that is none: only what the configuration names is open inside


def read_way_out(config: Config, environment: Mapping[str, str]) -> WayOut:
    """As configured; where no proxy is, by HTTP_PROXY, HTTPS_PROXY and NO_PROXY of the environment. Raises ConfigError."""
    network = config.network
    if network.proxy:
        plain: Proxy | None = _configured(network)
        secure = plain
    else:
        plain, secure = _from(environment, "http_proxy"), _from(environment, "https_proxy")
    return replace(
        straight(USER_AGENT),
        ca_file=config.cms.ca_file, zone=config.time.zone, http_proxy=plain, https_proxy=secure,
        no_proxy=entries(network.no_proxy) or hosts_of(_variable(environment, "no_proxy")),
    )  # fmt: skip


def read_address_policy(config: Config) -> AddressPolicy:
    """What content may open."""
    offline, second = config.cms.kind == OFFLINE, config.fallback
    ports = [door.rpartition(":")[2] for door in (config.control.listen, config.control.tls_listen)]
    return AddressPolicy(
        server="" if offline else config.cms.url,
        second="" if second.kind in ("", OFFLINE) else second.url,
        nets=tuple(ipaddress.ip_network(net) for net in config.network.allow_private),
        stream_hosts=() if offline else config.stage.stream_hosts,
        listeners=frozenset(int(port) for port in ports if port),
    )


def way_out_as_can_be(config: Config, environment: Mapping[str, str], folder: Path, tell: Callable[[ConfigError], None]) -> WayOut:
    """For a screen that goes on whatever is configured: what cannot be read is told, and done without.

    All trusted authorities are written into one file below `folder`, where there are some beside the system's.
    """
    try:
        found = read_way_out(config, environment)
    except ConfigError as error:
        tell(error)
        found = replace(straight(USER_AGENT), ca_file=config.cms.ca_file, zone=config.time.zone)
    try:
        return _with_one_file(found, folder)
    except ConfigError as error:
        tell(error)
        return replace(found, ca_file="")


def _with_one_file(way_out: WayOut, folder: Path) -> WayOut:
    """What reads one file of authorities alone trusts the system's too. Raises ConfigError."""
    if not way_out.ca_file:
        return way_out
    try:
        own = Path(way_out.ca_file).read_bytes()
    except OSError as error:
        raise ConfigError(way_out.ca_file, "cms.ca_file", f"cannot be read: {error.strerror}") from error
    system = Path(SYSTEM_AUTHORITIES)
    together = folder / "authorities.pem"
    try:
        write_atomically(together, (system.read_bytes() if system.exists() else b"") + b"\n" + own)
    except StorageError as error:
        raise ConfigError(str(together), "cms.ca_file", f"cannot be laid beside the system's: {error.reason}") from error
    return replace(way_out, authorities=str(together))


def _configured(network: NetworkConfig) -> Proxy:
    try:
        return Proxy.of(network.proxy, network.password())
    except ValueError as error:
        raise ConfigError("the configuration", "network.proxy", str(error)) from error


def _from(environment: Mapping[str, str], name: str) -> Proxy | None:
    address = _variable(environment, name) or _variable(environment, "all_proxy")
    try:
        return Proxy.of(address) if address else None
    except ValueError as error:
        raise ConfigError(f"the environment variable {name.upper()}", "network.proxy", str(error)) from error


def _variable(environment: Mapping[str, str], name: str) -> str:
    return (environment.get(name) or environment.get(name.upper()) or "").strip()
