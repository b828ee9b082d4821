"""The real registry of settings, over fake devices."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Any

from player.agent.settings.appliers import build_appliers
from player.agent.settings.brief_store import BriefStore
from player.agent.settings.registry import SettingsRegistry
from player.core.faults import FaultBook
from player.runtime.fault_page import FaultPage
from tests.fakes.device import FakeAudio, FakeHost, FakePanel, FakeSwitches

SERVER = "cms.example.com"
CONFIGURED = {"orientation": "landscape", "time_zone": None, "mode": None, "heartbeat_interval": 30}


def registry(
    folder: Path, brief: BriefStore, stage: Any, clock: Any, *, book: FaultBook | None = None, configured: Any = None,
    again_s: float = 0.01, look_s: float = 60.0, within_s: float = 60.0, held_by: Callable[[str], str] = lambda _: "",
    **ports: Any,
) -> SettingsRegistry:  # fmt: skip
    """As the composition root makes it, but that it tries again at once."""
    devices = {"audio": FakeAudio(), "panel": FakePanel(), "host": FakeHost(), "switches": FakeSwitches(), **ports}
    return SettingsRegistry(
        folder / "settings", brief, build_appliers(stage=stage, **devices), configured=configured or CONFIGURED, server=SERVER,
        held_by=held_by, clock=clock,
        faults=FaultPage(book or FaultBook(), clock, "settings"), again_s=again_s, look_s=look_s, within_s=within_s,
    )  # fmt: skip


def telling(settings: SettingsRegistry) -> list[Coroutine[Any, Any, None]]:
    """The loops that tell devices, for `tests.fakes.running.running`."""
    return [_forever(work) for work in settings.loops().values()]


async def _forever(work: Callable[[], Awaitable[None]]) -> None:
    await work()
