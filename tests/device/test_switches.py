"""What of the box is closed to the world around it: read from a system's files, turned by root's helper; and every ability."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from player.core.ports.box import Switch
from player.device.abilities import Folders, find_abilities
from player.device.network import Network
from player.device.packages import BoxPackages
from player.device.root import RootSocket
from player.device.root_verbs import STORAGE_RULE, storage_rule
from player.device.switches import BoxSwitches
from player.errors import BoxError

ROUTES = "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n"
WIFI_ROUTE = "wlan0\t00000000\t0101A8C0\t0003\t0\t0\t600\t00000000\t0\t0\t0\n"


class AskedHelper(RootSocket):
    """Root's helper that only takes notes."""

    def __init__(self) -> None:
        super().__init__(Path("/nowhere"))
        self.asked: list[tuple[str, ...]] = []

    async def ask(self, ability: str, verb: str, *arguments: str) -> None:  # noqa: ARG002 - the helper's own arguments
        self.asked.append((verb, *arguments))


def lay_out(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{text}\n")


def switches(folder: Path, root: RootSocket) -> BoxSwitches:
    return BoxSwitches(root, Network(folder / "proc", folder / "sys"), sys=folder / "sys", etc=folder / "etc")


RADIOS = {
    "sys/class/rfkill/rfkill0/type": "wlan", "sys/class/rfkill/rfkill0/soft": "0", "sys/class/rfkill/rfkill0/hard": "0",
    "sys/class/rfkill/rfkill1/type": "bluetooth", "sys/class/rfkill/rfkill1/soft": "1", "sys/class/rfkill/rfkill1/hard": "0",
    "sys/bus/usb/devices/1-1/speed": "480",
}  # fmt: skip


async def test_how_each_is_now_is_read_from_the_system(tmp_path: Path):
    lay_out(tmp_path, RADIOS)
    box = switches(tmp_path, AskedHelper())
    assert [await box.is_on(switch) for switch in Switch] == [True, False, True]
    lay_out(tmp_path, {"sys/class/rfkill/rfkill0/hard": "1", str(storage_rule(Path("etc"))): STORAGE_RULE})
    assert [await box.is_on(switch) for switch in Switch] == [False, False, False]


async def test_each_is_turned_by_roots_helper(tmp_path: Path):
    lay_out(tmp_path, RADIOS)
    root = AskedHelper()
    for switch in Switch:
        await switches(tmp_path, root).set(switch, False)
    await switches(tmp_path, root).set(Switch.WIFI, True)
    assert root.asked == [
        ("switch", "wifi", "off"), ("switch", "bluetooth", "off"), ("switch", "usb_storage", "off"), ("switch", "wifi", "on"),
    ]  # fmt: skip


async def test_the_radio_over_which_the_box_is_reached_stays_on(tmp_path: Path):
    lay_out(tmp_path, {**RADIOS, "proc/net/route": ROUTES + WIFI_ROUTE, "sys/class/net/wlan0/phy80211/index": "0"})
    root = AskedHelper()
    with pytest.raises(BoxError, match=r"wifi: this box is reached over it, .* connect a cable first"):
        await switches(tmp_path, root).set(Switch.WIFI, False)
    await switches(tmp_path, root).set(Switch.BLUETOOTH, False)
    assert root.asked == [("switch", "bluetooth", "off")]


@pytest.mark.parametrize(
    ("switch", "name"), [(Switch.WIFI, "Wi-Fi"), (Switch.BLUETOOTH, "Bluetooth"), (Switch.USB_STORAGE, "USB storage")]
)
async def test_a_box_without_it_says_so_and_asks_nobody(tmp_path: Path, switch: Switch, name: str):
    root = AskedHelper()
    for asked in (switches(tmp_path, root).is_on(switch), switches(tmp_path, root).set(switch, False)):
        with pytest.raises(BoxError, match=f"{switch}: this box has no {name}"):
            await asked
    assert root.asked == []


# --- packages


async def test_only_packages_that_are_allowed_are_asked_for():
    root = AskedHelper()
    packages = BoxPackages(["dpkg", "libcec-utils"], root)
    await packages.install("libcec-utils", None)
    await packages.install("dpkg", "1.22")
    for name in ("sl", "../x"):
        with pytest.raises(BoxError, match=r"packages: .* is not among devices.packages"):
            await packages.install(name, None)
    assert root.asked == [("package", "libcec-utils", ""), ("package", "dpkg", "1.22")]
    assert await packages.installed("dpkg")
    assert await BoxPackages(["no-such-package"], root).installed("no-such-package") is None


# --- every ability of a box


def box(folder: Path, files: dict[str, str]) -> dict[str, Any]:
    lay_out(folder, files)
    folders = Folders(*(folder / name for name in ("dev", "sys", "proc", "etc", "run")))
    return {ability.name: ability.ways or ability.lacks for ability in find_abilities(folders)}


def test_a_box_with_nothing_lacks_everything_and_says_why(tmp_path: Path):
    found = box(tmp_path, {})
    drawn = {"darker picture", "turn and mode"}
    assert {name for name, said in found.items() if isinstance(said, tuple)} == drawn
    assert all(said for said in found.values())


def test_a_box_with_everything_says_by_what(tmp_path: Path):
    found = box(tmp_path, {
        **RADIOS, "dev/cec0": "", "dev/snd/controlC1": "", "sys/class/backlight/10-0045/type": "raw", "run/systemd/system/x": "",
        "run/signage-root.sock": "", "etc/apt/x": "", "sys/bus/usb/devices/1-1/x": "", "sys/class/net/wlan0/device/x": "",
        "proc/net/wireless": "\n\nwlan0: 0000 56. -54. -256 0", "sys/class/thermal/thermal_zone0/type": "cpu-thermal",
        "sys/class/thermal/thermal_zone0/temp": "48686", "sys/class/hwmon/hwmon0/name": "rpi_volt",
        "sys/block/mmcblk0/device/life_time": "0x02 0x03", "sys/fs/ext4/mmcblk0p2/errors_count": "4",
    })  # fmt: skip
    assert {name: said for name, said in found.items() if not isinstance(said, tuple)} == {}
    assert found["panel power"] == (f"CEC at {tmp_path}/dev/cec0",)
    assert found["panel brightness"] == ("the backlight 10-0045",)
    assert (found["sound"], found["interfaces"], found["Wi-Fi strength"]) == (("card 1",), ("wlan0",), ("-54 dBm",))
    assert (found["temperature"], found["throttling"]) == (("48.7 °C",), ("no",))
    assert (found["storage wear"], found["disk errors"]) == (("mmcblk0, 30 % used",), ("ext4",))
    assert (found["time server"], found["Wi-Fi switch"]) == (("timesyncd, by root's helper",), ("rfkill 0",))


def test_a_box_that_was_not_installed_lacks_what_root_would_do(tmp_path: Path):
    found = box(tmp_path, {**RADIOS, "run/systemd/system/x": "", "sys/bus/usb/devices/1-1/x": ""})
    for name in ("time server", "clock setting", "Wi-Fi switch", "Bluetooth switch", "USB switch"):
        assert "sudo scripts/install" in found[name]
    assert found["restart"] == ("logind",)
