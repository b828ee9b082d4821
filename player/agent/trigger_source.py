"""The source of triggers that is configured, and all that is made for it: a page of the agent's composition root."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass

import msgspec

from player import cms
from player.agent.fallback import FilesOfBoth
from player.agent.triggers.names import NameWatch
from player.agent.triggers.stand_by import LikelyRules, NamedFiles, WithStandBy
from player.agent.triggers.watch import TriggerWatch
from player.config import Config
from player.core.egress import WayOut
from player.core.ports.box import Absent, Clock
from player.core.ports.server import ContentSource, LocalFiles
from player.core.ports.stage import StagePort
from player.core.ports.triggers import HookAnswer, TriggerSource
from player.core.triggers import TriggerRule
from player.runtime.fault_page import FaultPage


@dataclass(frozen=True, slots=True)
class Triggers:
    """`files` are those of this machine that rules name."""

    source: TriggerSource
    watch: TriggerWatch
    likely: LikelyRules
    names: NameWatch
    files: NamedFiles
    clock: Clock

    def beside(self, content: ContentSource | Absent) -> ContentSource:
        """The content, with what stands by."""
        return WithStandBy(content, self.likely, self.files, self.clock)

    def files_beside(self, local: LocalFiles | None) -> LocalFiles:
        """The files of this machine of both."""
        return FilesOfBoth([*([] if local is None else [local]), self.files])

    @property
    def hooks(self) -> Mapping[str, Callable[[bytes], Awaitable[HookAnswer]]]:
        """Who answers calls from outside, by the path."""
        return {self.source.hook: self.source.called} if self.source.hook else {}

    def loops(self) -> dict[str, Callable[[], Awaitable[None]]]:
        """What runs for it for ever, by name."""
        listening = functools.partial(self.source.run, self.watch)
        return {
            "triggers": self.watch.run, "source of triggers": listening, "likely triggers": self.likely.run,
            "names of triggers": self.names.run,
        }  # fmt: skip


async def open_triggers(
    stack: AsyncExitStack,
    config: Config,
    stage: StagePort,
    clock: Clock,
    way_out: WayOut,
    page: Callable[[str], FaultPage],
) -> Triggers | None:
    """None where no source is configured. Raises ConfigError."""
    given = config.trigger_source
    if given is None:
        return None
    rules = [TriggerRule(**msgspec.structs.asdict(one)) for one in config.triggers]
    row = cms.TRIGGER_SOURCES[config.trigger_kind]
    source = await stack.enter_async_context(row.connect(given, config.control.public_url, clock, way_out))
    watch = TriggerWatch(source.place, rules, stage, clock, page("triggers"))
    names = NameWatch(rules, source.vocabulary, page("names of triggers"))
    return Triggers(source, watch, LikelyRules(rules, source.lately), names, cms.trigger_files(given.folder), clock)
