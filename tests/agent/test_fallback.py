"""A second source of content: when it is shown, when it gives way, and what of its rhythm counts."""

from __future__ import annotations

import asyncio
import io
from dataclasses import replace
from pathlib import Path
from typing import IO

import pytest

from player.agent.fallback import Fallback, FilesOfBoth
from player.agent.server_folder import ServerFacts, ServerFolder
from player.core.content import Item, Playlist, Programme, always, full_screen
from player.core.kinds import Kind
from player.core.ports.box import Absent
from player.core.ports.server import CommandsCame, ContentChanged, Missed, Paired, Reached, Unpaired, no_connection
from player.errors import ServerError, ServerUnreachable
from tests.fakes.clock import FakeClock
from tests.fakes.faults import fault_page

AWAY = ServerUnreachable("u", "no route")


def programme(server: str) -> Programme:
    item = Item("i", "c", "Item", Kind.WEB, 5.0, url="https://x.example", server=server)
    layout = full_screen(Playlist("p", "P", (item,)))
    return Programme((layout,), always(layout))


class Source:
    """Answers what it is told to: a programme, or an error."""

    def __init__(self, answer: Programme | ServerError) -> None:
        self.answer = answer

    async def programme(self) -> Programme:
        if isinstance(self.answer, ServerError):
            raise self.answer
        return self.answer


class Bench:
    """A server, a second source, and what is on air."""

    def __init__(self, folder: Path) -> None:
        self.first, self.second = Source(Programme(())), Source(programme("second"))
        self.clock, self.faults, self.hurried = FakeClock(), fault_page(), 0
        self.known, self.on_air = True, Programme(())
        connection = replace(no_connection("nobody"), content=self.second)
        folder.mkdir()
        self.fallback = Fallback(
            connection, ServerFolder(folder, ServerFacts("folder", "/srv/x")), "/srv/x", after_s=300.0, clock=self.clock,
            faults=self.faults, hurry=self._hurry,
        )  # fmt: skip
        self.both = self.fallback.behind(self.first, known=lambda: self.known, shown=lambda: self.on_air.items)

    def _hurry(self) -> None:
        self.hurried += 1

    def wait(self, seconds: float) -> None:
        self.clock.forward(seconds)

    def shows(self) -> str:
        """Whose content a round puts on air; what it is that is missing where it fails."""
        try:
            self.on_air = asyncio.run(self.both.programme())
        except ServerError as error:
            return f"as it was: {error.code}"
        return self.on_air.items[0].server or "" if self.on_air.items else "nothing"


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path / "second")


def test_the_second_is_shown_when_the_first_has_had_nothing_for_so_long_and_gives_way_at_once(bench: Bench):
    assert bench.shows() == "nothing"
    bench.wait(299)
    assert bench.shows() == "nothing"
    bench.wait(1)
    assert bench.shows() == "second"
    assert [fault.code for fault in bench.faults.faults] == ["fallback"]
    bench.first.answer = programme("first")
    assert bench.shows() == "first"
    assert bench.faults.faults == ()
    bench.first.answer = Programme(())
    assert bench.shows() == "nothing"


def test_a_server_that_is_away_goes_on_showing_what_it_gave(bench: Bench):
    bench.first.answer = programme("first")
    assert bench.shows() == "first"
    bench.first.answer = AWAY
    for _ in range(3):
        bench.wait(1000)
        assert bench.shows() == "as it was: server_unreachable"


def test_a_server_that_was_never_reached_gives_way(bench: Bench):
    bench.first.answer = AWAY
    assert bench.shows() == "as it was: server_unreachable"
    bench.wait(300)
    assert bench.shows() == "second"
    assert bench.shows() == "second"


def test_a_server_that_does_not_know_this_box_gives_way_and_is_not_asked(bench: Bench):
    bench.first.answer, bench.known = programme("first"), False
    assert bench.shows() == "nothing"
    bench.wait(300)
    assert bench.shows() == "second"
    bench.known = True
    assert bench.shows() == "first"


def test_a_second_that_fails_keeps_what_it_gave_and_costs_nothing_else(bench: Bench):
    bench.shows()
    bench.wait(300)
    bench.second.answer = AWAY
    assert bench.shows() == "nothing"
    bench.second.answer = programme("second")
    assert bench.shows() == "second"
    bench.second.answer = AWAY
    assert bench.shows() == "as it was: server_unreachable"


def test_where_one_has_no_content_the_other_is_shown(bench: Bench):
    alone = bench.fallback.behind(Absent("content", "none"), known=lambda: False, shown=tuple)
    assert asyncio.run(alone.programme()) == programme("second")
    bench.fallback.connection = replace(bench.fallback.connection, content=Absent("content", "none"))
    assert asyncio.run(bench.fallback.behind(bench.first, known=lambda: True, shown=tuple).programme()) == Programme(())


async def test_of_its_rhythm_that_counts_which_is_about_content(bench: Bench):
    await bench.fallback.put(Missed(AWAY))
    assert [fault.code for fault in bench.faults.faults] == ["server_unreachable"]
    await bench.fallback.put(Reached())
    assert bench.faults.faults == ()
    await bench.fallback.put(Unpaired("4A7X2B"))
    assert (bench.fallback.folder.facts.paired, bench.fallback.folder.facts.pairing_code) == (False, "4A7X2B")
    await bench.fallback.put(Paired("Shop"))
    await bench.fallback.put(ContentChanged())
    await bench.fallback.put(CommandsCame(()))
    assert (bench.fallback.folder.facts.device_name, bench.hurried) == ("Shop", 2)
    assert bench.fallback.loops() == {}


class Files:
    """Has one file, or none and fails."""

    def __init__(self, content: bytes | None) -> None:
        self.content = content

    def open(self, url: str) -> IO[bytes] | None:
        if self.content is None:
            raise FileNotFoundError(2, url)
        return io.BytesIO(self.content) if url.startswith("folder:") else None


def test_files_of_both_are_opened():
    opened = FilesOfBoth([Files(None), Files(b"second")]).open("folder:x")
    assert opened is not None
    assert opened.read() == b"second"
    assert FilesOfBoth([Files(b"first"), Files(b"second")]).open("https://x.example") is None
    assert FilesOfBoth([]).open("folder:x") is None
    with pytest.raises(FileNotFoundError):
        FilesOfBoth([Files(None)]).open("folder:x")
