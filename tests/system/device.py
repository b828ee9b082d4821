"""The player on an emulated machine, asked through the tests' root shell by its control socket and by systemd."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from player.demo.adcast.client import Operator
from player.demo.adcast.seed import EMAIL, PASSWORD
from player.demo.adcast.server import DemoServer
from scripts.quiet_boot import quieted
from tests.system.machine import HOST, SIZE, Machine, installed_image

CONFIG = '[stage]\nrenderer = "pixman"\n\n[cms]\nurl = "http://{host}:{port}"\npoll_interval = 5\nheartbeat_interval = 5\n'

UNITS = ("signage-compositor", "signage-stage", "signage-agent")
QUIET = quieted("", splash=False)
# Not by the command: an emulated processor needs half a minute of its own to start Python, and asks again and again. Whoever closes
# his half of the line, as socat would, is answered only where the answer is quicker.
ASK = r"printf 'GET /api/status HTTP/1.0\r\n\r\n' | socat -t 60 - UNIX-CONNECT:/run/signage-player/control.sock,shut-none"
_ALL = " ".join(UNITS)
_STAGES_CHILD = "first=$(systemctl show -P MainPID signage-stage); set -- $(cat /proc/$first/task/$first/children); echo ${1:-0}"
SLOW = 600.0  # seconds: what a booted player takes at the most for anything, emulated on a busy machine


class Device:
    """The player of `machine`."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine

    def status(self) -> dict[str, Any]:
        """What `signage-player status --json` prints. Raises ValueError where no player answers."""
        return _body(self.machine.try_sh(ASK)[1])

    def pids(self) -> dict[str, int]:
        """Of each unit the process that does its work: the stage's is a child of the one that systemd started. 0: none."""
        *waits, plays = self.machine.sh(f"systemctl show -P MainPID {_ALL}; {_STAGES_CHILD}").split()
        return dict(zip(UNITS, map(int, waits), strict=True)) | {"signage-stage": int(plays)}

    def active(self) -> bool:
        """Whether all units are up."""
        return self.machine.try_sh(f"systemctl is-active {_ALL}")[1].split() == ["active"] * 3

    def plays(self) -> bool:
        """Whether all units are up, and content is on the screen; in one question, since it is asked again and again."""
        code, said = self.machine.try_sh(f"! systemctl is-active {_ALL} | grep -qvx active && {ASK}")
        return code == 0 and _body(said)["state"] == "playing"

    def faults(self) -> set[str]:
        """The codes of the faults that the player tells of."""
        return {fault["code"] for fault in self.status()["faults"]}

    def boot_id(self) -> str:
        """Another one after each boot."""
        return self.machine.sh("cat /proc/sys/kernel/random/boot_id")

    def uptime(self) -> float:
        """Seconds of its own clock since it was switched on: they pass slowly while it is at work."""
        return float(self.machine.sh("cat /proc/uptime").split()[0])

    def has_in_the_middle(self, colour: tuple[int, int, int], name: str) -> bool:
        """Whether the middle of the panel has that colour; what was seen is kept as `name`."""
        seen = self.machine.keep(name).getpixel((SIZE[0] // 2, SIZE[1] // 2))
        assert isinstance(seen, tuple)
        return all(abs(a - b) < 24 for a, b in zip(seen, colour, strict=True))

    def switch_off(self) -> None:
        """As somebody at the box does it."""
        self.machine.sh("systemctl --no-block poweroff")
        self.machine.wait_off(SLOW)


class Paired(Device):
    """A device, and the server that it belongs to."""

    def __init__(self, machine: Machine, folder: Path, port: int) -> None:
        super().__init__(machine)
        self.folder, self.port = folder, port

    def server(self) -> DemoServer:
        """The one server of its life; entered again it goes on."""
        return DemoServer(self.folder / "server", "127.0.0.1", self.port, heartbeat_interval_s=5.0)

    async def pair(self, operator: Operator) -> None:
        """As an operator does it, by the code on the panel."""
        await operator.login(EMAIL, PASSWORD)
        await asyncio.to_thread(self.machine.wait, lambda: self.status()["pairing_code"], "a pairing code", SLOW)
        await operator.pair((await asyncio.to_thread(self.status))["pairing_code"])


@contextlib.contextmanager
def installed(folder: Path) -> Iterator[Paired]:
    """A machine that is off, with a disk that loses what was not flushed and the player installed in a chroot."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    image = installed_image("bookworm", folder, CONFIG.format(host=HOST, port=port))
    with Machine(folder, image, lossy=int(time.time())) as machine:
        yield Paired(machine, folder, port)


def _body(said: str) -> dict[str, Any]:
    """Of an HTTP answer. Raises ValueError where that is none."""
    answer: dict[str, Any] = json.loads(said.partition("\r\n\r\n")[2])
    return answer
