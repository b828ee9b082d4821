"""The local page in a real browser: what is entered there, and what it says about it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.browser import Tab, tab
from tests.fakes.control import control_server
from tests.fakes.local_controls import FakeActions

pytestmark = pytest.mark.stage


@asynccontextmanager
async def opened(folder: Path, *, password: str = "correct horse", pin: str = "4711") -> AsyncIterator[tuple[Tab, FakeActions]]:
    """The page of a box with that password and PIN, "" being none, and what is asked of the box."""
    actions = FakeActions(pin)
    server = control_server(folder, actions=actions, password=password)
    async with server.serving(), tab(folder) as page:
        await page.open(f"http://127.0.0.1:{server.port}/")
        yield page, actions


async def ordered(page: Tab, right: str, command: str = "next") -> str:
    """What the page says after a button was pressed with that PIN or password."""
    await page.ask(
        f"document.querySelector('#controls [name=right]').value = {right!r}; answer.textContent = '';"
        f"document.querySelector('[value={command}]').click()"
    )
    return str(await page.until("!['', '…'].includes(answer.textContent) && answer.textContent"))


async def test_a_wrong_password_is_a_sentence_and_a_right_one_is_enough(tmp_path: Path):
    async with opened(tmp_path) as (page, actions):
        assert await ordered(page, "wrong") == "that is not the local password"
        assert await ordered(page, "9999") == "that is neither the PIN nor the local password"
        assert actions.done == []
        assert await ordered(page, "correct horse") == "done"
        assert await ordered(page, "4711", "unlock") == "done"
        assert actions.done == [("next", {}), ("unlock", {})]


async def test_a_password_of_digits_works(tmp_path: Path):
    async with opened(tmp_path, password="20262026") as (page, actions):
        assert await ordered(page, "20262026") == "done"
        assert await ordered(page, "4711") == "done"
        assert actions.done == [("next", {}), ("next", {})]


async def test_the_page_says_when_nothing_could_be_entered(tmp_path: Path):
    async with opened(tmp_path, password="", pin="") as (page, _):
        assert "neither a local password nor a PIN" in await page.ask("document.querySelector('.note').textContent")
        assert "no password is set on this box (control.password)" in await ordered(page, "guess")


async def test_without_its_script_no_form_puts_a_pin_into_an_address(tmp_path: Path):
    async with opened(tmp_path) as (page, _):
        assert await page.ask("document.querySelector('.note') === null")
        assert await page.ask("[...document.forms].map((form) => form.method)") == ["post", "post"]
        await page.ask("document.querySelector('#controls [name=right]').value = '4711'; document.forms[1].submit()")
        await page.until("!document.getElementById('controls')")
        assert "4711" not in await page.ask("location.href")
