"""The facts about the card, and the verdict on disk: over boots, upgrades, and on disks that take or tell nothing sensible."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

import pytest

from player.compositor.graphics import settle
from player.core.renderer import Choice

UNTOUCHED = "/root"  # root's alone, as a node is before udev came


@dataclass
class Card:
    """A box with one card: its device nodes, its place in sysfs, the folder in memory and the one on disk."""

    folder: Path

    def __post_init__(self) -> None:
        for name in ("dri", "run", "state", "drm/renderD128/device", "drivers/virtio_gpu"):
            (self.folder / name).mkdir(parents=True)
        self.node.touch()
        (self.folder / "drm/renderD128/device/driver").symlink_to(self.folder / "drivers/virtio_gpu")
        self.name("pci:v1AF4")

    @property
    def node(self) -> Path:
        return self.folder / "dri" / "renderD128"

    @property
    def verdict(self) -> Path:
        return self.folder / "state" / "renderer.json"

    def name(self, chip: str) -> None:
        (self.folder / "drm/renderD128/device/modalias").write_text(f"{chip}\n")

    def start(self, wait=lambda _: None) -> Choice:
        run = self.folder / "run"
        choice = settle("auto", "drm", run, self.folder / "state", dri=self.folder / "dri", drm=self.folder / "drm", wait=wait)
        for name in ("sway.sock", "compositor.json", "first_frame"):
            (run / name).unlink(missing_ok=True)
        return choice

    def dies(self, *, drew: bool) -> None:
        for name in ("sway.sock", "compositor.json", *(["first_frame"] if drew else [])):
            (self.folder / "run" / name).touch()

    def boots(self) -> None:
        for path in (self.folder / "run").iterdir():
            path.unlink()


@pytest.fixture
def card(tmp_path: Path) -> Card:
    return Card(tmp_path)


def test_d3_one_death_before_the_first_frame_brings_pixman_and_it_stays_over_boots(card: Card):
    assert card.start().renderer == "gles2"
    card.dies(drew=False)
    choice = card.start()
    assert choice.renderer == "pixman"
    assert choice.why == f"gles2 died before its first frame (virtio_gpu, kernel {os.uname().release})"
    card.boots()
    assert card.start() == choice


def test_a_boot_or_a_power_cut_is_no_death_and_neither_is_one_after_a_frame(card: Card):
    assert card.start().renderer == "gles2"
    card.boots()
    assert card.start().renderer == "gles2"
    card.dies(drew=True)
    assert card.start().renderer == "gles2"
    assert not card.verdict.exists()


def test_with_another_card_gles2_is_tried_anew(card: Card):
    card.start()
    card.dies(drew=False)
    assert card.start().renderer == "pixman"
    card.name("pci:v8086")
    assert card.start().renderer == "gles2"


def test_a_node_that_udev_has_not_handed_over_is_waited_for_and_counts_for_nothing(card: Card):
    card.node.unlink()
    card.node.symlink_to(UNTOUCHED)
    waited = []

    def wait(seconds: float) -> None:
        waited.append(seconds)
        if len(waited) == 3:
            card.node.unlink()
            card.node.touch()

    assert card.start(wait).renderer == "gles2"
    assert len(waited) == 3
    assert not card.verdict.exists()


def test_a_node_that_never_opens_is_not_waited_for_without_end_and_no_verdict(card: Card):
    card.node.unlink()
    card.node.symlink_to(UNTOUCHED)
    waited: list[float] = []
    assert "may not be opened" in card.start(waited.append).why
    assert sum(waited) == pytest.approx(30)
    card.dies(drew=False)
    card.node.unlink()
    card.node.touch()
    assert card.start().renderer == "gles2"


def test_s9_a_damaged_verdict_costs_itself(card: Card):
    for content in (b"", b"{half", b'{"format": 1, "body": {"against": 7}}', b"\xff"):
        card.verdict.write_bytes(content)
        card.boots()
        assert card.start().renderer == "gles2"
    (card.folder / "run" / "starts.json").write_text('{"renderer": []}')
    assert card.start().renderer == "gles2"


def test_s9_a_verdict_of_a_newer_player_is_left_alone_and_this_boot_knows_its_own(card: Card, capsys):
    content = json.dumps({"format": 99, "body": {}})
    card.verdict.write_text(content)
    card.start()
    card.dies(drew=False)
    assert [card.start().renderer for _ in range(2)] == ["pixman"] * 2
    assert card.verdict.read_text() == content
    assert "written by a newer player" in capsys.readouterr().err


def test_s1_a_disk_that_takes_nothing_costs_the_memory_over_boots_alone(card: Card, capsys):
    card.start()
    card.dies(drew=False)
    (card.folder / "state").rmdir()
    (card.folder / "state").touch()
    assert [card.start().renderer for _ in range(2)] == ["pixman"] * 2
    assert "forgotten at the next boot" in capsys.readouterr().err
    card.boots()
    assert card.start().renderer == "gles2"
