"""What kinds of servers and of sources of triggers there are: told to whoever reads the configuration, which knows none itself."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Protocol

from player.config import Section, TriggerSourceConfig


class ServerKind(Protocol):
    """What is asked of a kind of server: which keys of [cms] it cannot be without, and those of its own table."""

    @property
    def needs(self) -> Collection[str]: ...
    def keys(self) -> type[Section]: ...


class TriggerKind(Protocol):
    """What is asked of a kind of source of triggers: the keys of its own table."""

    def keys(self) -> type[TriggerSourceConfig]: ...


@dataclass(frozen=True, slots=True)
class Kinds:
    """What a player can listen to, by names that are also those of their own tables: servers by that which `cms.kind` gives."""

    servers: Mapping[str, ServerKind]
    trigger_sources: Mapping[str, TriggerKind]

    def has(self, name: str) -> bool:
        """Whether a kind has the table of that name."""
        return name in self.trigger_sources or name in self.servers

    def keys_of(self, name: str) -> type[Section] | None:
        """Those of the table of that name; None where no kind has it."""
        if name in self.trigger_sources:
            return self.trigger_sources[name].keys()
        return self.servers[name].keys() if name in self.servers else None

    def tables(self) -> dict[str, type[Section]]:
        """The keys of every kind's own table."""
        return {name: kind.keys() for of in (self.servers, self.trigger_sources) for name, kind in of.items()}
