"""A real sound server whose sinks lead nowhere, and what leaves them."""

from __future__ import annotations

import asyncio
import math
import os
from array import array
from pathlib import Path

from tests.fakes.running import ENDS_WITH_US

RATE = 16000
TONE = 0.125  # the amplitude of ffmpeg's sine


class SoundServer:
    """PulseAudio with two sinks that lead nowhere, `one` (the default) and `two`."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700)
        self.socket = folder / "pulse/native"
        self._environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "XDG_RUNTIME_DIR": str(folder)}
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        self._process = await asyncio.create_subprocess_exec(
            *ENDS_WITH_US, "pulseaudio", "--daemonize=no", "-n", "--exit-idle-time=-1", "--disable-shm",
            "-L", "module-null-sink sink_name=one", "-L", "module-null-sink sink_name=two", "-L", "module-native-protocol-unix",
            env=self._environment, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        async with asyncio.timeout(20):
            while await self._answers() != 0:  # noqa: ASYNC110 - a server has no event for it
                await asyncio.sleep(0.05)

    async def _answers(self) -> int:
        asking = await asyncio.create_subprocess_exec(
            "pactl", "info", env=self._environment, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL
        )
        return await asking.wait()

    async def end(self) -> None:
        if self._process is not None:
            self._process.kill()
            await self._process.wait()
            self._process = None

    async def record(self, seconds: float, sink: str = "one") -> list[float]:
        """What leaves there, -1 to 1."""
        options = f"-d {sink}.monitor --format=s16le --rate={RATE} --channels=1 --latency-msec=20"
        recording = await asyncio.create_subprocess_exec(
            "parec", *options.split(), env=self._environment, stdout=asyncio.subprocess.PIPE
        )
        assert recording.stdout
        try:
            async with asyncio.timeout(seconds + 20):
                heard = await recording.stdout.readexactly(int(seconds * RATE) * 2)
        finally:
            recording.terminate()
            await recording.communicate()
        return [sample / 32768 for sample in array("h", heard)]

    async def level(self, sink: str = "one") -> float:
        """The amplitude of a tone there."""
        heard = (await self.record(0.35, sink))[-RATE // 5 :]
        return math.sqrt(2 * sum(sample * sample for sample in heard) / len(heard))

    async def until_level(self, low: float, high: float, sink: str = "one") -> None:
        for _ in range(120):
            heard = await self.level(sink)
            if low <= heard <= high:
                return
        raise AssertionError(f"{heard:.4f} is not within {low} and {high}")


def amplitude(samples: list[float], hertz: int) -> float:
    """Of one frequency in there."""
    angle = 2 * math.pi * hertz / RATE
    real = sum(value * math.cos(angle * at) for at, value in enumerate(samples))
    imaginary = sum(value * math.sin(angle * at) for at, value in enumerate(samples))
    return 2 * math.hypot(real, imaginary) / len(samples)
