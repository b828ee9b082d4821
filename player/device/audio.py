"""`core.ports.box.Audio`: the box's master volume, by the sound server (PipeWire or PulseAudio) or by ALSA's mixer (house rule 5).

Both speak PulseAudio's protocol, so one driver serves both. A player that runs as a system service has no session bus: the
server's socket is looked for where it lies. Each call connects, acts and hangs up: a restarted server needs no reconnecting, and
a lost one costs a deadline and never a hung call.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

from player.core.ports.box import Absent, Audio
from player.device.alsa import find_mixer
from player.errors import BoxError

log = logging.getLogger(__name__)
DEADLINE_S = 3.0


async def find_audio(
    environment: Mapping[str, str] = os.environ,
    proc: Path = Path("/proc"),
    run: Path = Path("/run"),
    deadline_s: float = DEADLINE_S,
) -> Audio | Absent:
    """The first that answers: a sound server with a sink, a sound card's mixer. A card may come late: ask again when absent."""
    reasons = []
    for server in pulse_servers(environment, run):
        sink = PulseSink(server, deadline_s)
        try:
            await sink.volume()
        except BoxError as error:
            reasons.append(error.reason)
            continue
        log.info("sound: %s", sink)
        return sink
    mixer = await find_mixer(environment, proc, deadline_s)
    if not isinstance(mixer, Absent):
        log.info("sound: %s", mixer)
        return mixer
    return Absent("audio", "; ".join([*(reasons or ["no sound server's socket was found"]), mixer.reason]))


def pulse_servers(environment: Mapping[str, str], run: Path) -> list[str]:
    """Where a sound server may listen, best first: as told, in the session's folder, in the user's, the system-wide one."""
    told = environment.get("PULSE_SERVER")
    folders = [Path(environment[name]) for name in ("PULSE_RUNTIME_PATH",) if environment.get(name)]
    folders += [Path(environment[name]) / "pulse" for name in ("XDG_RUNTIME_DIR",) if environment.get(name)]
    folders += [run / f"user/{os.getuid()}/pulse", run / "pulse"]
    sockets = dict.fromkeys(folder / "native" for folder in folders)
    return ([told] if told else []) + [f"unix:{path}" for path in sockets if _is_socket(path)]


def _is_socket(path: Path) -> bool:
    """Whether it is one that we may see: a sandboxed service is refused the folders of users."""
    try:
        return path.is_socket()
    except PermissionError:
        return False


class PulseSink:
    """The default sink of a sound server. `server` is an address as in $PULSE_SERVER."""

    def __init__(self, server: str, deadline_s: float = DEADLINE_S) -> None:
        self._server, self._deadline_s = server, deadline_s

    def __repr__(self) -> str:
        return f"the default sink of the sound server at {self._server}"

    async def volume(self) -> int:
        """0 to 100, the mean of the channels; a sink turned up further counts as 100. Raises BoxError."""
        async with self._default_sink() as (_, sink):
            return min(100, round(float(sink.volume.value_flat) * 100))

    async def set_volume(self, volume: int) -> None:
        """Every channel to `volume`, 0 to 100. Raises BoxError."""
        async with self._default_sink() as (pulse, sink):
            sink.volume.value_flat = volume / 100
            await pulse.sink_volume_set(sink.index, sink.volume)

    async def muted(self) -> bool:
        """Whether the sink's switch is off. Raises BoxError."""
        async with self._default_sink() as (_, sink):
            return bool(sink.mute)

    async def set_muted(self, muted: bool) -> None:
        """Silence, or the volume as it was. Raises BoxError."""
        async with self._default_sink() as (pulse, sink):
            await pulse.sink_mute(sink.index, muted)

    @contextlib.asynccontextmanager
    async def _default_sink(self) -> AsyncIterator[tuple[Any, Any]]:
        try:
            from pulsectl import PulseError, PulseIndexError
        except OSError as error:  # the binding loads libpulse at import
            raise BoxError("audio", "libpulse is not installed; `apt install libpulse0` makes the sound server usable") from error
        try:
            async with asyncio.timeout(self._deadline_s), _connection(self._server) as pulse:
                yield pulse, await _default(pulse)
        except TimeoutError as error:
            raise self._failed(f"did not answer within {self._deadline_s:.0f} s") from error
        except PulseIndexError as error:
            raise self._failed("has no output; is a sound card there, or a panel with sound?") from error
        except PulseError as error:
            raise self._failed(f"cannot be used: {error or type(error).__name__}") from error

    def _failed(self, what: str) -> BoxError:
        return BoxError("audio", f"the sound server at {self._server} {what}")


async def _default(pulse: Any) -> Any:
    from pulsectl import PulseIndexError

    name = (await pulse.server_info()).default_sink_name
    if not name:
        raise PulseIndexError("no default sink")
    return await pulse.get_sink_by_name(name)


@contextlib.asynccontextmanager
async def _connection(server: str) -> AsyncIterator[Any]:
    from pulsectl_asyncio import PulseAsync

    pulse = PulseAsync("signage-player", server=server)
    try:
        await pulse.connect()
        yield pulse
    finally:
        pulse.close()


class LateAudio:
    """Implements `core.ports.box.Audio` where sound may come late: while there is none it is looked for again at each call."""

    def __init__(self) -> None:
        self._found: Audio | Absent | None = None

    def __repr__(self) -> str:
        return f"<LateAudio {self._found}>"

    async def _audio(self) -> Audio:
        if self._found is None or isinstance(self._found, Absent):
            self._found = await find_audio()
        if isinstance(self._found, Absent):
            raise BoxError(self._found.ability, self._found.reason)
        return self._found

    async def volume(self) -> int:
        return await (await self._audio()).volume()

    async def set_volume(self, volume: int) -> None:
        await (await self._audio()).set_volume(volume)

    async def muted(self) -> bool:
        return await (await self._audio()).muted()

    async def set_muted(self, muted: bool) -> None:
        await (await self._audio()).set_muted(muted)
