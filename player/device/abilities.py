"""What this box can do, as data: every ability of its drivers, by what it works here, or why it does not (house rule 5).

Looked up in the files of the system, without sending anything to a device: whether a panel answers is asked by `doctor` besides.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from player.core.ports.box import Ability
from player.device.dbus import SystemBus
from player.device.network import Network
from player.device.panel import BoxPanel
from player.device.root import NOT_THERE, RootSocket
from player.device.sensors import SystemSensors
from player.device.switches import BoxSwitches

_NO_SYSTEMD = "this system does not run systemd: its part has to be done by hand"


@dataclass(frozen=True, slots=True)
class Folders:
    """Where a system keeps what is looked at."""

    dev: Path = Path("/dev")
    sys: Path = Path("/sys")
    proc: Path = Path("/proc")
    etc: Path = Path("/etc")
    run: Path = Path("/run")


def find_abilities(folders: Folders) -> tuple[Ability, ...]:
    """Every one, in the order in which a person thinks of them."""
    root, network = RootSocket(folders.run / "signage-root.sock"), Network(folders.proc, folders.sys)
    panel = BoxPanel(folders.dev, folders.sys, SystemBus())
    switches = BoxSwitches(root, network, sys=folders.sys, etc=folders.etc)
    system = (*_host(folders, root), *_readings(folders, network), *switches.abilities(), _packages(folders, root))
    return (*_sound(folders), *panel.abilities(), *_picture(), *system)


def _sound(folders: Folders) -> Iterator[Ability]:
    cards = tuple(f"card {path.name.removeprefix('controlC')}" for path in sorted((folders.dev / "snd").glob("controlC*")))
    yield Ability("sound", cards, "this box has no sound card")


def _picture() -> Iterator[Ability]:
    """The compositor's part works on whatever it draws."""
    yield Ability("darker picture", ("the compositor, where the panel itself cannot be set",), "")
    yield Ability("turn and mode", ("the compositor",), "")


def _host(folders: Folders, root: RootSocket) -> Iterator[Ability]:
    has_systemd = (folders.run / "systemd/system").is_dir()
    for name, service in (("restart", "logind"), ("time zone", "timedated")):
        yield Ability(name, (service,) if has_systemd else (), _NO_SYSTEMD)
    by_helper = {
        "time server": "timesyncd", "clock setting": "timedated", "system log": "the journal", "VPN": "the unit of devices.vpn",
        "other versions": "bundles in update.folder",
    }  # fmt: skip
    for name, service in by_helper.items():
        ways = (f"{service}, by root's helper",) if has_systemd and root.is_there else ()
        yield Ability(name, ways, NOT_THERE if has_systemd else _NO_SYSTEMD)


def _packages(folders: Folders, root: RootSocket) -> Ability:
    has_apt = (folders.etc / "apt").is_dir()
    ways = ("apt, by root's helper",) if has_apt and root.is_there else ()
    return Ability("packages", ways, NOT_THERE if has_apt else "this system has no apt")


def _readings(folders: Folders, network: Network) -> Iterator[Ability]:
    sensors = SystemSensors((), proc=folders.proc, sys=folders.sys, etc=folders.etc)
    yield Ability("interfaces", tuple(each.name for each in network.interfaces()), "this box has no network interface")
    signal = network.wifi_signal_dbm()
    yield Ability("Wi-Fi strength", () if signal is None else (f"{signal} dBm",), "this box has joined no Wi-Fi")
    degrees = sensors.temperature_c()
    yield Ability("temperature", () if degrees is None else (f"{degrees:g} °C",), "this box has no sensor of it")
    throttled = sensors.throttled()
    yield Ability("throttling", () if throttled is None else (throttled,), "this board does not say; a Raspberry Pi does")
    wear = tuple(f"{chip.device}, {chip.used_percent} % used" for chip in sensors.storage_wear())
    yield Ability("storage wear", wear, "only eMMC chips count it")
    counted = any((folders.sys / "fs/ext4").glob("*/errors_count"))
    yield Ability("disk errors", ("ext4",) if counted else (), "no file system here counts them")
