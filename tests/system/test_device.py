"""A device from its installation to its uninstallation, on KMS under systemd, with the power cut in between: see `machine`.

One machine, in the order of this file; the pictures that were seen are kept (`$SIGNAGE_SHOTS`, else below /var/tmp). Seconds are
an emulated processor's: what is asserted is order, and that it happens at all.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import ssl
import time
from collections.abc import AsyncIterator, Iterator

import pytest

from player.demo.adcast.client import Operator
from player.demo.adcast.seed import EMAIL, PASSWORD
from player.demo.samples import Sample
from tests.fakes.certificate import self_signed
from tests.fakes.samples import make_picture
from tests.system.device import QUIET, SLOW, UNITS, Paired, installed
from tests.system.machine import HOST
from tests.system.panel import is_console

pytestmark = [pytest.mark.root, pytest.mark.nightly, pytest.mark.timeout(7200)]
BROWN = (0x99, 0x66, 0x33)  # of both pictures (`make_picture`)
CUTS = int(os.environ.get("SIGNAGE_CUTS", "10"))
CLOCK_KEPT = "/var/lib/systemd/timesync/clock"  # by which systemd lifts a clock that lost its battery


@pytest.fixture(scope="module")
def device(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Paired]:
    """A machine that is off, with the player installed."""
    with installed(tmp_path_factory.mktemp("vm")) as found:
        yield found


async def test_an_image_made_in_a_chroot_boots_to_the_players_picture_and_no_word_of_the_system_is_seen(device: Paired) -> None:
    machine = device.machine
    machine.boot(words=QUIET)
    seen = await asyncio.to_thread(machine.watch, "boot", device.active, 2 * SLOW)
    assert machine.sh("systemctl --failed --no-legend") == ""
    assert [one.path for one in seen if is_console(one.picture)] == []
    assert machine.try_sh("systemctl is-active getty@tty1.service")[1] == "inactive"


async def test_it_is_paired_and_plays(device: Paired) -> None:
    async with device.server() as server, Operator(server.url) as operator:
        pictures = [Sample(name, "image", make_picture(device.folder / f"{name}.png"), 10.0) for name in ("Bean", "Leaf")]
        await server.seed_samples(pictures)
        await device.pair(operator)
        await asyncio.to_thread(
            device.machine.wait, lambda: device.plays() and device.status()["paired"], "content on screen, and to be paired", SLOW
        )
    await asyncio.to_thread(device.machine.keep, "plays")


@pytest.mark.parametrize("victim", UNITS)
def test_a_daemon_that_hangs_comes_back(device: Paired, victim: str) -> None:
    before = device.pids()
    began = device.uptime()
    device.machine.sh(f"kill -STOP {before[victim]}")
    device.machine.wait(lambda: device.pids()[victim] not in (0, before[victim]), f"somebody to notice that {victim} hangs", SLOW)
    print(f"{victim}: another one was there within {device.uptime() - began:.0f} s of the emulated clock")
    device.machine.wait(device.plays, "content on screen again", SLOW)
    assert not is_console(device.machine.keep(f"after-a-hang-of-{victim}"))


@pytest.mark.parametrize("victim", UNITS)
def test_a_daemon_that_is_killed_comes_back_and_no_console_is_seen(device: Paired, victim: str) -> None:
    before = device.pids()
    device.machine.sh(f"kill -9 {before[victim]}")
    seen = device.machine.watch(
        f"killed-{victim}", lambda: device.pids()[victim] not in (0, before[victim]) and device.plays(), SLOW, 0.1
    )
    assert [one.path for one in seen if is_console(one.picture)] == []


async def test_a_reboot_by_command_happens_once_and_without_a_word_on_the_panel(device: Paired) -> None:
    before = await asyncio.to_thread(device.boot_id)
    async with device.server() as server, Operator(server.url) as operator:
        await operator.login(EMAIL, PASSWORD)
        (paired,) = await operator.devices()
        command = await operator.command(paired["id"], "reboot")
        seen = await asyncio.to_thread(
            device.machine.watch, "reboot", lambda: device.boot_id() != before and device.plays(), 2 * SLOW
        )
        after = await asyncio.to_thread(device.boot_id)
        assert (await operator.wait_result(command["id"], SLOW))["status"] == "succeeded"
        await asyncio.sleep(30)
        assert await asyncio.to_thread(device.boot_id) == after
    assert [one.path for one in seen if is_console(one.picture)] == []


def test_while_it_switches_itself_off_no_word_is_seen(device: Paired) -> None:
    device.machine.sh("systemctl --no-block poweroff")
    seen = device.machine.watch("shutdown", lambda: False, SLOW, 0.1)
    assert [one.path for one in seen if is_console(one.picture)] == []


def test_power_cuts_cost_neither_the_pairing_nor_the_content_nor_the_proof(device: Paired) -> None:
    """What was not flushed is lost, all of it, half or none; two of three come while something is written, every second one while
    the player starts. No server is there: what plays is on the disk."""
    machine = device.machine
    for cut in range(CUTS):
        machine.boot(words=QUIET)
        if cut % 2:
            machine.wait(machine.answers, f"a start to be cut off, after {cut} cuts", SLOW)
        else:
            plays_paired_with_proof(device, f"after {cut} cuts")
        time.sleep(cut % 4)
        machine.cut(while_writing=cut % 3 != 2)
    print(*machine.cuts, sep="\n")
    machine.boot(words=QUIET)
    plays_paired_with_proof(device, "after the last cut")


def plays_paired_with_proof(device: Paired, when: str) -> None:
    device.machine.wait(lambda: device.plays() and device.status()["paired"], f"content, and its server, {when}", 2 * SLOW)
    device.machine.sh("signage-player proof export > /run/plays && signage-player proof verify /run/plays", SLOW)


async def test_a_cut_in_the_middle_of_a_reboot_by_command_is_no_second_reboot(device: Paired) -> None:
    machine = device.machine
    async with device.server() as server, Operator(server.url) as operator:
        await operator.login(EMAIL, PASSWORD)
        (paired,) = await operator.devices()
        before = await asyncio.to_thread(device.boot_id)
        command = await operator.command(paired["id"], "reboot")
        await operator.wait_result(command["id"], SLOW, final=False)
        await asyncio.to_thread(machine.cut, while_writing=False)
        await asyncio.to_thread(machine.boot, words=QUIET)
        await asyncio.to_thread(machine.wait, device.plays, "content on screen after the cut", 2 * SLOW)
        after = await asyncio.to_thread(device.boot_id)
        assert (await operator.wait_result(command["id"], SLOW))["status"] == "succeeded"
        await asyncio.sleep(30)
        assert before != after == await asyncio.to_thread(device.boot_id)


def test_a_panel_that_comes_after_the_boot_shows_the_content(device: Paired) -> None:
    """The network stays away too: the next test's."""
    machine = device.machine
    device.switch_off()
    machine.boot(words=f"{QUIET} video=Virtual-1:d", network=False)
    machine.wait(lambda: device.active() and "no_display" in device.faults(), "a player without a panel", 2 * SLOW)
    machine.sh("echo on > /sys/class/drm/card0-Virtual-1/status")
    machine.announce_panel(1024, 768)
    machine.wait(lambda: "no_display" not in device.faults(), "the panel", SLOW)
    machine.wait(lambda: device.has_in_the_middle(BROWN, "panel-later"), "content on the panel", SLOW)


