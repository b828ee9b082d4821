"""The mixer of a sound card without a sound server, by alsa-utils' `amixer -M` (volumes as an ear hears them).

The program and not a binding: it costs the agent no memory, and a hung sound driver hangs a child (house rule 13).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from player.core.ports.box import Absent
from player.errors import BoxError
from player.runtime.programs import run_program

# Names of a card's main output, best first; any other control with a playback volume comes after them.
_MAIN = ("Master", "PCM", "HDMI", "Digital", "Headphone", "Speaker", "Line Out")


@dataclass(frozen=True, slots=True)
class Control:
    """One playback control of a mixer: its name as `amixer` wants it, its volume (0 to 100), whether it has a mute switch."""

    name: str
    volume: int
    switch: bool


def parse_controls(text: str) -> list[Control]:
    """The playback controls in the output of `amixer scontents` or `sget`, best first."""
    controls = []
    for block in re.split(r"^(?=Simple mixer control )", text, flags=re.MULTILINE):
        name = re.match(r"Simple mixer control ('.*',\d+)", block)
        abilities = re.search(r"Capabilities: (.*)", block)
        volumes = [int(volume) for volume in re.findall(r": Playback -?\d+ \[(\d+)%\]", block)]
        if name and abilities and volumes and re.search(r"\bp?volume\b", abilities[1]):
            switch = re.search(r"\bp?switch\b", abilities[1]) is not None
            controls.append(Control(name[1], round(sum(volumes) / len(volumes)), switch))
    return sorted(controls, key=_rank)


def _rank(control: Control) -> int:
    plain = control.name.rpartition(",")[0].strip("'")
    return _MAIN.index(plain) if plain in _MAIN else len(_MAIN)


class AlsaMixer:
    """One control of one card. Where it has no mute switch, silence is volume 0, and the volume meant is kept here."""

    def __init__(self, card: str, control: Control, environment: Mapping[str, str], deadline_s: float) -> None:
        self._card, self._control, self._environment, self._deadline_s = card, control, environment, deadline_s
        self._kept: int | None = None

    def __repr__(self) -> str:
        return f"the ALSA control {self._control.name} of {self._card}"

    async def volume(self) -> int:
        """0 to 100. Raises BoxError."""
        if self._kept is not None:
            return self._kept
        controls = parse_controls(await self._said())
        if not controls:
            raise BoxError("audio", f"{self} no longer says its volume; was the sound card unplugged?")
        return controls[0].volume

    async def set_volume(self, volume: int) -> None:
        """0 to 100, every channel. Raises BoxError."""
        if self._kept is None:
            await self._amixer("sset", self._control.name, f"{volume}%")
        else:
            self._kept = volume

    async def muted(self) -> bool:
        """Where every channel's switch is off. Raises BoxError."""
        if not self._control.switch:
            return self._kept is not None
        switches = re.findall(r": Playback .*\[(on|off)\]", await self._said())
        return bool(switches) and set(switches) == {"off"}

    async def set_muted(self, muted: bool) -> None:
        """Silence, or the volume as it was. Raises BoxError."""
        if self._control.switch:
            await self._amixer("sset", self._control.name, "mute" if muted else "unmute")
        elif muted and self._kept is None:
            volume = await self.volume()
            await self.set_volume(0)
            self._kept = volume
        elif not muted and self._kept is not None:
            volume, self._kept = self._kept, None
            await self.set_volume(volume)

    async def _said(self) -> str:
        return await self._amixer("sget", self._control.name)

    async def _amixer(self, *arguments: str) -> str:
        return await run_amixer(self._card, arguments, self._environment, self._deadline_s)


async def find_mixer(environment: Mapping[str, str], proc: Path, deadline_s: float) -> AlsaMixer | Absent:
    """The best control of the first card that has one."""
    try:
        listing = (proc / "asound/cards").read_text(encoding="utf-8", errors="replace")
    except OSError:
        listing = ""
    cards = [f"hw:{number}" for number in re.findall(r"^\s*(\d+) \[", listing, flags=re.MULTILINE)]
    reasons = [] if cards else ["this box has no sound card that ALSA knows"]
    for card in cards:
        try:
            controls = parse_controls(await run_amixer(card, ["scontents"], environment, deadline_s))
        except BoxError as error:
            reasons.append(error.reason)
            continue
        if controls:
            return AlsaMixer(card, controls[0], environment, deadline_s)
        reasons.append(f"the sound card {card} has no volume control of its own")
    return Absent("audio", "; ".join(reasons))


async def run_amixer(card: str, arguments: Sequence[str], environment: Mapping[str, str], deadline_s: float) -> str:
    """What `amixer` prints. Raises BoxError."""
    command = ("amixer", "-M", "-D", card, *arguments)
    amixer = await run_program("audio", command, {**environment, "LC_ALL": "C"}, package="alsa-utils", within_s=deadline_s)
    if amixer.code:
        reason = amixer.complained.rpartition("\n")[2] or f"amixer ended with {amixer.code}"
        raise BoxError("audio", f"the mixer of the sound card {card} refused: {reason}")
    return amixer.said
