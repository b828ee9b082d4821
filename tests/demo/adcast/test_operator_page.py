"""The operator's page in a real browser: its menu by keyboard, a phone's width, and how well its words stand out."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from player.demo.adcast.client import Operator
from player.demo.adcast.server import DemoServer
from tests.browser import Tab, tab

pytestmark = pytest.mark.stage
FAULT = {"code": "no_space", "message": "Summer: 4 GB too large", "is_active": True}

# [text, ratio] of every piece of text that is to be seen, as WCAG 2 counts; a canvas paints the colours, one layer on the other.
CONTRASTS = """
(() => {
  const pen = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  const painted = (colours) => {
    pen.clearRect(0, 0, 1, 1);
    for (const colour of colours) { pen.fillStyle = colour; pen.fillRect(0, 0, 1, 1); }
    return [...pen.getImageData(0, 0, 1, 1).data].slice(0, 3);
  };
  const light = (rgb) => {
    const [r, g, b] = rgb.map((v) => v / 255).map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (node) => {
    const found = [];
    for (let at = node; at; at = at.parentElement) found.unshift(getComputedStyle(at).backgroundColor);
    return ["white", ...found];
  };
  const judged = (text, node, colour) => {
    const ground = behind(node), a = light(painted([...ground, colour])), b = light(painted(ground));
    return [text, (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05)];
  };
  const found = [];
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const node = texts.currentNode.parentElement;
    const text = texts.currentNode.data.trim();
    if (text && node.checkVisibility()) found.push(judged(text, node, getComputedStyle(node).color));
  }
  for (const field of document.querySelectorAll("input"))
    if (field.checkVisibility() && field.placeholder)
      found.push(judged(field.placeholder, field, getComputedStyle(field, "::placeholder").color));
  return found;
})()
"""


@pytest.fixture
async def page(tmp_path: Path, server: DemoServer, operator: Operator, device: Any, paired: dict[str, Any]) -> AsyncIterator[Tab]:
    """The page as an operator sees it who has just signed in: a screen with a fault, an alert, content."""
    await device.heartbeat(status="online", current_content="Summer", volume=40, screen_on=True, is_locked=True, faults=[FAULT])
    await operator.alert("Storm", "Stay inside", "severe")
    await operator.link("https://example.com/", name="Weather")
    async with tab(tmp_path) as opened:
        await opened.size(1280)
        await opened.open(server.url)
        await opened.ask("document.querySelector('[name=email]').value = 'ada@example.com'")
        await opened.ask(
            "document.querySelector('[name=password]').value = 'correct horse'; document.querySelector('#enter button').click()"
        )
        await opened.until("!!document.querySelector('#screens .fault:not([hidden])') && !!document.querySelector('#shelf .piece')")
        yield opened


FOCUS = "document.activeElement.textContent"
IS_OPEN = "document.querySelector('.menu').matches(':popover-open')"


async def test_the_menu_of_further_commands_is_used_by_keyboard_alone(page: Tab, operator: Operator, device: Any):
    await page.ask("document.querySelector('[data-more]').focus()")
    await page.press("Enter")
    assert await page.until(FOCUS) == "Previous"
    assert await page.ask("document.querySelector('[data-more]').getAttribute('aria-expanded')") == "true"
    for key, name in (
        ("ArrowDown", "Refresh content"),
        ("End", "Remove this screen"),
        ("ArrowDown", "Previous"),
        ("ArrowUp", "Remove this screen"),
    ):
        await page.press(key)
        assert await page.ask(FOCUS) == name
    await page.press("Escape")
    assert (await page.ask(IS_OPEN), await page.ask(FOCUS)) == (False, "More…")
    await page.press("ArrowDown")
    assert (await page.ask(IS_OPEN), await page.ask(FOCUS)) == (True, "Previous")
    await page.press("ArrowDown")
    await page.press("Enter")
    await page.until("document.querySelector('.said').textContent.startsWith('refresh: ')")
    assert [one["type"] for one in (await device.heartbeat(status="online"))["pending_commands"]] == ["refresh"], (
        "moving chose nothing"
    )
    assert not await page.ask(IS_OPEN)


async def test_a_phone_of_320_pixels_shows_all_of_it_without_scrolling_sideways(page: Tab):
    await page.size(320, 640)
    assert await page.ask("document.documentElement.scrollWidth") == 320
    shown = "[...document.querySelectorAll('button, input, select, b')].filter((one) => one.checkVisibility())"
    assert await page.ask(f"{shown}.filter((one) => one.getBoundingClientRect().right > 320).map((one) => one.outerHTML)") == []
    await page.ask("document.querySelector('[data-more]').scrollIntoView()")
    await page.ask("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")  # a scroll closes the menu
    await page.ask("document.querySelector('[data-more]').click()")
    place = await page.ask("document.querySelector('.menu').getBoundingClientRect().toJSON()")
    assert 0 <= place["left"] < place["right"] <= 320
    assert 0 <= place["top"] < place["bottom"] <= 640


@pytest.mark.parametrize("dark", [False, True])
async def test_every_word_stands_out_from_its_ground_by_4_5(page: Tab, dark: bool):
    await page.size(1280, dark=dark)
    await page.ask("document.querySelector('[data-more]').click()")
    await page.ask("document.querySelector('.said').textContent = 'x'")
    for state in ("", "succeeded", "failed"):
        await page.ask(f"document.querySelector('.said').className = 'said {state}'")
        faint = [(text, round(ratio, 2)) for text, ratio in await page.ask(CONTRASTS) if ratio < 4.5]
        assert faint == [], state
