"""The table [adcast] of the configuration."""

from __future__ import annotations

from player.config import Section


class Keys(Section, frozen=True):
    """Nothing: what AdCast needs, all servers share."""
