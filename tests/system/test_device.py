"""A device from its installation to its uninstallation, on KMS under systemd, with the power cut in between: see `machine`.

One machine, in the order of this file; the pictures that were seen are kept (`$SIGNAGE_SHOTS`, else below /var/tmp). Seconds are
an emulated processor's: what is asserted is order, and that it happens at all.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import ssl
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from player.demo.adcast.client import Operator
from player.demo.adcast.seed import EMAIL, PASSWORD
from player.demo.adcast.server import DemoServer
from player.demo.samples import Sample
from scripts.quiet_boot import quieted
from tests.fakes.certificate import self_signed
from tests.fakes.samples import make_picture
from tests.system.machine import HOST, Machine, installed_image, is_console, is_dark

pytestmark = [pytest.mark.root, pytest.mark.nightly, pytest.mark.timeout(3600)]
UNITS = ("signage-compositor", "signage-stage", "signage-agent")
QUIET = quieted("", splash=False)
CONFIG = '[stage]\nrenderer = "pixman"\n\n[cms]\nurl = "http://{host}:{port}"\npoll_interval = 5\nheartbeat_interval = 5\n'
SLOW = 300.0  # seconds: what a booted player takes for anything, emulated
CUTS = int(os.environ.get("SIGNAGE_CUTS", "10"))


class Device:
    """The machine, and the server that it belongs to."""

    def __init__(self, machine: Machine, folder: Path, port: int) -> None:
        self.machine, self.folder, self.port = machine, folder, port

    def server(self) -> DemoServer:
        """The one server of its life; entered again it goes on."""
        return DemoServer(self.folder / "server", "127.0.0.1", self.port, heartbeat_interval_s=5.0)

    def status(self) -> dict[str, Any]:
        """Raises ValueError where no player answers."""
        code, said = self.machine.try_sh("signage-player status --json")
        if code != 0:
            raise ValueError(said)
        return json.loads(said)

    def pids(self) -> dict[str, int]:
        """Of each unit the process that does its work: the stage's is a child of the one that systemd started. 0: none."""
        found = {unit: int(self.machine.sh(f"systemctl show -P MainPID {unit}")) for unit in UNITS}
        waits = found["signage-stage"]
        code, plays = self.machine.try_sh(f"cat /proc/{waits}/task/{waits}/children")
        return found | {"signage-stage": int(plays.split()[0]) if code == 0 and plays.strip() else 0}

    def active(self) -> bool:
        return self.machine.try_sh("systemctl is-active " + " ".join(UNITS))[1].split() == ["active"] * 3

    def plays(self) -> bool:
        return self.active() and self.status()["state"] == "playing"

    def faults(self) -> set[str]:
        return {fault["code"] for fault in self.status()["faults"]}

    def boot_id(self) -> str:
        return self.machine.sh("cat /proc/sys/kernel/random/boot_id")


@pytest.fixture(scope="module")
def device(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Device]:
    """A machine that is off, with the player installed in a chroot."""
    folder = tmp_path_factory.mktemp("vm")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    image = installed_image("bookworm", folder, CONFIG.format(host=HOST, port=port))
    shots = Path(os.environ.get("SIGNAGE_SHOTS", "/var/tmp/signage-player-shots"))
    with Machine(folder, image, shots, lossy=int(time.time())) as machine:
        yield Device(machine, folder, port)


async def test_an_image_made_in_a_chroot_boots_to_the_players_picture_and_no_word_of_the_system_is_seen(device: Device) -> None:
    machine = device.machine
    machine.boot(words=QUIET)
    seen = await asyncio.to_thread(machine.watch, "boot", device.active, 600)
    assert machine.sh("systemctl --failed --no-legend") == ""
    assert [one.path for one in seen if is_console(one.picture)] == []
    assert machine.try_sh("systemctl is-active getty@tty1.service")[1] == "inactive"


async def test_it_is_paired_and_plays(device: Device) -> None:
    async with device.server() as server, Operator(server.url) as operator:
        pictures = [Sample(name, "image", make_picture(device.folder / f"{name}.png"), 4.0) for name in ("Bean", "Leaf")]
        await server.seed_samples(pictures)
        await operator.login(EMAIL, PASSWORD)
        await asyncio.to_thread(device.machine.wait, lambda: device.status()["pairing_code"], "a pairing code", SLOW)
        await operator.pair((await asyncio.to_thread(device.status))["pairing_code"])
        await asyncio.to_thread(device.machine.wait, device.plays, "content on screen", SLOW)
    await asyncio.to_thread(device.machine.keep, "plays")


@pytest.mark.parametrize("victim", UNITS)
def test_a_daemon_that_hangs_comes_back(device: Device, victim: str) -> None:
    before = device.pids()
    device.machine.sh(f"kill -STOP {before[victim]}")
    device.machine.wait(lambda: device.pids()[victim] not in (0, before[victim]), f"somebody to notice that {victim} hangs", SLOW)
    device.machine.wait(device.plays, "content on screen again", SLOW)
    assert not is_console(device.machine.keep(f"after-a-hang-of-{victim}"))


@pytest.mark.parametrize("victim", UNITS)
def test_a_daemon_that_is_killed_comes_back_and_no_console_is_seen(device: Device, victim: str) -> None:
    before = device.pids()
    device.machine.sh(f"kill -9 {before[victim]}")
    seen = device.machine.watch(
        f"killed-{victim}", lambda: device.pids()[victim] not in (0, before[victim]) and device.plays(), SLOW, 0.1
    )
    assert [one.path for one in seen if is_console(one.picture)] == []


