"""A panel that cannot be set is dimmed by what is drawn, one that obeys never besides; and panels on CEC are reminded."""

from __future__ import annotations

from pathlib import Path

import pytest

from player.agent.settings.brief_store import BriefStore
from player.agent.settings.dimming import DARKEST, DimmingPanel
from player.agent.settings.panel_reminder import PanelReminder
from player.brief_file import BriefFile
from player.core.ports.box import Absent, InputSource
from player.core.settings import Asker
from player.errors import BoxError
from tests.fakes.clock import FakeClock
from tests.fakes.device import FakePanel
from tests.fakes.running import eventually, running
from tests.fakes.settings import registry
from tests.fakes.stage import FakeStage


@pytest.fixture
def brief(tmp_path: Path) -> BriefStore:
    return BriefStore(tmp_path / "orders.json", FakeStage())


@pytest.mark.parametrize(("brightness", "dimmed"), [(100, 0), (99, 1), (50, 45), (1, 89), (0, DARKEST)])
async def test_a_panel_that_cannot_be_set_is_drawn_darker_and_never_black(
    brief: BriefStore, tmp_path: Path, brightness: int, dimmed: int
):
    panel = DimmingPanel(Absent("panel", "this box has no CEC"), brief)
    told = await panel.set_brightness(brightness)
    assert told.words == "the picture is drawn so, since the panel cannot be set: this box has no CEC"
    assert (told.confirmed, brief.current.dimmed) == (True, dimmed)
    assert BriefFile(tmp_path / "orders.json").kept().dimmed == dimmed


async def test_the_brightness_is_told_as_it_was_asked_for(brief: BriefStore):
    panel = DimmingPanel(FakePanel(broken=True), brief)
    for asked in range(0, 101, 5):
        await panel.set_brightness(asked)
        assert abs(await panel.brightness() - asked) <= 1
        assert abs(await DimmingPanel(FakePanel(), brief).brightness() - asked) <= 1, "after a start too"


async def test_a_panel_that_obeys_is_not_dimmed_besides(brief: BriefStore):
    fake = FakePanel(broken=True)
    panel = DimmingPanel(fake, brief)
    await panel.set_brightness(40)
    fake.broken = False
    assert (await panel.set_brightness(60)).words == "brightness 60"
    assert (brief.current.dimmed, fake.level, await panel.brightness()) == (0, 60, 60)


async def test_power_and_input_are_the_panels_own(brief: BriefStore):
    fake = FakePanel()
    panel = DimmingPanel(fake, brief)
    await panel.set_power(False)
    await panel.set_input(InputSource.HDMI_2)
    assert (fake.power, await panel.input_source()) == (False, InputSource.HDMI_2)
    absent = DimmingPanel(Absent("panel", "this box has no CEC"), brief)
    await absent.remind(on=True, shown=True)
    with pytest.raises(BoxError, match="panel: this box has no CEC"):
        await absent.set_power(True)


async def test_panels_are_reminded_of_what_is_wanted_at_the_start_and_then_again_and_again(brief: BriefStore, tmp_path: Path):
    fake = FakePanel()
    settings = registry(tmp_path, brief, FakeStage(), FakeClock(), panel=fake)
    await settings.open()
    async with running(PanelReminder(fake, settings, every_s=0.01).run()):
        await eventually(lambda: fake.reminded[-2:] == [(True, True)] * 2, 20)
        await settings.ask("screen_on", False, by=Asker.BOX, who="the command line")
        await eventually(lambda: fake.reminded[-2:] == [(False, True)] * 2, 20)
        await settings.ask("input_source", "hdmi_2", by=Asker.BOX, who="the command line")
        await eventually(lambda: fake.reminded[-2:] == [(False, False)] * 2, 20)
