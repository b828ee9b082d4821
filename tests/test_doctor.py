"""What `doctor` says of the screen is what is so: who draws, who answers on the panel's wires, what the panel shows."""

from __future__ import annotations

import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from player.cli.checks import machine, panel, running
from player.cli.checks.abilities import abilities
from player.cli.checks.finding import Finding
from player.device.abilities import Folders, find_abilities
from player.device.ddc import DdcDisplay
from player.errors import BoxError, NotRunning
from tests.fakes.device import FakeDisplay, displays


def nobody(*_: object) -> Any:
    raise NotRunning("/run/none.sock")


def drawn_by(renderer: str, why: str) -> Callable[[], dict[str, Any]]:
    return lambda: {"stage": {"renderer": renderer, "renderer_why": why}}


def test_graphics_is_what_draws_and_not_what_lies_in_dev(tmp_path: Path) -> None:
    (tmp_path / "dri").mkdir()
    (tmp_path / "dri/renderD128").touch(0o600)

    def of_the_machine() -> Iterator[Finding]:
        return machine.graphics(tmp_path)

    (chip,) = running.graphics(drawn_by("gles2", "the graphics chip draws"), of_the_machine)
    assert (chip.result, chip.detail) == ("passed", "gles2 draws: the graphics chip draws")
    (processor,) = running.graphics(drawn_by("pixman", "gles2 died before its first frame (vc4, kernel 6.1)"), of_the_machine)
    assert (processor.ability, processor.result) == ("graphics", "not present")
    assert "gles2 died before its first frame (vc4, kernel 6.1)" in processor.detail
    assert processor.remedy


@pytest.mark.parametrize("status", [nobody, drawn_by("", "")])
def test_where_nobody_draws_nothing_is_claimed_of_the_chip(tmp_path: Path, status: Callable[[], dict[str, Any]]) -> None:
    (tmp_path / "dri").mkdir()
    (tmp_path / "dri/renderD128").touch(0o600)
    (found,) = running.graphics(status, lambda: machine.graphics(tmp_path))
    assert found.detail.endswith("whether it works is not known")


@pytest.fixture
def display() -> Iterator[Callable[..., FakeDisplay]]:
    with displays() as make:
        yield make


def asked_over_ddc(folder: Path, fake: FakeDisplay) -> list[Finding]:
    output = folder / "class/drm/card0-HDMI-A-1"
    (output / "i2c-3").mkdir(parents=True)
    (output / "status").write_text("connected\n")
    (folder / "i2c-3").symlink_to(fake.path)
    return list(panel.ddc(folder, folder, lambda bus: DdcDisplay(bus, fake.ioctl, lambda _: None)))


def test_a_panel_that_answers_is_told_with_what_it_says(tmp_path: Path, display: Callable[..., FakeDisplay]) -> None:
    fake = display(values={0x10: [40, 80]})
    (found,) = asked_over_ddc(tmp_path, fake)
    assert (found.result, found.detail) == ("passed", f"DDC/CI at {tmp_path}/i2c-3: it answers, and its brightness is 50 of 100")
    assert set(fake.slaves) == {(0x0703, 0x37)}


def test_a_panel_that_lacks_the_control_answers_all_the_same(tmp_path: Path, display: Callable[..., FakeDisplay]) -> None:
    (found,) = asked_over_ddc(tmp_path, display(values={}))
    assert (found.result, "no control 0x10" in found.detail) == ("passed", True)


def test_a_bus_on_which_nobody_answers_is_no_ddc(tmp_path: Path, display: Callable[..., FakeDisplay]) -> None:
    (found,) = asked_over_ddc(tmp_path, display(values={0x10: [40, 80]}, garbled=3))
    assert (found.result, found.needed, "menu" in found.remedy) == ("failed", False, True)


def brightness(**row: Any) -> list[Finding]:
    told = {"name": "brightness", "wanted": 60, "found": None, "outcome": "", "in_effect": True} | row
    return list(panel.brightness(lambda: [{"name": "volume", "wanted": 3}, told]))


def test_a_brightness_is_told_as_set_only_where_the_panel_says_so() -> None:
    assert brightness(wanted=None) == []
    assert list(panel.brightness(nobody)) == []
    (good,) = brightness(found=60, outcome="the brightness is 60; the picture is drawn so")
    assert (good.result, good.detail) == (
        "passed", "60 was ordered, 60 was found: the brightness is 60; the picture is drawn so",
    )  # fmt: skip
    (refused,) = brightness(in_effect=False, outcome="panel brightness: nobody listens")
    assert (refused.result, refused.detail) == ("failed", "60 was ordered, and did not work: panel brightness: nobody listens")
    (early,) = brightness()
    assert early.result == "failed"


def test_what_the_panel_gets_lies_beside_the_findings(tmp_path: Path) -> None:
    (given,) = panel.look(lambda kind: kind.encode(), tmp_path / "screen.png")
    assert given.detail == f"this is what the panel gets: {tmp_path}/screen.png"
    assert (tmp_path / "screen.png").read_bytes() == b"png"
    (own,) = panel.look(lambda kind: kind.encode(), None)
    path = Path(own.detail.rpartition(": ")[2])
    assert (path.read_bytes(), stat.S_IMODE(path.stat().st_mode)) == (b"png", 0o644)
    path.unlink()


def test_a_picture_that_cannot_be_had_or_kept_is_told_and_fails_nothing(tmp_path: Path) -> None:
    def dark(_: str) -> bytes:
        raise BoxError("screenshot", "the screen is off")

    assert list(panel.look(nobody, None)) == []
    (off,) = panel.look(dark, None)
    assert (off.result, off.needed, off.detail) == ("failed", False, "what the panel gets cannot be seen: the screen is off")
    (unkept,) = panel.look(lambda kind: kind.encode(), tmp_path / "no/folder.png")
    assert (unkept.result, unkept.needed, "--picture" in unkept.remedy) == ("failed", False, True)


def test_every_ability_of_the_box_is_a_line_with_its_state(tmp_path: Path) -> None:
    (tmp_path / "cec0").touch()
    folders = Folders(tmp_path, *(tmp_path / name for name in ("sys", "proc", "etc", "run")))
    found = {finding.ability: finding for finding in abilities(folders)}
    assert (found["panel power"].result, found["panel power"].detail) == ("passed", f"CEC at {tmp_path}/cec0")
    assert (found["time server"].result, found["time server"].needed) == ("not present", False)
    assert len(found) == len(find_abilities(folders))
