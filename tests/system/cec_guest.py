"""Runs in an emulated machine with `vivid`: its HDMI input is the panel, its output the player's. Prints what was heard and said.

The panel's side is written out here from linux/cec.h, so that the player's layouts are not checked against themselves.
"""

from __future__ import annotations

import fcntl
import json
import os
import struct
import sys
import threading
import time
from pathlib import Path

from player.core.ports.box import InputSource
from player.device.cec import CecAdapter
from player.errors import BoxError

S_LOG_ADDRS, TRANSMIT, RECEIVE, S_MODE = 0xC05C6104, 0xC0386105, 0xC0386106, 0x40046109
S_EDID = 0xC0285629  # of linux/v4l2-common.h
INITIATOR, FOLLOWER = 0x01, 0x10
TV, PLAYER = Path("/dev/cec0"), Path("/dev/cec1")


class Panel:
    """A television that takes address 0, keeps what it hears, and says how its power is."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self._power = 1  # in standby
        self._line = os.open(TV, os.O_RDWR)
        addresses = bytearray(0x5C)
        struct.pack_into("<4sHBBII15s", addresses, 0, b"", 0, 5, 1, 0xFFFFFFFF, 0, b"Panel")
        addresses[31], addresses[35], addresses[39] = 0, 0, 0x80  # a television, in all three tables
        fcntl.ioctl(self._line, S_LOG_ADDRS, addresses)
        fcntl.ioctl(self._line, S_MODE, struct.pack("<I", INITIATOR | FOLLOWER))
        threading.Thread(target=self._listen, daemon=True).start()

    def hear_out(self) -> None:
        """Waits until it has heard the last message, which is a broadcast or a question."""
        until = time.monotonic() + 20
        while not any(said.split()[1] in ("8f", "82") for said in self.heard[-1:]) and time.monotonic() < until:
            time.sleep(0.05)

    def _listen(self) -> None:
        while True:
            message = bytearray(0x38)
            fcntl.ioctl(self._line, RECEIVE, message)
            length = struct.unpack_from("<I", message, 16)[0]
            said = bytes(message[32 : 32 + length])
            self.heard.append(said.hex(" "))
            if said[1:] == b"\x04":
                self._power = 2
            elif said[1:] == b"\x36":
                self._power = 1
            elif said[1:] == b"\x8f":
                self._say(bytes((said[0] >> 4, 0x90, self._power)))

    def _say(self, answer: bytes) -> None:
        message = bytearray(0x38)
        struct.pack_into("<I", message, 16, len(answer))
        message[32 : 32 + len(answer)] = answer
        fcntl.ioctl(self._line, TRANSMIT, message)


def forget_edid() -> None:
    """The panel is in so deep a standby that it gives no EDID."""
    video = os.open("/dev/video0", os.O_RDWR)
    fcntl.ioctl(video, S_EDID, bytearray(struct.pack("<8IQ", int(sys.argv[1]), 0, 0, 0, 0, 0, 0, 0, 0)))
    os.close(video)


def main() -> None:
    """One JSON object on a line of its own."""
    panel, adapter = Panel(), CecAdapter(PLAYER)
    found: dict[str, object] = {}
    for name, ask in (
        ("on", lambda: adapter.set_power(True)), ("off", lambda: adapter.set_power(False)),
        ("hdmi 2", lambda: adapter.set_input(InputSource.HDMI_2)),
    ):  # fmt: skip
        panel.heard.clear()
        told = ask()
        panel.hear_out()
        found[name] = {"words": told.words, "confirmed": told.confirmed, "heard": [*panel.heard]}
    forget_edid()
    try:
        adapter.remind(on=True, shown=True)
    except BoxError as error:
        found["without EDID"] = error.reason
    print("\nfound:" + json.dumps(found), flush=True)


main()
