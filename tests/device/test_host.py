"""The box under a real private dbus-daemon, with logind and timedated made up."""

from __future__ import annotations

import contextlib
import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from player.device.dbus import SystemBus
from player.device.host import STAMP_HOLDS_S, SystemHost, kernel_clock_synced
from player.device.root import RootSocket
from player.errors import BoxError
from player.runtime.clock import SystemClock
from tests.fakes.device import FakeLogind, FakeSystemd, FakeTimedate, FakeTimesync, private_bus, serving

LOGIN1, TIMEDATE1 = "/org/freedesktop/login1", "/org/freedesktop/timedate1"


def host_on(address: str, tmp_path: Path, deadline_s: float = 5.0) -> SystemHost:
    bus = SystemBus(address, deadline_s)
    root = RootSocket(tmp_path / "root.sock")
    return SystemHost(SystemClock(), bus=bus, root=root, proc=tmp_path / "proc", run=tmp_path / "run", kernel_synced=lambda: None)


@contextlib.asynccontextmanager
async def logind(tmp_path: Path, fake: FakeLogind) -> AsyncIterator[str]:
    async with private_bus(tmp_path) as address, serving(address, "org.freedesktop.login1", (LOGIN1, fake)):
        yield address


@contextlib.asynccontextmanager
async def timedated(tmp_path: Path, fake: FakeTimedate) -> AsyncIterator[str]:
    async with private_bus(tmp_path) as address, serving(address, "org.freedesktop.timedate1", (TIMEDATE1, fake)):
        yield address


async def test_reboot_and_power_off_reach_logind_exactly_once_each(tmp_path: Path):
    fake = FakeLogind()
    async with logind(tmp_path, fake) as address:
        host = host_on(address, tmp_path)
        await host.reboot()
        assert fake.calls == [("Reboot", False)]
        await host.shutdown()
    assert fake.calls == [("Reboot", False), ("PowerOff", False)]


async def test_systemd_is_asked_to_start_the_compositor_again_and_no_other_unit(tmp_path: Path):
    fake = FakeSystemd()
    async with private_bus(tmp_path) as address, serving(address, "org.freedesktop.systemd1", ("/org/freedesktop/systemd1", fake)):
        await host_on(address, tmp_path).restart_compositor()
        fake.refuse = "org.freedesktop.DBus.Error.AccessDenied"
        with pytest.raises(BoxError, match=r"compositor: not allowed by polkit .* scripts/install"):
            await host_on(address, tmp_path).restart_compositor()
    assert fake.calls == [("signage-compositor.service", "replace")] * 2


@pytest.mark.parametrize("name", ["AccessDenied", "InteractiveAuthorizationRequired"])
async def test_a_refusal_by_polkit_says_what_to_run_and_is_not_asked_again(tmp_path: Path, name: str):
    fake = FakeLogind(refuse=f"org.freedesktop.DBus.Error.{name}")
    async with logind(tmp_path, fake) as address:
        with pytest.raises(BoxError, match=r"reboot: not allowed by polkit .* scripts/install"):
            await host_on(address, tmp_path).reboot()
    assert fake.calls == [("Reboot", False)]


async def test_a_silent_logind_is_given_up_after_the_deadline_and_asked_once(tmp_path: Path):
    fake = FakeLogind(delay_s=0.5)
    async with logind(tmp_path, fake) as address:
        with pytest.raises(BoxError, match=r"org.freedesktop.login1 did not answer"):
            await host_on(address, tmp_path, deadline_s=0.2).reboot()
    assert fake.calls == [("Reboot", False)]


async def test_a_box_without_logind_says_so(tmp_path: Path):
    async with private_bus(tmp_path) as address:
        with pytest.raises(BoxError, match=r"org.freedesktop.login1 is not there"):
            await host_on(address, tmp_path).reboot()


async def test_a_box_without_a_bus_says_so(tmp_path: Path):
    with pytest.raises(BoxError, match=r"shutdown: the system bus .* cannot be reached"):
        await host_on(f"unix:path={tmp_path}/nothing", tmp_path).shutdown()


