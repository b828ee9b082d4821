"""Every ability of the box's drivers with its state, as `device.abilities` finds them."""

from __future__ import annotations

from collections.abc import Iterator

from player.cli.checks.finding import Finding, absent, passed
from player.device.abilities import Folders, find_abilities


def abilities(folders: Folders | None = None) -> Iterator[Finding]:
    """One line each; what is not there is no failure."""
    for ability in find_abilities(folders or Folders()):
        yield passed(ability.name, ", ".join(ability.ways)) if ability.ways else absent(ability.name, ability.lacks)
