"""How this box is connected, read from the kernel's tables without sending a packet, in words for an installer.

`proc` and `sys` are the folders of those names, so that tests lay out a box of their own.
"""

from __future__ import annotations

import contextlib
import fcntl
import ipaddress
import socket
import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from player.core.ports.box import Interface

# Addresses for documentation (RFC 5737, RFC 3849): never anybody's, so they follow the default route.
ELSEWHERE = ("192.0.2.1", "2001:db8::1")
_UP = 0x1  # RTF_UP of <linux/route.h>
_GET_ADDRESS, _GET_NETMASK = 0x8915, 0x891B  # SIOCGIFADDR and SIOCGIFNETMASK of <linux/sockios.h>
_NOT_A_NETWORK = {"lo"}


def source_address(targets: Sequence[str] = ELSEWHERE) -> str | None:
    """The address that packets to the first reachable of `targets` would carry; None without a route to any."""
    for target in targets:
        family = socket.AF_INET6 if ":" in target else socket.AF_INET
        try:
            with socket.socket(family, socket.SOCK_DGRAM) as probe:
                probe.connect((target, 9))  # a datagram socket only looks up the route
                return str(probe.getsockname()[0])
        except OSError:
            continue
    return None


@dataclass(frozen=True, slots=True)
class Network:
    """The interfaces of one box."""

    proc: Path = Path("/proc")
    sys: Path = Path("/sys")
    ioctl: Callable[[int, int, bytes], bytes] = fcntl.ioctl

    def interfaces(self) -> tuple[Interface, ...]:
        """Every real interface, by name."""
        return tuple(self._interface(folder.name) for folder in self._real())

    def is_reached_by_wifi(self) -> bool:
        """Whether the default route leads over Wi-Fi."""
        name = self.default_interface()
        return name is not None and self._is_wireless(name)

    def words(self) -> str:
        """Such as "Ethernet eth0, connected", "Wi-Fi wlan0, -54 dBm", "Ethernet eth0, connected, no default route"."""
        name = self.default_interface()
        if name:
            return self._describe(name)
        linked = self._linked_interface()
        return f"{self._describe(linked)}, no default route" if linked else "no network"

    def default_interface(self) -> str | None:
        """The interface of the default route with the lowest metric; IPv4 before IPv6."""
        return _default_ipv4(_lines(self.proc / "net/route")) or _default_ipv6(_lines(self.proc / "net/ipv6_route"))

    def wifi_signal_dbm(self) -> int | None:
        """The strength at the interface in use, or at the only wireless one."""
        levels = parse_wireless(_lines(self.proc / "net/wireless"))
        name = self.default_interface()
        return levels.get(name) if name in levels else next(iter(levels.values()), None)

    def _describe(self, name: str) -> str:
        if not self._is_wireless(name):
            return f"Ethernet {name}, connected"
        level = parse_wireless(_lines(self.proc / "net/wireless")).get(name)
        return f"Wi-Fi {name}, connected" if level is None else f"Wi-Fi {name}, {level} dBm"

    def _is_wireless(self, name: str) -> bool:
        folder = self.sys / "class/net" / name
        return (folder / "wireless").exists() or (folder / "phy80211").exists()

    def _linked_interface(self) -> str | None:
        """The first real interface with a carrier: a cable in, or a Wi-Fi joined."""
        return next((folder.name for folder in self._real() if _lines(folder / "carrier") == ["1"]), None)

    def _real(self) -> list[Path]:
        found = sorted((self.sys / "class/net").glob("*"))
        return [folder for folder in found if folder.name not in _NOT_A_NETWORK and (folder / "device").exists()]

    def _interface(self, name: str) -> Interface:
        folder = self.sys / "class/net" / name
        kind = "wifi" if self._is_wireless(name) else "ethernet"
        mac = "".join(_lines(folder / "address")[:1])
        addresses = (*self._ipv4(name), *parse_ipv6(_lines(self.proc / "net/if_inet6"), name))
        gateway = parse_gateway(_lines(self.proc / "net/route"), name)
        return Interface(name, kind, mac, _lines(folder / "carrier") == ["1"], addresses, gateway)

    def _ipv4(self, name: str) -> Iterator[str]:
        """The kernel keeps the first address of an interface where it can be asked for without a netlink socket."""
        question = struct.pack("16s16x8x", name.encode()[:15])
        with contextlib.suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            address, mask = (self.ioctl(probe.fileno(), request, question)[20:24] for request in (_GET_ADDRESS, _GET_NETMASK))
            yield f"{socket.inet_ntoa(address)}/{int.from_bytes(mask, 'big').bit_count()}"


def parse_ipv6(lines: Sequence[str], name: str) -> tuple[str, ...]:
    """/proc/net/if_inet6: the addresses of one interface, with their length."""
    fields = [line.split() for line in lines]
    return tuple(f"{ipaddress.IPv6Address(int(f[0], 16))}/{int(f[2], 16)}" for f in fields if len(f) == 6 and f[5] == name)


def parse_gateway(lines: Sequence[str], name: str) -> str | None:
    """/proc/net/route: where the default route of one interface leads."""
    for fields in (line.split() for line in lines[1:]):
        if len(fields) >= 8 and fields[0] == name and fields[1] == fields[7] == "00000000":
            return socket.inet_ntoa(int(fields[2], 16).to_bytes(4, "little"))
    return None


def parse_wireless(lines: Sequence[str]) -> dict[str, int]:
    """/proc/net/wireless: dBm by interface. Some drivers give the level as an unsigned byte."""
    levels: dict[str, int] = {}
    for line in lines[2:]:
        name, _, rest = line.partition(":")
        fields = rest.split()
        if len(fields) >= 3:
            level = int(float(fields[2]))
            levels[name.strip()] = level - 256 if level > 63 else level
    return levels


def _default_ipv4(lines: Sequence[str]) -> str | None:
    routes = (line.split() for line in lines[1:])
    found = [(int(f[6]), f[0]) for f in routes if len(f) >= 8 and f[1] == f[7] == "00000000" and int(f[3], 16) & _UP]
    return min(found)[1] if found else None


def _default_ipv6(lines: Sequence[str]) -> str | None:
    routes = (line.split() for line in lines)
    default = [f for f in routes if len(f) >= 10 and f[0] == "0" * 32 and f[1] == "00" and int(f[8], 16) & _UP]
    found = [(int(f[5], 16), f[9]) for f in default if f[9] not in _NOT_A_NETWORK]
    return min(found)[1] if found else None


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