async def test_a_network_that_comes_after_the_boot_brings_the_plays_to_the_server(device: Paired) -> None:
    async with device.server() as server, Operator(server.url) as operator:
        await operator.login(EMAIL, PASSWORD)
        (paired,) = await operator.devices()
        before = len(await operator.plays(paired["id"]))
        device.machine.plug(True)
        async with asyncio.timeout(SLOW):
            while len(await operator.plays(paired["id"])) <= before:  # noqa: ASYNC110 - what is waited for is the server's
                await asyncio.sleep(2)


async def test_t1_n3_a_clock_that_is_wrong_at_boot_is_told_and_trusts_nobody_until_it_is_right(device: Paired) -> None:
    """Without NTP, and with a certificate of a day ago: the clock says 2000, which systemd lifts to its own release."""
    machine = device.machine
    machine.sh(f"systemctl -q mask --now systemd-timesyncd; rm -f {CLOCK_KEPT}")
    await asyncio.to_thread(device.switch_off)
    tls, authority = self_signed(device.folder, HOST)
    await asyncio.to_thread(machine.boot, words=QUIET, clock="2000-01-01")
    await asyncio.to_thread(machine.wait, device.plays, "content on screen with a wrong clock", 2 * SLOW)
    async with device.server(), secured(device.port, tls) as port:
        text = authority.read_text()
        script = f"""cd /etc/signage-player; echo '{text}' > ca.pem; chmod 644 ca.pem
            sed -i 's|^url = .*|url = "https://{HOST}:{port}"\\nca_file = "/etc/signage-player/ca.pem"|' config.toml
            systemctl restart --no-block signage-agent"""
        await asyncio.to_thread(machine.sh, script)
        await asyncio.to_thread(machine.wait, lambda: "clock_untrusted" in device.faults(), "the clock to be told", SLOW)
        assert not (await asyncio.to_thread(device.status))["server"]["online"]
        await asyncio.to_thread(machine.sh, f"date -s @{time.time():.0f}")
        await asyncio.to_thread(machine.wait, lambda: device.status()["server"]["online"], "the server to be trusted", SLOW)
        await asyncio.sleep(60)  # several items: a clock that is set by months costs none
        assert "timeout" not in await asyncio.to_thread(device.faults)


@contextlib.asynccontextmanager
async def secured(port: int, tls: ssl.SSLContext) -> AsyncIterator[int]:
    """TLS in front of what listens at `port`; gives its own."""

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while piece := await reader.read(65536):
                writer.write(piece)
                await writer.drain()
        writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        to_reader, to_writer = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(carry(reader, to_writer), carry(to_reader, writer))

    async with await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls) as front:
        yield front.sockets[0].getsockname()[1]


async def test_uninstalling_gives_the_panel_back_at_once(device: Paired) -> None:
    machine = device.machine
    said = machine.sh("/src/scripts/install --uninstall --purge", SLOW)
    assert "the player is off this machine" in said
    assert "kernel.sysrq, kernel.panic and kernel.printk are the system's again with the next boot" in said, "no chroot knows them"
    machine.wait(lambda: machine.try_sh("systemctl is-active getty@tty1.service")[1] == "active", "a login", SLOW)
    machine.wait(lambda: is_console(machine.keep("uninstalled")), "the login on the panel", SLOW)
