"""Every format of the README's table that can be seen is prepared as the agent does it, and read off the screen."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from player.core.assemble import Ready, assemble
from player.core.content import Item, Playlist, full_screen
from player.core.kinds import Kind
from player.media.prepare.parent import prepare
from tests.fakes.programmes import manifest_of
from tests.stage.conftest import StageBox
from tests.what_plays import ROWS, SECONDS, Row

pytestmark = pytest.mark.stage
COLOURS = ("lime", "blue")  # by turns, so that each is told from the one before it


async def on_air(box: StageBox, folder: Path, row: Row) -> dict[str, str]:
    """Puts a file of each of the row's formats on air; returns the colour that each has, by its name."""
    items, ready, colours = [], {}, {}
    for number, form in enumerate(row.formats):
        assert row.kind
        source = folder / f"file{number}"  # a name that says nothing
        colours[form.name] = form.colour or COLOURS[number % 2]
        await asyncio.to_thread(form.make, source, colours[form.name])
        made = await prepare(source, row.kind, form.name, box.dirs.cache / "prepared", (1280, 720))
        file = made.file
        if not file.is_relative_to(box.dirs.cache):
            file = box.dirs.cache / source.name
            file.write_bytes(source.read_bytes())
        ready[form.name, row.kind] = Ready(str(file.relative_to(box.dirs.cache)), made.sha256, None, ())
        seconds = 0.0 if row.kind is Kind.VIDEO else SECONDS
        items.append(Item(str(number), form.name, form.name, row.kind, seconds))
    layout = assemble(full_screen(Playlist("p", "Lobby", tuple(items))), ready)
    box.publish(manifest=replace(manifest_of(layout), version="1"))
    return colours


SEEN = [row for row in ROWS if row.kind and not row.kind.is_unseen]


@pytest.mark.parametrize("row", SEEN, ids=lambda row: row.what)
async def test_every_format_of_the_table_is_seen_and_plays_to_its_end(box: StageBox, tmp_path: Path, row: Row):
    colours = await on_air(box, tmp_path, row)
    box.start()
    for name, colour in colours.items():
        await box.until_shown(name, limit_s=60)
        await box.until_seen(colour)
    await box.until(lambda status: status.last_play_seq >= len(colours))
    assert [(play["name"], play["result"]) for play in box.plays()[: len(colours)]] == [(name, "complete") for name in colours]
