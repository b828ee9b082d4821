"""The way out of a test: straight, as itself."""

from player.core.egress import straight

STRAIGHT = straight("signage-player/test")
