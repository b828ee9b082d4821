"""`Sensors`: what the box says of itself, from /proc, /sys and /etc (house rule 5: a reading that is not there is None).

The folders are constructor arguments, so that tests lay out a Pi or a PC (psutil reads fixed ones, knows nothing of most of these
and costs the agent a megabyte). Every method reads small virtual files and may be called from any thread.
"""

from __future__ import annotations

import contextlib
import os
import platform
import shlex
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

from player.core.ports.box import Interface, StorageWear
from player.device.network import ELSEWHERE, Network, source_address

# What makers leave in the DMI tables when they fill in nothing.
_NO_NAMES = {"", "to be filled by o.e.m.", "default string", "system product name", "system manufacturer", "not specified"}
_CPU_ZONES = ("cpu-thermal", "cpu_thermal", "x86_pkg_temp", "soc_thermal", "soc-thermal")
_CPU_CHIPS = ("coretemp", "k10temp", "zenpower", "cpu_thermal")
# Bits of the Raspberry Pi firmware's `get_throttled`; the same 16 bits higher mean "since the boot".
_THROTTLED = ("under-voltage", "frequency capped", "throttled", "too hot")
_NEAR_ITS_END = ("0x02", "0x03")  # of an eMMC's spare blocks 80 % are used, or 90 %


