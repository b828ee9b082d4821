"""The manifest on disk: written beside the file of the player before this one, which stays as it was."""

from __future__ import annotations

import json
import os
from datetime import date, time
from pathlib import Path

from player.core.content import Manifest, Playlist, Region, StandBy, full_screen
from player.core.schedule import Condition, Rule
from player.programme_file import ProgrammeFile
from tests.fakes.programmes import manifest_of

EARLIER = {
    "format": 1,
    "body": {
        "version": "5f2c",
        "layout": {
            "id": "full",
            "width": 1920,
            "height": 1080,
            "regions": [
                {
                    "id": "main",
                    "rect": {"x": 0, "y": 0, "width": 1920, "height": 1080},
                    "playlist": {
                        "id": "1",
                        "name": "Lobby",
                        "items": [
                            {
                                "id": "1",
                                "content_id": "7",
                                "name": "Film",
                                "kind": "video",
                                "duration_s": 0.0,
                                "file": "media/ab/ab.mp4",
                                "url": None,
                                "asset": "ab",
                                "file_hash": "h",
                            }
                        ],
                        "transition": {"kind": "crossfade", "duration_s": 0.6},
                        "shuffle": False,
                    },
                    "z": 0,
                    "fit": "contain",
                    "background": "#000000",
                    "audible": True,
                    "volume": 100,
                    "output": 0,
                }
            ],
            "background": "#000000",
        },
        "watermark": True,
        "assets": 1,
    },
}


def test_a_manifest_comes_back_as_it_was(tmp_path: Path):
    rule = Rule(
        "1", frozenset({1, 7}), time(9), time(0), date(2026, 4, 1), None, 3,
        conditions=(Condition("weather", "in", [30, 31]),), layout="full", name="Summer", zone="Asia/Tokyo", updated_at=5.0,
    )  # fmt: skip
    layout = full_screen(Playlist("p", "P"))
    manifest = Manifest("v", (layout,), (rule,), "full", (StandBy("goal", ()),), watermark=True, assets=2)
    ProgrammeFile(tmp_path).write(manifest)
    assert ProgrammeFile(tmp_path).read() == manifest


def test_nothing_there_is_nothing(tmp_path: Path):
    assert ProgrammeFile(tmp_path).read() is None
    assert ProgrammeFile(tmp_path).earlier() is None


def test_the_file_of_the_player_before_is_read_as_always_on_air_and_left_alone(tmp_path: Path):
    earlier = tmp_path / "manifest.json"
    earlier.write_text(json.dumps(EARLIER))
    file = ProgrammeFile(tmp_path)
    found = file.read()
    assert found is not None
    assert (found.version, found.watermark, found.assets) == ("5f2c", True, 1)
    assert [(rule.id, rule.layout) for rule in found.rules] == [("always", "full")]
    assert isinstance(found.layouts[0].regions[0], Region)
    assert [(item.name, item.file, item.asset) for item in found.items] == [("Film", "media/ab/ab.mp4", "ab")]
    file.write(manifest_of(full_screen(Playlist("p", "P")), "later"))
    assert json.loads(earlier.read_text()) == EARLIER
    again = file.earlier()
    assert again == found


def test_the_newer_of_the_two_counts(tmp_path: Path):
    file = ProgrammeFile(tmp_path)
    file.write(manifest_of(full_screen(Playlist("p", "P")), "ours"))
    earlier = tmp_path / "manifest.json"
    earlier.write_text(json.dumps(EARLIER))
    os.utime(earlier, (1, 1))
    assert file.read() == manifest_of(full_screen(Playlist("p", "P")), "ours")
    os.utime(file.path, (0.5, 0.5))
    found = file.read()
    assert found is not None
    assert found.version == "5f2c", "written by a player that was taken back"


def test_one_of_a_newer_format_costs_nothing_but_itself(tmp_path: Path):
    (tmp_path / "manifest.json").write_text('{"format": 99, "body": {}}')
    assert ProgrammeFile(tmp_path).read() is None
