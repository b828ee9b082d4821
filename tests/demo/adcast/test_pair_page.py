"""The page that a pairing card's QR code leads to, in a browser as narrow as a phone."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from player.demo.adcast.client import Operator
from player.demo.adcast.server import DemoServer
from tests.browser import Tab, tab

EMAIL, PASSWORD = "ada@example.com", "correct horse"


@pytest.fixture
async def phone(tmp_path: Path) -> AsyncIterator[Tab]:
    async with tab(tmp_path) as made:
        await made.size(320, 640)
        yield made


async def fill(phone: Tab, **fields: str) -> None:
    for name, value in fields.items():
        await phone.ask(f"document.forms.pair.elements.{name}.value = {json.dumps(value)}")
    await phone.ask("document.forms.pair.requestSubmit()")


def said(text: str) -> str:
    return f"document.getElementById('said').textContent.includes({json.dumps(text)})"


async def test_the_code_of_the_qr_is_there_and_signing_in_and_a_name_pair_the_screen(
    phone: Tab, server: DemoServer, operator: Operator, device: Any
):
    code = (await device.register())["pairing_code"]
    await phone.open(f"{server.url}/pair?code={code}")
    assert await phone.ask("document.forms.pair.elements.pairing_code.value") == code
    assert await phone.ask("document.documentElement.scrollWidth") == 320
    await fill(phone, name="Lobby", email=EMAIL, password="wrong")
    await phone.until(said("do not match"))
    await fill(phone, password=PASSWORD)
    await phone.until(said("Lobby is paired"))
    assert (await device.register())["paired"] is True
    assert [one["name"] for one in (await operator.request("GET", "/api/devices"))["data"]] == ["Lobby"]


async def test_who_is_signed_in_needs_no_password_and_a_code_that_nobody_shows_is_said(
    phone: Tab, server: DemoServer, operator: Operator
):
    await phone.open(f"{server.url}/pair?code=NOBODY")
    await phone.ask(f"sessionStorage.setItem('token', {json.dumps(operator.token)})")
    await phone.open(f"{server.url}/pair?code=NOBODY")
    assert await phone.ask("document.getElementById('door').hidden")
    await fill(phone, name="Lobby")
    await phone.until(said("No device shows this pairing code"))


async def test_a_code_from_the_address_is_text_and_nothing_else(phone: Tab, server: DemoServer):
    await phone.open(f"{server.url}/pair?code=%3Cimg%20src=x%20onerror=alert(1)%3E")
    assert await phone.ask("document.images.length") == 0
