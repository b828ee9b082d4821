"""This device: what it can do, and the settings that it is told to be.

A page of the agent's composition root: here the parts of `device` are made, and handed to the registry of settings.
"""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from urllib.parse import urlsplit

from player.agent.settings.appliers import build_appliers
from player.agent.settings.brief_store import BriefStore
from player.agent.settings.dimming import DimmingPanel
from player.agent.settings.panel_reminder import PanelReminder
from player.agent.settings.registry import SettingsRegistry
from player.agent.stage_client import StageClient
from player.config import Config
from player.core.content import Orientation
from player.core.ports.box import Clock
from player.device.audio import LateAudio
from player.device.host import SystemHost
from player.device.network import Network
from player.device.packages import BoxPackages
from player.device.panel import find_panel
from player.device.root import RootSocket
from player.device.sensors import SystemSensors
from player.device.switches import BoxSwitches
from player.device.system_log import JournaledLog
from player.device.updates import BundledUpdates
from player.device.vpn import UnitVpn
from player.dirs import Dirs
from player.runtime.fault_page import FaultPage


@dataclass(frozen=True, slots=True)
class Box:
    """Its abilities, each there or absent with its reason, and `settings`, by which they are used."""

    host: SystemHost
    audio: LateAudio
    sensors: SystemSensors
    panel: DimmingPanel
    packages: BoxPackages
    updates: BundledUpdates
    log: JournaledLog
    vpn: UnitVpn
    settings: SettingsRegistry

    def loops(self) -> dict[str, Callable[[], Awaitable[None]]]:
        """What runs for it for ever, by name."""
        return {**self.settings.loops(), "reminder": PanelReminder(self.panel, self.settings).run}


async def open_box(
    stack: AsyncExitStack, config: Config, dirs: Dirs, brief: BriefStore, stage: StageClient, clock: Clock, faults: FaultPage, *,
    held_by: Callable[[str], str],
) -> Box:  # fmt: skip
    """With the settings as they were left; the configuration's values hold where nobody asked for others.

    `held_by` as of the registry.
    """
    root = RootSocket()
    host, audio, panel = SystemHost(clock, root=root), LateAudio(), DimmingPanel(find_panel(), brief)
    settings = SettingsRegistry(
        dirs.state / "settings", brief,
        build_appliers(stage=stage, audio=audio, panel=panel, host=host, switches=BoxSwitches(root, Network())),
        configured={
            "orientation": Orientation(config.stage.orientation), "time_zone": config.time.zone or None,
            "mode": config.stage.mode or None, "heartbeat_interval": config.cms.heartbeat_interval,
        },
        server=urlsplit(config.cms.url).netloc, held_by=held_by, clock=clock, faults=faults,
    )  # fmt: skip
    stack.enter_context(contextlib.closing(settings))
    await settings.open()
    packages, vpn = BoxPackages(config.devices.packages, root), UnitVpn(config.devices.vpn, root)
    sensors = SystemSensors((dirs.state, dirs.cache))
    return Box(host, audio, sensors, panel, packages, BundledUpdates(root), JournaledLog(root), vpn, settings)
