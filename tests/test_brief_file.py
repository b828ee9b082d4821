"""The stage's brief on disk: one flat object, so that a version that knows fewer fields, or parts, finds what it knows."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import pytest

from player.brief_file import BriefFile
from player.core.brief import Alert, CardFacts, DeviceSettings, Severity, StageBrief
from player.core.content import Orientation
from player.store import Snapshot

TOLD = StageBrief(
    DeviceSettings(locked=True, orientation=Orientation.PORTRAIT, volume=35),
    CardFacts(paired=False, pairing_code="4A7X2B"),
    (Alert("1", "Fire", "Leave the building", Severity.EXTREME),),
    dimmed=45,
)


@dataclass(frozen=True, slots=True)
class Known:
    """What an older version looks for."""

    paired: bool | None = None
    volume: int | None = None
    alerts: tuple[Alert, ...] = ()


def test_a_brief_comes_back_as_it_was_written_and_the_stages_user_may_read_it(tmp_path: Path):
    file = BriefFile(tmp_path / "orders.json")
    assert file.read() is None
    file.write(TOLD)
    assert file.read() == TOLD
    assert (tmp_path / "orders.json").stat().st_mode & 0o777 == 0o640


def test_an_older_version_finds_every_field_where_it_looks_for_it(tmp_path: Path):
    BriefFile(tmp_path / "orders.json").write(TOLD)
    assert Snapshot(tmp_path / "orders.json", Known).read() == Known(False, 35, TOLD.alerts)


def test_what_an_older_version_wrote_is_read(tmp_path: Path):
    Snapshot(tmp_path / "orders.json", Known).write(Known(True, 20))
    assert BriefFile(tmp_path / "orders.json").read() == StageBrief(DeviceSettings(volume=20), CardFacts(paired=True))


@pytest.mark.parametrize("body", [[], {"paired": "perhaps"}, {"volume": "loud"}, {"alerts": 3}])
def test_s9_a_brief_that_is_damaged_is_set_aside_and_counts_as_absent(tmp_path: Path, body: object):
    path = tmp_path / "orders.json"
    path.write_text(json.dumps({"format": 1, "body": body}))
    assert BriefFile(path).read() is None
    assert path.with_name("orders.json.corrupt").exists()