async def test_a_reboot_by_command_happens_once_and_without_a_word_on_the_panel(device: Device) -> None:
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


def test_while_it_switches_itself_off_no_word_is_seen(device: Device) -> None:
    device.machine.sh("systemctl --no-block poweroff")
    seen = device.machine.watch("shutdown", lambda: False, SLOW, 0.1)
    assert [one.path for one in seen if is_console(one.picture)] == []


def test_power_cuts_cost_neither_the_pairing_nor_the_content_nor_the_proof(device: Device) -> None:
    """What was not flushed is lost, all of it, half or none. No server is there: what plays is on the disk."""
    machine = device.machine
    for cut in range(CUTS):
        machine.boot(words=QUIET)
        machine.wait(device.plays, f"content on screen after {cut} cuts", 2 * SLOW)
        assert device.status()["paired"]
        machine.sh("signage-player proof export > /run/plays && signage-player proof verify /run/plays")
        time.sleep(cut % 4)
        machine.cut()
    print(*machine.cuts, sep="\n")
    machine.boot(words=QUIET)
    machine.wait(device.plays, "content on screen after the last cut", 2 * SLOW)
    machine.sh("systemctl --no-block poweroff")
    machine.wait_off()


def test_a_panel_that_comes_after_the_boot_shows_the_content(device: Device) -> None:
    machine = device.machine
    machine.boot(words=f"{QUIET} video=Virtual-1:d")
    machine.wait(lambda: device.active() and "no_display" in device.faults(), "a player without a panel", 2 * SLOW)
    machine.sh("echo on > /sys/class/drm/card0-Virtual-1/status")
    machine.announce_panel(1024, 768)
    machine.wait(lambda: "no_display" not in device.faults(), "the panel", SLOW)
    machine.wait(lambda: not is_dark(machine.keep("panel-later")), "content on the panel", SLOW)
    machine.sh("systemctl --no-block poweroff")
    machine.wait_off()


async def test_a_network_that_comes_after_the_boot_brings_the_plays_to_the_server(device: Device) -> None:
    machine = device.machine
    await asyncio.to_thread(machine.boot, words=QUIET, network=False)
    await asyncio.to_thread(machine.wait, device.plays, "content on screen without a network", 2 * SLOW)
    async with device.server() as server, Operator(server.url) as operator:
        await operator.login(EMAIL, PASSWORD)
        (paired,) = await operator.devices()
        before = len(await operator.plays(paired["id"]))
        machine.plug(True)
        async with asyncio.timeout(SLOW):
            while len(await operator.plays(paired["id"])) <= before:  # noqa: ASYNC110 - what is waited for is the server's
                await asyncio.sleep(2)


async def test_a_cut_in_the_middle_of_a_reboot_by_command_is_no_second_reboot(device: Device) -> None:
    machine = device.machine
    async with device.server() as server, Operator(server.url) as operator:
        await operator.login(EMAIL, PASSWORD)
        (paired,) = await operator.devices()
        before = await asyncio.to_thread(device.boot_id)
        command = await operator.command(paired["id"], "reboot")
        await operator.wait_result(command["id"], SLOW, final=False)
        await asyncio.to_thread(machine.cut)
        await asyncio.to_thread(machine.boot, words=QUIET)
        await asyncio.to_thread(machine.wait, device.plays, "content on screen after the cut", 2 * SLOW)
        after = await asyncio.to_thread(device.boot_id)
        assert (await operator.wait_result(command["id"], SLOW))["status"] == "succeeded"
        await asyncio.sleep(30)
        assert before != after == await asyncio.to_thread(device.boot_id)


async def test_t1_n3_a_clock_that_is_wrong_at_boot_is_told_and_trusts_nobody_until_it_is_right(device: Device) -> None:
    """Without NTP, and with a certificate of a day ago: the clock says 2000, which systemd lifts to its own release."""
    machine = device.machine
    machine.sh("systemctl --no-block poweroff")
    await asyncio.to_thread(machine.wait_off)
    tls, authority = self_signed(device.folder, HOST)
    await asyncio.to_thread(machine.boot, words=QUIET, clock="2000-01-01")
    await asyncio.to_thread(machine.wait, device.plays, "content on screen with a wrong clock", 2 * SLOW)
    async with device.server(), secured(device.port, tls) as port:
        config = "/etc/signage-player/config.toml"
        text = authority.read_text()
        machine.sh(
            f"""echo '{text}' > /etc/signage-player/ca.pem; chmod 644 /etc/signage-player/ca.pem
            sed -i 's|^url = .*|url = "https://{HOST}:{port}"\\nca_file = "/etc/signage-player/ca.pem"|' {config}
            systemctl restart signage-agent"""
        )
        await asyncio.to_thread(machine.wait, lambda: "clock_untrusted" in device.faults(), "the clock to be told", SLOW)
        assert not device.status()["pairing_code"]
        machine.sh(f"date -s @{time.time():.0f}")
        await asyncio.to_thread(machine.wait, lambda: device.status()["pairing_code"], "the server to be trusted", SLOW)


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


async def test_uninstalling_gives_the_panel_back_at_once(device: Device) -> None:
    machine = device.machine
    machine.sh("/src/scripts/install --uninstall --purge", SLOW)
    machine.wait(lambda: machine.sh("systemctl is-active getty@tty1.service") == "active", "a login", SLOW)
    machine.wait(lambda: is_console(machine.keep("uninstalled")), "the login on the panel", SLOW)
    assert machine.sh("sysctl -n kernel.sysrq") != "0"
