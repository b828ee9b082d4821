"""An applet's page on the screen of a real stage, among what lies over all content: an alert, and the lock."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from player.core.applets import AppletPlan, AppletRun, AppletTiming
from player.core.brief import Alert, Severity
from player.core.ports.stage import AnswerApplet, AppletAsked, AppletSaid
from tests.stage.conftest import StageBox

pytestmark = pytest.mark.stage
# Without the library: what it sends and hears, as it does.
PAGE = """<!doctype html><body style="margin:0;background:red"><script>
let number = 0;
const say = (type, more) => postMessage({type, invocationUid: `u${number++}`, ...more});
const said = type => say('hug.command.dispatch', {command: {type}});
addEventListener('message', event => {
  const {type, contents} = event.data;
  if (type === 'hug.config.update') said('Begun');
  if (type === 'hug.invocation.success' && contents) document.body.style.background = contents;
});
addEventListener('pointerdown', () => {
  said('Tapped');
  say('hug.file_system.read_file', {filePath: {storageUnit: {type: 'internal'}, filePath: 'colour'}});
});
postMessage({type: 'hug_api.ready'});
</script>"""


async def test_an_applet_is_covered_by_an_alert_comes_back_and_is_not_touched_while_the_screen_is_locked(box: StageBox):
    page = box.dirs.cache / "applets/built/f00d/index.html"
    page.parent.mkdir(parents=True)
    page.write_text(PAGE, encoding="utf-8")
    run = AppletRun("menu", "1.0.0", {}, files="f00d", scope=0)
    plan = AppletPlan((AppletTiming("t", 1.0, 1.0, run, 1.0, 1.0),))

    async def heard(limit_s: float = 20.0) -> Any:
        async with asyncio.timeout(limit_s):
            return await box.client.applets_said.get()

    box.order(applets=plan)
    box.start()
    await box.until_seen("red", limit_s=40)
    assert await heard() == AppletSaid("menu", {"type": "Begun"})

    box.order(alerts=(Alert("1", "Fire", "Leave the building", Severity.EXTREME),))
    await box.reread()
    await box.until(lambda status: status.state == "alert")
    await until_hidden(box)
    await box.click(640, 360)
    box.order(alerts=(), locked=True)
    await box.reread()
    await box.until(lambda status: status.state == "playing", 20)
    await box.until_seen("red")
    while not box.client.applets_said.empty():  # it may have begun anew behind the alert, and was never touched
        assert box.client.applets_said.get_nowait() == AppletSaid("menu", {"type": "Begun"})

    await box.click(100, 100)
    await box.until(lambda status: status.cover == "lock_pad")
    await box.click(100, 100)
    box.order(locked=False)
    await box.reread()
    await box.until(lambda status: status.cover == "")
    assert box.client.applets_said.empty()

    await box.click(100, 100)
    assert await heard() == AppletSaid("menu", {"type": "Tapped"})
    asked = await heard()
    assert isinstance(asked, AppletAsked)
    assert (asked.applet, asked.what, asked.asked["filePath"]["filePath"]) == ("menu", "file_system.read_file", "colour")
    await box.ask(AnswerApplet(asked.number, "blue"))
    await box.until_seen("blue")


async def until_hidden(box: StageBox) -> None:
    """The page is not seen."""
    async with asyncio.timeout(20):
        while (await box.look()).getpixel((640, 360)) == (255, 0, 0):  # noqa: ASYNC110 - the screen has no event
            await asyncio.sleep(0.1)
