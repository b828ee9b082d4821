"""Readings of two boxes laid out as files: a Raspberry Pi 4 on Wi-Fi and a PC on a cable; and of the one that runs the tests."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from player.core.ports.box import Interface, StorageWear
from player.device.network import Network, parse_wireless, source_address
from player.device.sensors import SystemSensors, decode_throttled, parse_cpu

ROUTES = "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n"
WIRELESS = """Inter-| sta-|   Quality        |   Discarded packets               | Missed | WE
 face | tus | link level noise |  nwid  crypt   frag  retry   misc | beacon | 22
 wlan0: 0000   56.  -54.  -256        0      0      0      0      0        0
"""


def lay_out(folder: Path, files: dict[str, str], keeps: Sequence[Path] = ()) -> SystemSensors:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return SystemSensors(keeps, proc=folder / "proc", sys=folder / "sys", etc=folder / "etc")


@pytest.fixture
def pi(tmp_path: Path) -> SystemSensors:
    return lay_out(
        tmp_path,
        {
            "proc/device-tree/model": "Raspberry Pi 4 Model B Rev 1.4\0",
            "proc/uptime": "86400.21 300000.10\n",
            "proc/stat": "cpu  100 0 100 700 100 0 0 0 0 0\ncpu0 1 2 3\n",
            "proc/meminfo": "MemTotal:        1894052 kB\nMemFree:  100000 kB\nMemAvailable:    1369764 kB\n",
            "proc/net/wireless": WIRELESS,
            "proc/net/route": ROUTES
            + "wlan0\t00000000\t0101A8C0\t0003\t0\t0\t600\t00000000\t0\t0\t0\n"
            + "wlan0\t0001A8C0\t00000000\t0001\t0\t0\t600\t00FFFFFF\t0\t0\t0\n",
            "sys/class/net/wlan0/phy80211/index": "0\n",
            "sys/class/thermal/thermal_zone0/type": "cpu-thermal\n",
            "sys/class/thermal/thermal_zone0/temp": "48686\n",
            "sys/devices/platform/soc/soc:firmware/get_throttled": "50005\n",
            "etc/os-release": 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nNAME="Debian GNU/Linux"\n',
        },
    )


@pytest.fixture
def pc(tmp_path: Path) -> SystemSensors:
    return lay_out(
        tmp_path,
        {
            "proc/net/route": ROUTES
            + "enp3s0\t00000000\t0101A8C0\t0003\t0\t0\t100\t00000000\t0\t0\t0\n"
            + "wlp2s0\t00000000\t0101A8C0\t0003\t0\t0\t600\t00000000\t0\t0\t0\n",
            "sys/class/net/enp3s0/carrier": "1\n",
            "sys/class/dmi/id/sys_vendor": "Intel(R) Client Systems\n",
            "sys/class/dmi/id/product_name": "NUC8i3BEH\n",
            "sys/class/thermal/thermal_zone0/type": "acpitz\n",
            "sys/class/thermal/thermal_zone0/temp": "27800\n",
            "sys/class/thermal/thermal_zone1/type": "x86_pkg_temp\n",
            "sys/class/thermal/thermal_zone1/temp": "51000\n",
            "etc/os-release": "PRETTY_NAME='A Linux'\n",
        },
    )


def test_a_pi_says_what_it_is(pi: SystemSensors):
    assert pi.model() == "Raspberry Pi 4 Model B Rev 1.4"
    assert pi.os_version() == "Debian GNU/Linux 12 (bookworm)"
    assert pi.uptime_s() == 86400
    assert pi.memory_mb() == (1849, 512)
    assert pi.temperature_c() == 48.7
    assert pi.throttled() == "under-voltage now, throttled now"


def test_a_pi_on_wifi_says_how_strong_it_is(pi: SystemSensors):
    assert pi.network() == "Wi-Fi wlan0, -54 dBm"
    assert pi.wifi_signal_dbm() == -54


def test_a_pc_says_what_it_is(pc: SystemSensors):
    assert pc.model() == "Intel(R) Client Systems NUC8i3BEH"
    assert pc.os_version() == "A Linux"
    assert pc.temperature_c() == 51.0
    assert pc.throttled() is None
    assert pc.wifi_signal_dbm() is None


def test_the_route_with_the_lowest_metric_is_the_one_in_use(pc: SystemSensors):
    assert pc.network() == "Ethernet enp3s0, connected"


def test_the_interfaces_of_a_box_are_facts(tmp_path: Path):
    lay_out(tmp_path, {
        "sys/class/net/eth0/device/vendor": "x", "sys/class/net/eth0/carrier": "1\n",
        "sys/class/net/eth0/address": "dc:a6:32:01:02:03\n",
        "sys/class/net/wlan0/device/vendor": "x", "sys/class/net/wlan0/phy80211/index": "0\n",
        "sys/class/net/docker0/carrier": "1\n",
        "etc/resolv.conf": "# by hand\nnameserver 192.168.1.1\nsearch lan\nnameserver 9.9.9.9\n",
        "proc/net/route": ROUTES + "eth0\t00000000\t0101A8C0\t0003\t0\t0\t100\t00000000\t0\t0\t0\n",
        "proc/net/if_inet6": "fd000000000000000000000000000005 02 40 00 80 eth0\n",
    })  # fmt: skip

    def ioctl(_: int, request: int, question: bytes) -> bytes:
        if not question.startswith(b"eth0\0"):
            raise OSError
        address = {0x8915: (192, 168, 1, 5), 0x891B: (255, 255, 255, 0)}[request]
        return question[:20] + bytes(address) + question[24:]

    eth, wlan = Network(tmp_path / "proc", tmp_path / "sys", ioctl).interfaces()
    assert eth == Interface("eth0", "ethernet", "dc:a6:32:01:02:03", True, ("192.168.1.5/24", "fd00::5/64"), "192.168.1.1")
    assert wlan == Interface("wlan0", "wifi", "", False, (), None)
    sensors = SystemSensors((), proc=tmp_path / "proc", sys=tmp_path / "sys", etc=tmp_path / "etc")
    assert sensors.name_servers() == ("192.168.1.1", "9.9.9.9")
    assert [each.name for each in sensors.interfaces()] == ["eth0", "wlan0"]


def test_this_machines_own_addresses_are_found_by_the_kernels_ioctl():
    address = source_address()
    found = [each for interface in SystemSensors(()).interfaces() for each in interface.addresses]
    assert not found or address is None or any(each.partition("/")[0] == address for each in found)


def test_an_emmc_counts_its_wear(tmp_path: Path):
    sensors = lay_out(tmp_path, {
        "sys/block/mmcblk0/device/life_time": "0x02 0x05\n", "sys/block/mmcblk0/device/pre_eol_info": "0x01\n",
        "sys/block/mmcblk1/device/life_time": "0x00 0x00\n",
        "sys/block/mmcblk2/device/life_time": "0x0b 0x01\n", "sys/block/mmcblk2/device/pre_eol_info": "0x03\n",
    })  # fmt: skip
    assert sensors.storage_wear() == (StorageWear("mmcblk0", 50, False), StorageWear("mmcblk2", 100, True))
    assert lay_out(tmp_path / "none", {}).storage_wear() == ()


def test_ext4_counts_the_errors_of_the_disks_that_keep_what_is_ours_and_of_no_other(tmp_path: Path):
    counts = {"sys/fs/ext4/mmcblk0p2/errors_count": "3\n", "sys/fs/ext4/sda1/errors_count": "4\n"}
    device = tmp_path.stat().st_dev
    here = f"sys/dev/block/{os.major(device)}:{os.minor(device)}"
    kept = (tmp_path, tmp_path / "sys", tmp_path / "not there yet")
    sensors = lay_out(tmp_path, {**counts, "sys/devices/mmc0/mmcblk0p2/dev": ""}, kept)
    assert sensors.file_system_errors() == 0, "a folder in memory has no block device"
    (tmp_path / here).parent.mkdir(parents=True)
    (tmp_path / here).symlink_to("../../devices/mmc0/mmcblk0p2")
    assert sensors.file_system_errors() == 3


def test_a_pc_whose_maker_filled_in_nothing_is_named_by_its_board(tmp_path: Path):
    names = {
        "sys_vendor": "To Be Filled By O.E.M.",
        "product_name": "Default string",
        "board_vendor": "ASRock",
        "board_name": "J5040-ITX",
    }
    sensors = lay_out(tmp_path, {f"sys/class/dmi/id/{name}": text for name, text in names.items()})
    assert sensors.model() == "ASRock J5040-ITX"


def test_an_amd_pc_is_read_by_its_hwmon_chip(tmp_path: Path):
    files = {"hwmon0/name": "nvme", "hwmon0/temp1_input": "60000", "hwmon1/name": "k10temp", "hwmon1/temp1_input": "44125"}
    assert lay_out(tmp_path, {f"sys/class/hwmon/{name}": text for name, text in files.items()}).temperature_c() == 44.1


def test_without_a_processors_sensor_the_hottest_counts(tmp_path: Path):
    files = {
        "thermal_zone0/type": "acpitz",
        "thermal_zone0/temp": "27800",
        "thermal_zone1/type": "pch",
        "thermal_zone1/temp": "39000",
    }
    assert lay_out(tmp_path, {f"sys/class/thermal/{name}": text for name, text in files.items()}).temperature_c() == 39.0


def test_a_box_that_says_nothing_leaves_every_reading_empty(tmp_path: Path):
    sensors = lay_out(tmp_path, {})
    assert sensors.network() == "no network"
    assert (sensors.temperature_c(), sensors.throttled(), sensors.wifi_signal_dbm()) == (None, None, None)
    assert (sensors.uptime_s(), sensors.memory_mb(), sensors.cpu_percent()) == (0, (0, 0), 0.0)
    assert sensors.model().startswith("Linux")
    assert sensors.os_version().startswith("Linux")


def test_a_cable_without_a_route_is_told_apart_from_no_network(tmp_path: Path):
    sensors = lay_out(
        tmp_path, {"sys/class/net/eth0/carrier": "1\n", "sys/class/net/eth0/device/vendor": "x", "sys/class/net/lo/carrier": "1\n"}
    )
    assert sensors.network() == "Ethernet eth0, connected, no default route"


def test_n19_a_box_with_ipv6_alone_is_connected(tmp_path: Path):
    nothing, via = "0" * 32, "fe80000000000000021132fffe000001"
    lines = (
        f"{nothing} 00 {nothing} 00 {nothing} ffffffff 00000001 00000000 00200200       lo\n"
        f"{nothing} 00 {nothing} 00 {via} 00000400 00000001 00000000 00000003     eth0\n"
    )
    lay_out(tmp_path, {"proc/net/route": ROUTES, "proc/net/ipv6_route": lines})
    assert Network(tmp_path / "proc", tmp_path / "sys").default_interface() == "eth0"


def test_an_unsigned_wifi_level_is_dbm_all_the_same():
    assert parse_wireless(WIRELESS.replace("-54.", " 202").splitlines()) == {"wlan0": -54}


def test_the_source_address_is_that_of_the_first_route_there_is():
    assert source_address(("127.0.0.1",)) == "127.0.0.1"
    assert source_address(("255.255.255.255", "127.0.0.1")) == "127.0.0.1"  # broadcast is refused without asking for it
    assert source_address(("255.255.255.255",)) is None


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (0x0, "no"),
        (0x1, "under-voltage now"),
        (0x50000, "under-voltage since boot, throttled since boot"),
        (0x80008, "too hot now"),
        (0x20004, "throttled now, frequency capped since boot"),
    ],
)
def test_the_firmwares_flags_become_words(flags: int, words: str):
    assert decode_throttled(flags) == words


def test_a_pi_without_the_firmwares_file_tells_under_voltage_by_hwmon(tmp_path: Path):
    sensors = lay_out(tmp_path, {"sys/class/hwmon/hwmon1/name": "rpi_volt\n", "sys/class/hwmon/hwmon1/in0_lcrit_alarm": "0\n"})
    assert sensors.throttled() == "no"
    lay_out(tmp_path, {"sys/class/hwmon/hwmon1/in0_lcrit_alarm": "1\n"})
    assert sensors.throttled() == "under-voltage now"


def test_processor_load_is_counted_between_two_calls(pi: SystemSensors, tmp_path: Path):
    assert pi.cpu_percent() == 20.0
    (tmp_path / "proc/stat").write_text("cpu  150 0 125 725 100 0 0 0 0 0\n")
    assert pi.cpu_percent() == 75.0
    assert pi.cpu_percent() == 0.0


def test_guest_time_is_not_counted_twice():
    assert parse_cpu("cpu  100 0 0 100 0 0 0 0 100 0\n") == (100, 200)


def test_this_very_box_answers_every_reading():
    sensors = SystemSensors(())
    address = sensors.address()
    assert address is None or ipaddress.ip_address(address)
    total, used = sensors.memory_mb()
    assert 0 < used < total
    assert sensors.uptime_s() > 0
    assert 0 <= sensors.cpu_percent() <= 100
    assert sensors.network()
    assert sensors.model()
    assert sensors.os_version()
