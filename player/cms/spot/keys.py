"""The table [spot] of the configuration."""

from __future__ import annotations

from player.config import Section


class Keys(Section, frozen=True):
    """Where commands are pushed from (a ws or wss address) and the key of its application; both empty: commands are fetched."""

    push_url: str = ""
    push_key: str = ""
