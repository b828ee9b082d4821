"""Where sound goes: looked for again before every item, so that a device that appears is taken up and one that goes is no stop.

Fault D2. libmpv tries the outputs in the order given here and ends with silence, in which playback keeps its time; the same happens
in the middle of an item whose device vanishes. What libmpv says it uses is what is reported, not what was asked for.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Protocol

from player.runtime.fault_page import FaultPage

SILENCE = "null"
# EBU R 128: -23 LUFS, peaks at most -1.5 dBTP, the loudness range kept; in the sound card's usual rate again.
R128 = "lavfi=[loudnorm=I=-23:TP=-1.5:LRA=11,aresample=48000]"


def always(device: str, levelling: str) -> dict[str, str]:
    """Options for the life of a handle: `device` is "auto" or one of libmpv's; `levelling` "off" or "r128"."""
    return ({} if device == "auto" else {"audio_device": device}) | ({"af": R128} if levelling == "r128" else {})


class Player(Protocol):
    """What plays sound: `sound_output` is libmpv's name of it, None while there is none to play."""

    @property
    def sound_output(self) -> str | None: ...


class Sound:
    """`device` is "auto" or one of libmpv's; `levelling` "off" or "r128". `cards` and `run` are the system's folders."""

    def __init__(
        self,
        device: str,
        levelling: str,
        *,
        faults: FaultPage,
        cards: Path = Path("/dev/snd"),
        run: Path = Path("/run"),
        environment: Mapping[str, str] = os.environ,
    ) -> None:
        self._device, self._levelling, self._cards, self._run = device, levelling, cards, run
        self._environment, self._faults = environment, faults

    def __repr__(self) -> str:
        return f"<sound to {self._device} by {self.options()['ao']}>"

    def always(self) -> dict[str, str]:
        """Options for the life of a handle."""
        return always(self._device, self._levelling)

    def options(self) -> dict[str, str]:
        """What to set before an item is loaded."""
        found = (["pulse"] if self._server() else []) + (["alsa"] if self._has_card() else [])
        return {"ao": ",".join([*found, SILENCE])}

    def _server(self) -> bool:
        """Whether a sound server is there. Asking for one that is not would have the library start its own."""
        if self._environment.get("PULSE_SERVER"):
            return True
        folders = (self._environment.get("PULSE_RUNTIME_PATH"), self._environment.get("XDG_RUNTIME_DIR", "") + "/pulse")
        return any(_is_there(Path(folder) / "native") for folder in (*folders, self._run / "pulse") if folder)

    def _has_card(self) -> bool:
        try:
            return any(self._cards.glob("pcm*p"))
        except OSError:
            return False

    def look(self, players: Iterable[Player]) -> None:
        """No device, or one that cannot be opened, is a fault: everything plays, in silence."""
        words = None
        if self.options()["ao"] == SILENCE:
            words = "there is no sound device; everything plays silently, and one that appears is used from the next item on"
        elif any(player.sound_output == SILENCE for player in players):
            name = "no sound device" if self._device == "auto" else f"the sound device {self._device} (stage.audio_device)"
            cannot = "can be opened" if self._device == "auto" else "cannot be opened"
            words = f"{name} {cannot}; items play silently, and it is tried again with each"
        if words is None:
            self._faults.clear()
        else:
            self._faults.report("", "no_audio", words, count=1)


def _is_there(path: Path) -> bool:
    try:
        return path.is_socket()
    except PermissionError:  # the folder of somebody else
        return False
