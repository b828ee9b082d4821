"""No box of the browser's is on the panel, whatever a page by TLS wants of who stands before it: his name, key, word or device."""

from __future__ import annotations

import asyncio

import pytest
from PIL import Image

from tests.fakes.running import eventually
from tests.stage.web.street import street

pytestmark = pytest.mark.stage
WITHIN_S = 60
SHOWS_S = 1.5  # a box is there sooner
LIME = (0, 255, 0)
PAGE = "<!doctype html><title>asks</title><body style='margin:0;background:lime'>"
KEY = "publicKey: {challenge: new Uint8Array(16)}"
NEW_KEY = (
    "publicKey: {challenge: new Uint8Array(16), rp: {name: 'a'}, user: {id: new Uint8Array(16), name: 'u', displayName: 'u'},"
    " pubKeyCredParams: [{type: 'public-key', alg: -7}]}"
)
ASKS = (
    f"navigator.credentials.get({{{KEY}}})",
    f"navigator.credentials.create({{{NEW_KEY}}})",
    "navigator.credentials.store(new PasswordCredential({id: 'u', password: 'p'}))",
)
# What would ask for accounts, identity cards, devices, and tell of what it takes in the background.
ABSENT = "IdentityCredential DigitalCredential USB HID Serial BackgroundFetchManager"


async def test_l3_no_page_by_tls_asks_who_stands_before_the_panel_for_anything():
    async with street() as made:
        made.site.page("/asks", PAGE)
        made.site.page("/sent", PAGE)
        await made.surface.open("asks")
        await made.open(f"{made.secure}/asks")
        windows = len(await made.sway.windows())
        assert await made.ask(f"'{ABSENT}'.split(' ').filter(name => name in window).join()") == ""
        for asked in ASKS:
            page = made.surface._page
            await page._cdp.call("Runtime.evaluate", page._session, WITHIN_S, expression=f"{{ {asked} }}", userGesture=True)
            await asyncio.sleep(SHOWS_S)
            await made.until_looks(whole)
            assert len(await made.sway.windows()) == windows, asked
            await made.open(f"{made.secure}/asks")
        await made.ask(f"document.body.innerHTML = '<form method=POST action={made.plain}/sent>'; document.forms[0].submit()")
        await eventually(lambda: "/sent" in made.site.asked, WITHIN_S)
        await made.until_looks(whole)


def whole(picture: Image.Image) -> bool:
    """Whether nothing lies over the page, nor hangs over its edge."""
    return {*picture.get_flattened_data()} == {LIME}
