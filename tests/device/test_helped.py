"""What root's helper begins for the management: bundles that lie ready, judged by a command of ours; a VPN."""

from __future__ import annotations

from pathlib import Path

import pytest

from player.device.root import RootSocket
from player.device.updates import BundledUpdates
from player.device.vpn import UnitVpn
from player.errors import BoxError


def judging(verdict: str, code: int) -> tuple[str, ...]:
    """A command that says that, and ends so."""
    return ("sh", "-c", f"echo 'signage-player: {verdict}' >&2; exit {code}")


async def test_what_the_command_refuses_is_not_begun_and_says_why(tmp_path: Path):
    updates = BundledUpdates(RootSocket(tmp_path / "root.sock"), judging("version 9 is in no bundle in /srv", 1))
    for asked in (updates.check, updates.install):
        with pytest.raises(BoxError, match=r"^update: version 9 is in no bundle in /srv$"):
            await asked("9")


async def test_what_it_takes_is_begun_by_roots_helper(tmp_path: Path):
    updates = BundledUpdates(RootSocket(tmp_path / "root.sock"), judging("", 0))
    await updates.check("9")
    with pytest.raises(BoxError, match="update: this needs root's helper"):
        await updates.install("9")


async def test_the_command_gets_the_version_and_is_only_to_look(tmp_path: Path):
    updates = BundledUpdates(RootSocket(tmp_path), ("sh", "-c", 'echo "$*" >&2; exit 1', "update"))
    with pytest.raises(BoxError, match=r"^update: --check --to 1\.2$"):
        await updates.check("1.2")


async def test_a_vpn_that_is_not_configured_is_down_and_cannot_be_brought_up(tmp_path: Path):
    vpn = UnitVpn("", RootSocket(tmp_path / "root.sock"))
    assert not await vpn.is_on()
    with pytest.raises(BoxError, match=r"^VPN: this box's configuration names no unit .*devices\.vpn"):
        await vpn.set(True)