async def test_the_time_zone_is_set(tmp_path: Path):
    fake = FakeTimedate()
    async with timedated(tmp_path, fake) as address:
        await host_on(address, tmp_path).set_timezone("Europe/Berlin")
    assert fake.zone == "Europe/Berlin"


async def test_the_time_zone_and_the_time_servers_are_read_back(tmp_path: Path):
    async with timedated(tmp_path, FakeTimedate()) as address:
        assert await host_on(address, tmp_path).timezone() == "Etc/UTC"
        fake = FakeTimesync(["ntp.example.com", "b.example.com"], "found.example.com")
        async with serving(address, "org.freedesktop.timesync1", ("/org/freedesktop/timesync1", fake)):
            assert await host_on(address, tmp_path).ntp_server() == "ntp.example.com"
            fake.configured = []
            assert await host_on(address, tmp_path).ntp_server() == "found.example.com"


async def test_a_time_server_and_the_clock_are_set_by_root_and_refused_without_it(tmp_path: Path):
    host = host_on("unix:path=/nothing", tmp_path)
    with pytest.raises(BoxError, match=r"time server: this needs root's helper"):
        await host.set_ntp_server("ntp.example.com")
    with pytest.raises(BoxError, match=r"clock: this needs root's helper"):
        await host.set_clock(datetime(2026, 3, 25, tzinfo=UTC))


async def test_t4_a_bad_time_zone_is_refused_with_timedateds_reason(tmp_path: Path):
    fake = FakeTimedate()
    async with timedated(tmp_path, fake) as address:
        with pytest.raises(BoxError, match=r"time zone: org.freedesktop.timedate1 refused: Invalid or not installed"):
            await host_on(address, tmp_path).set_timezone("../../etc/shadow")
    assert fake.zone == "Etc/UTC"


@pytest.mark.parametrize("synced", [True, False])
async def test_t1_timedated_says_whether_the_clock_can_be_believed(tmp_path: Path, synced: bool):
    async with timedated(tmp_path, FakeTimedate(synced=synced)) as address:
        assert await host_on(address, tmp_path).clock_synced() is synced


def stamp(folder: Path, age_s: float) -> None:
    path = folder / "run/systemd/timesync/synchronized"
    path.parent.mkdir(parents=True)
    path.touch()
    when = SystemClock().now().timestamp() - age_s
    os.utime(path, (when, when))


async def test_t1_the_kernels_word_comes_first_and_needs_no_bus(tmp_path: Path):
    stamp(tmp_path, age_s=60)
    for word in (True, False):
        host = SystemHost(
            SystemClock(),
            root=RootSocket(tmp_path / "root.sock"),
            bus=SystemBus(f"unix:path={tmp_path}/bus"),
            run=tmp_path / "run",
            kernel_synced=lambda word=word: word,
        )
        assert await host.clock_synced() is word


@pytest.mark.parametrize(("age_s", "believed"), [(60, True), (STAMP_HOLDS_S + 60, False), (-3600, False)])
async def test_t1_a_fresh_stamp_of_timesyncd_is_believed_and_an_old_one_is_not(tmp_path: Path, age_s: float, believed: bool):
    stamp(tmp_path, age_s)
    assert await host_on(f"unix:path={tmp_path}/nothing", tmp_path).clock_synced() is believed


def test_the_kernel_answers_or_may_not_be_asked():
    assert kernel_clock_synced() in (True, False, None)


def test_k3_the_boot_id_is_the_kernels(tmp_path: Path):
    host = host_on("unix:path=/nothing", tmp_path)
    with pytest.raises(BoxError, match=r"boot id: .*boot_id cannot be read"):
        host.boot_id()
    path = tmp_path / "proc/sys/kernel/random/boot_id"
    path.parent.mkdir(parents=True)
    path.write_text("0b7a4c1e-6d1f-4f3a-9a51-3f6f1f3d5a10\n")
    assert host.boot_id() == "0b7a4c1e-6d1f-4f3a-9a51-3f6f1f3d5a10"
