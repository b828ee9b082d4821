"""The table [screenzzie] of the configuration."""

from __future__ import annotations

from player.config import Section


class Keys(Section, frozen=True):
    """Nothing: what Screenzzie needs, all servers share."""