class SystemSensors:
    """The readings of a Linux box that keeps what is its own below the folders `keeps`."""

    def __init__(
        self,
        keeps: Sequence[Path],
        *,
        proc: Path = Path("/proc"),
        sys: Path = Path("/sys"),
        etc: Path = Path("/etc"),
    ) -> None:
        self._keeps, self._proc, self._sys, self._etc = keeps, proc, sys, etc
        self._network = Network(proc, sys)
        self._lock = threading.Lock()
        self._cpu_before = (0, 0)

    def address(self) -> str | None:
        """The address others reach this box at: the source address of the default route, IPv4 first."""
        return source_address(ELSEWHERE)

    def network(self) -> str:
        """How the box is connected, in words."""
        return self._network.words()

    def wifi_signal_dbm(self) -> int | None:
        """dBm, -30 (beside it) to -90 (hardly there); None without Wi-Fi."""
        return self._network.wifi_signal_dbm()

    def interfaces(self) -> tuple[Interface, ...]:
        """Every real way into the network, by name."""
        return self._network.interfaces()

    def name_servers(self) -> tuple[str, ...]:
        """Who is asked for names, in order."""
        fields = (line.split() for line in (self._text(self._etc / "resolv.conf") or "").splitlines())
        return tuple(words[1] for words in fields if len(words) > 1 and words[0] == "nameserver")

    def storage_wear(self) -> tuple[StorageWear, ...]:
        """Of each eMMC chip; cards and sticks count nothing."""
        return tuple(self._wear())

    def file_system_errors(self) -> int:
        """What ext4 counted on the file systems of what is kept: another disk, or a stick, is none of the player's."""
        counts = (self._text(self._sys / "fs/ext4" / device / "errors_count") for device in self._disks())
        return sum(int(count) for count in counts if count)

    def uptime_s(self) -> int:
        """Seconds since the boot."""
        return int(float((self._text(self._proc / "uptime") or "0").split()[0]))

    def model(self) -> str:
        """Such as "Raspberry Pi 4 Model B Rev 1.4", a PC maker's own name for it, or else the architecture."""
        return self._text(self._proc / "device-tree/model") or self._dmi_name() or f"{platform.system()} {platform.machine()}"

    def os_version(self) -> str:
        """As the system names itself: "Debian GNU/Linux 12 (bookworm)"."""
        for line in (self._text(self._etc / "os-release") or "").splitlines():
            key, _, value = line.partition("=")
            if key == "PRETTY_NAME":
                return "".join(shlex.split(value)) if "'" in value else value.strip('"')
        return f"{platform.system()} {platform.release()}"

    def temperature_c(self) -> float | None:
        """The processor's temperature; where none is named so, the hottest there is."""
        zones = dict(self._thermal_zones())
        for name in _CPU_ZONES:
            if name in zones:
                return zones[name]
        chips = dict(self._hwmon_chips())
        for name in _CPU_CHIPS:
            if name in chips:
                return chips[name]
        return max([*zones.values(), *chips.values()], default=None)

    def throttled(self) -> str | None:
        """Either "no" or what holds the board back, now or since its boot; None where the board does not say."""
        flags = self._text(self._sys / "devices/platform/soc/soc:firmware/get_throttled")
        if flags is not None:
            return decode_throttled(int(flags, 16))
        for chip in sorted((self._sys / "class/hwmon").glob("*")):
            if self._text(chip / "name") == "rpi_volt":
                return "under-voltage now" if self._text(chip / "in0_lcrit_alarm") == "1" else "no"
        return None

    def cpu_percent(self) -> float:
        """0 to 100 over all cores, since the last call (the first: since the boot)."""
        busy, total = parse_cpu(self._text(self._proc / "stat") or "")
        with self._lock:
            before_busy, before_total = self._cpu_before
            self._cpu_before = (busy, total)
        if total <= before_total:
            return 0.0
        return round(max(0.0, min(100.0, 100.0 * (busy - before_busy) / (total - before_total))), 1)

    def memory_mb(self) -> tuple[int, int]:
        """(total, used) in megabytes of 1024 x 1024 bytes; what caches hold counts as free."""
        kilobytes = {}
        for line in (self._text(self._proc / "meminfo") or "").splitlines():
            key, _, rest = line.partition(":")
            kilobytes[key] = int(rest.split()[0])
        total = kilobytes.get("MemTotal", 0)
        return total // 1024, (total - kilobytes.get("MemAvailable", total)) // 1024

    def _disks(self) -> set[str]:
        """The block devices of what is kept, as the kernel names them ("mmcblk0p2"). A folder may not be there yet."""
        found = set()
        for folder in self._keeps:
            with contextlib.suppress(OSError):
                device = folder.stat().st_dev
                found.add((self._sys / f"dev/block/{os.major(device)}:{os.minor(device)}").resolve().name)
        return found

    def _wear(self) -> Iterator[StorageWear]:
        for disk in sorted((self._sys / "block").glob("mmcblk*")):
            lives = parse_life_time(self._text(disk / "device/life_time") or "")
            if lives is not None:
                yield StorageWear(disk.name, lives, self._text(disk / "device/pre_eol_info") in _NEAR_ITS_END)

    def _dmi_name(self) -> str | None:
        folder = self._sys / "class/dmi/id"
        for maker, product in (("sys_vendor", "product_name"), ("board_vendor", "board_name")):
            words = [self._text(folder / name) or "" for name in (maker, product)]
            if words[1].lower() not in _NO_NAMES:
                return " ".join(word for word in words if word.lower() not in _NO_NAMES)
        return None

    def _thermal_zones(self) -> Iterator[tuple[str, float]]:
        for zone in sorted((self._sys / "class/thermal").glob("thermal_zone*")):
            name, value = self._text(zone / "type"), self._celsius(zone / "temp")
            if name and value is not None:
                yield name, value

    def _hwmon_chips(self) -> Iterator[tuple[str, float]]:
        for chip in sorted((self._sys / "class/hwmon").glob("*")):
            name, value = self._text(chip / "name"), self._celsius(chip / "temp1_input")
            if name and value is not None:
                yield name, value

    def _celsius(self, path: Path) -> float | None:
        text = self._text(path)
        return round(int(text) / 1000, 1) if text else None

    def _text(self, path: Path) -> str | None:
        """The file's text without the NUL that device trees end in; None when it cannot be read (some sensors fail with EIO)."""
        try:
            return path.read_text(encoding="utf-8", errors="replace").strip("\0 \n")
        except OSError:
            return None


def decode_throttled(flags: int) -> str:
    """The firmware's bits as words: "under-voltage now, throttled since boot", or "no"."""
    now = [f"{word} now" for bit, word in enumerate(_THROTTLED) if flags & 1 << bit]
    earlier = [f"{word} since boot" for bit, word in enumerate(_THROTTLED) if flags & 1 << bit + 16 and not flags & 1 << bit]
    return ", ".join(now + earlier) or "no"


def parse_life_time(text: str) -> int | None:
    """An eMMC's "0x01 0x02", a figure each for its two sorts of cells: the worse as per cent used. None where it counts nothing."""
    figures = [int(word, 16) for word in text.split()]
    worst = max(figures, default=0)
    return min(100, worst * 10) if worst else None


def parse_cpu(stat: str) -> tuple[int, int]:
    """/proc/stat -> (busy, total) in ticks over all cores since the boot; idle and iowait are not busy."""
    fields = stat.partition("\n")[0].split()[1:9]  # guest time is in user's already
    ticks = [int(field) for field in fields]
    total = sum(ticks)
    return total - sum(ticks[3:5]), total
