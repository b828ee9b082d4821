"""What every server's adapter promises, whatever its API: one suite, run for each of them against a scripted server.

An adapter's own test derives from `ServerContract` and names its `Vendor`: the words of that API for a few things that all of them
have. An ability that the server does not have is held to its reason instead.
"""

from __future__ import annotations

import asyncio
import copy
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import Any, Protocol

import pytest
from aiohttp import web

from player.agent.reports.plays_outbox import PlaysOutbox
from player.agent.server_folder import ServerFacts, ServerFolder
from player.core import proof
from player.core.content import Item
from player.core.cues import Moment, PlayRecord, PlayResult
from player.core.faults import Fault
from player.core.ports.box import Absent, Clock
from player.core.ports.server import (
    CommandResult,
    CommandsCame,
    CommandStatus,
    Connection,
    Device,
    Missed,
    Paired,
    Programme,
    Reached,
    ResultsTaken,
    ServerInbox,
    Telemetry,
    Unpaired,
)
from player.core.ports.stage import DropPlays
from player.errors import (
    DeviceForgotten,
    EventsRefused,
    NotOffered,
    ServerBusy,
    ServerDenied,
    ServerError,
    ServerNonsense,
    ServerRefused,
    ServerUnreachable,
)
from player.journal import Journal
from tests.fakes.clock import FakeClock
from tests.fakes.faults import fault_page
from tests.fakes.inbox import FakeInbox
from tests.fakes.running import eventually, running
from tests.fakes.server import Script, Scripted, Seen, scripted_server
from tests.fakes.stage import FakeStage
from tests.fakes.uploads import put_there
from tests.fuzz.spoil import Place, places

UUID, KEY = "3f2b8c1e-0a4d-4a3e-9c55-7f1f2d9b6e10", "vendor-1"
JPEG = b"\xff\xd8\xff\xe0picture"
PORTAL = web.Response(text="<html>login</html>", content_type="text/html")
HALF = web.Response(body=b'{"playlist": {"items": [', content_type="application/json")
DEEP = web.Response(body=b"[" * 5000 + b"]" * 5000, content_type="application/json")


class Vendor(Protocol):
    """One API's words. `content`, `plays`, `screenshots` and `beat` are the paths of what they name.

    `pairs`: it tells devices apart, and somebody enters a code there. `ids_in_paths`: ids of commands stand in addresses, where a
    number is text. `adds`: what it adds to an event of proof of play, beside what is hashed.
    """

    pairs: bool
    ids_in_paths: bool
    adds: frozenset[str]
    content: str
    plays: str
    screenshots: str
    beat: str

    def connect(self, url: str, device: Device, clock: Clock) -> AbstractAsyncContextManager[Connection]: ...
    def knows(self, script: Script) -> None:
        """The server knows this device, calls it Lobby, and wants nothing of it."""

    def waits_for_pairing(self, script: Script, code: str) -> None:
        """It does not know this device, and waits for that code."""

    def forgets(self, script: Script) -> None:
        """It knew this device, and does not any more."""

    def orders(self, script: Script, *ids: int | str) -> None:
        """It knows this device, and has a command `next` for it under each of the ids, once."""

    def takes_results(self, script: Script, *ids: int | str) -> None:
        """It takes the results of these commands."""

    def told(self, script: Script) -> list[int | str]:
        """The ids of the commands whose results came, as they are written there."""

    def wants(self, script: Script, *ids: Any) -> None:
        """Its content is a playlist with the number 1 of pictures with these ids; one that is None cannot be understood."""


class QuickClock:
    """Pauses pass a hundred times as fast."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return monotonic() * 100


class Bench:
    """A scripted server that knows this device, and a connection to it; `untold` are the results that the device has."""

    def __init__(self, vendor: Vendor, script: Script) -> None:
        self.vendor, self.script = vendor, script
        self.inbox, self.untold, self.faults = FakeInbox(), list[CommandResult](), list[Fault]()
        self.interval_s = 0.03
        self.connection: Connection

    def device(self, *, paired: bool | None) -> Device:
        return Device(
            uuid=UUID, key=KEY, model="Box", os_version="12", version="1.0", paired=paired, telemetry=self._telemetry,
            faults=lambda: self.faults, results=lambda: self.untold, heartbeat_interval=lambda: self.interval_s, upload=put_there,
        )  # fmt: skip

    def rhythm(self, inbox: ServerInbox | None = None):
        assert not isinstance(self.connection.rhythm, Absent)
        return running(self.connection.rhythm.run(inbox or self.inbox))

    def asked(self, path: str) -> list[Seen]:
        return self.script.asked(path)

    async def _telemetry(self) -> Telemetry:
        return Telemetry("10.0.0.5", None, 100, 40, 60, True, 80, 5, "Summer")


def result(command: str, *, numbered: bool = False) -> CommandResult:
    return CommandResult(command, "next", CommandStatus.SUCCEEDED, "the next item is shown", 5.0, 6.0, {}, numbered)


def items(programme: Programme) -> list[Item]:
    return [item for layout in programme.layouts for region in layout.regions for item in region.playlist.items]


def events(*ids: str) -> list[dict[str, Any]]:
    return [{"id": name, "name": "Promo"} for name in ids]


def ids(seen: Sequence[Seen]) -> list[str]:
    return [event["id"] for one in seen for event in one.body["events"]]


ODD = (None, [], {}, "x", -1, True)  # what stands where something else should


def spoiled(document: Any, place: Place, value: Any) -> web.Response:
    """The document with that in one place of it."""
    made = holder = copy.deepcopy({"": document})
    *way, last = ("", *place)
    for key in way:
        holder = holder[key]
    holder[last] = value
    return web.json_response(made[""])


REFUSALS: list[tuple[int, type[ServerError]]] = [
    (401, ServerDenied), (402, ServerDenied), (403, ServerDenied), (404, ServerRefused), (405, NotOffered), (410, ServerRefused),
    (429, ServerBusy), (500, ServerBusy), (501, NotOffered), (503, ServerBusy),
]  # fmt: skip


class ServerContract:
    """Derive, and give a fixture `vendor`."""

    @pytest.fixture
    async def bench(self, vendor: Vendor) -> AsyncIterator[Bench]:
        random.seed(7)
        async with scripted_server() as script:
            vendor.knows(script)
            made = Bench(vendor, script)
            async with vendor.connect(script.url, made.device(paired=True), QuickClock()) as made.connection:
                yield made

    # --- abilities

    def test_an_ability_is_there_or_says_why_not(self, bench: Bench):
        held = [getattr(bench.connection, one.name) for one in fields(bench.connection)]
        assert [one for one in held if isinstance(one, Absent) and not one.reason] == []
        assert set(bench.connection.abilities.values()) <= {"yes", *(f"no: {a.reason}" for a in held if isinstance(a, Absent))}

    # --- content

    async def test_a_bad_item_costs_that_item(self, bench: Bench):
        bench.vendor.wants(bench.script, 5, None, 6)
        programme = await self._content(bench).programme()
        assert [item.content_id for item in items(programme)] == ["5", "6"]
        assert {asset.content_id for asset in programme.assets} == {"5", "6"}
        assert len(programme.faults) == 1
        assert {item.server for item in items(programme)} == {KEY}

    async def test_whatever_stands_in_one_place_of_an_answer_costs_what_stands_there(self, bench: Bench):
        bench.vendor.wants(bench.script, 5, 6)
        await self._content(bench).programme()
        tried = 0
        for path in {one.path for one in bench.script.seen}:
            (whole,) = bench.script.answers[path]
            for place in places(whole):
                value, tried = ODD[tried % len(ODD)], tried + 1
                bench.script.on(path, spoiled(whole, place, value))
                shown = await self._shown_anew(bench)
                if 1 in place:
                    assert "5" in (shown or ()), (path, place, value)
                elif path.endswith("/6"):
                    assert shown is None or "5" in shown, (path, place, value)
            bench.script.on(path, whole)
        assert tried > 2 * len(ODD)

    async def _shown_anew(self, bench: Bench) -> list[str] | None:
        """The content of what a connection shows that is asked for the first time; None where it shows what was there before."""
        async with bench.vendor.connect(bench.script.url, bench.device(paired=True), QuickClock()) as connection:
            assert not isinstance(connection.content, Absent)
            try:
                return [item.content_id for item in items(await connection.content.programme())]
            except ServerError:
                return None

    @pytest.mark.parametrize(("status", "means"), REFUSALS)
    async def test_a_refusal_of_content_leaves_by_its_meaning(self, bench: Bench, status: int, means: type[ServerError]):
        bench.script.on(bench.vendor.content, status)
        with pytest.raises(means) as caught:
            await self._content(bench).programme()
        assert caught.value.transient is (means is ServerBusy)
        assert UUID not in str(caught.value)

    @pytest.mark.parametrize("answer", [PORTAL, HALF, DEEP, [], {"message": "ok"}])
    async def test_what_is_no_programme_is_nonsense(self, bench: Bench, answer: Scripted):
        bench.script.on(bench.vendor.content, answer)
        with pytest.raises(ServerNonsense):
            await self._content(bench).programme()

    async def test_a_pause_that_is_asked_for_is_kept(self, bench: Bench):
        bench.script.on(bench.vendor.content, web.Response(status=429, headers={"Retry-After": "60"}), 500)
        with pytest.raises(ServerBusy) as caught:
            await self._content(bench).programme()
        assert caught.value.retry_after_s == 60
        with pytest.raises(ServerBusy) as paused:
            await self._content(bench).programme()
        assert paused.value.retry_after_s
        assert len(bench.asked(bench.vendor.content)) == 1

    async def test_a_limit_that_is_used_up_is_obeyed(self, bench: Bench):
        spent = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "60"}
        bench.vendor.wants(bench.script, 5)
        whole = bench.script.answers[bench.vendor.content][0]
        bench.script.on(bench.vendor.content, web.json_response(whole, headers=spent))
        await self._content(bench).programme()
        with pytest.raises(ServerBusy):
            await self._content(bench).programme()
        assert len(bench.asked(bench.vendor.content)) == 1

    async def test_a_server_that_is_gone_is_unreachable(self, vendor: Vendor):
        async with scripted_server() as script:
            url = script.url
        made = Bench(vendor, script)
        async with vendor.connect(url, made.device(paired=True), QuickClock()) as made.connection:
            with pytest.raises(ServerUnreachable):
                await self._content(made).programme()
            async with made.rhythm():
                await eventually(lambda: len(made.inbox.of(Missed)) >= 2)
        assert {type(missed.error) for missed in made.inbox.of(Missed)} == {ServerUnreachable}
        assert made.inbox.of(Unpaired) == []

    @pytest.mark.nightly
    async def test_a_server_that_never_answers_is_unreachable_in_time(self, bench: Bench):
        async def never(_: Seen) -> dict[str, Any]:
            await asyncio.sleep(60)
            return {}

        bench.script.on(bench.vendor.content, never)
        with pytest.raises(ServerUnreachable):
            async with asyncio.timeout(30):
                await self._content(bench).programme()

    # --- the rhythm

    async def test_a_code_then_a_name(self, vendor: Vendor):
        if not vendor.pairs:
            return
        async with scripted_server() as script:
            made = Bench(vendor, script)
            vendor.waits_for_pairing(script, "4A7X2B")
            async with vendor.connect(script.url, made.device(paired=None), QuickClock()) as made.connection, made.rhythm():
                await eventually(lambda: made.inbox.of(Unpaired))
                assert made.inbox.of(Unpaired)[0].code == "4A7X2B"
                vendor.knows(script)
                await eventually(lambda: made.inbox.of(Paired))
        assert made.inbox.of(Paired)[0].name == "Lobby"

    async def test_a_device_that_is_forgotten_is_told_so_and_found_again(self, bench: Bench):
        if not bench.vendor.pairs:
            return
        async with bench.rhythm():
            await eventually(lambda: bench.inbox.of(Paired))
            bench.vendor.forgets(bench.script)
            await eventually(lambda: bench.inbox.of(Unpaired))
            before = len(bench.inbox.of(Paired))
            bench.vendor.knows(bench.script)
            await eventually(lambda: len(bench.inbox.of(Paired)) > before)

    @pytest.mark.parametrize("status", [401, 403])
    async def test_a_server_that_denies_is_asked_rarely_and_forgets_nothing(self, bench: Bench, status: int):
        bench.script.on(bench.vendor.beat, status)
        async with bench.rhythm():
            await eventually(lambda: bench.inbox.of(Missed))
            await asyncio.sleep(0.3)
        assert isinstance(bench.inbox.of(Missed)[0].error, ServerDenied)
        assert len(bench.asked(bench.vendor.beat)) <= 3
        assert bench.inbox.of(Unpaired) == []

    @pytest.mark.parametrize("answer", [500, 503, PORTAL, HALF, [], web.Response(status=429, headers={"Retry-After": "1"})])
    async def test_after_whatever_it_was_the_rhythm_goes_on(self, bench: Bench, answer: Scripted):
        good = bench.script.answers[bench.vendor.beat][0]
        bench.script.on(bench.vendor.beat, answer, good)
        async with bench.rhythm():
            await eventually(lambda: bench.inbox.of(Missed))
            missed = len(bench.inbox.events)
            await eventually(lambda: any(isinstance(event, Reached) for event in bench.inbox.events[missed:]))
        assert bench.inbox.of(Unpaired) == []

    async def test_whatever_stands_in_one_place_of_an_answer_the_rhythm_goes_on(self, bench: Bench):
        good = bench.script.answers[bench.vendor.beat][0]
        odd = [spoiled(good, place, value) for place in places(good) for value in ODD]
        bench.script.on(bench.vendor.beat, *(answer for one in odd for answer in (one, good)))
        bench.interval_s = 0.003
        async with bench.rhythm():
            await eventually(lambda: len(bench.asked(bench.vendor.beat)) > 2 * len(odd), 60)
            contacts = len(bench.inbox.of(Reached))
            await eventually(lambda: len(bench.inbox.of(Reached)) > contacts)
        assert bench.inbox.of(Missed)

    # --- commands and results

    async def test_a_commands_id_goes_back_as_it_came(self, bench: Bench):
        if isinstance(bench.connection.commands, Absent):
            assert isinstance(bench.connection.results, Absent)
            return
        bench.vendor.orders(bench.script, 7, "8", "x-9")
        async with bench.rhythm():
            (came, *_) = await eventually(lambda: bench.inbox.of(CommandsCame))
            assert [(command.id, command.type) for command in came.commands] == [("7", "next"), ("8", "next"), ("x-9", "next")]
            assert not isinstance(bench.connection.results, Absent)
            bench.untold = [result(command.id, numbered=command.numbered) for command in came.commands]
            by_rhythm = [one for one in bench.untold if not await bench.connection.results.send_result(one)]
            await eventually(lambda: len(bench.inbox.of(ResultsTaken)) >= bool(by_rhythm))
        written = ["'7'", "'8'", "'x-9'"] if bench.vendor.ids_in_paths else ["'8'", "'x-9'", "7"]
        assert sorted(map(repr, bench.vendor.told(bench.script))) == written

    async def test_a_result_is_taken_once(self, bench: Bench):
        if isinstance(bench.connection.results, Absent):
            return
        bench.vendor.takes_results(bench.script, "7")
        assert await bench.connection.results.send_result(result("7"))
        bench.untold = [result("7")]
        async with bench.rhythm():
            await eventually(lambda: len(bench.inbox.of(Reached)) >= 3)
        assert bench.inbox.of(ResultsTaken) == []

    # --- plays

    async def test_plays_reach_the_server_once_each_whatever_happens_on_the_way(self, bench: Bench, tmp_path: Path):
        if isinstance(bench.connection.plays, Absent):
            return
        accepted: list[str] = []

        def take(seen: Seen) -> dict[str, Any]:
            accepted.extend(event["id"] for event in seen.body["events"])
            return {}

        bench.script.on(bench.vendor.plays, 503, PORTAL, HALF, 429, take)
        folder, stage = tmp_path / "servers" / KEY, FakeStage()
        folder.mkdir(parents=True)
        ServerFolder(folder, ServerFacts("vendor", bench.script.url)).keep()
        journal: Journal[dict[str, Any]] = Journal(tmp_path / "plays")
        for number in range(230):
            journal.append({"id": f"p{number}", "server": KEY})
        outbox = PlaysOutbox(
            bench.connection.plays, stage, plays=tmp_path / "plays", folder=folder, clock=FakeClock(),
            faults=fault_page(), sign=dict, look_s=0.02, first_retry_s=0.01,
        )  # fmt: skip
        async with running(outbox.run()):
            await eventually(lambda: DropPlays(230) in stage.asked, 10)
        assert accepted == [f"p{number}" for number in range(230)]
        assert max(len(one.body["events"]) for one in bench.asked(bench.vendor.plays)) <= 100

    @pytest.mark.parametrize(
        ("status", "means"),
        [
            (400, EventsRefused), (413, EventsRefused), (422, EventsRefused), (401, ServerDenied), (403, ServerDenied),
            (404, NotOffered), (405, NotOffered), (501, NotOffered), (410, DeviceForgotten), (429, ServerBusy), (500, ServerBusy),
        ],
    )  # fmt: skip
    async def test_a_refusal_of_plays_leaves_by_its_meaning(self, bench: Bench, status: int, means: type[ServerError]):
        if isinstance(bench.connection.plays, Absent):
            return
        bench.script.on(bench.vendor.plays, status)
        with pytest.raises(means):
            await bench.connection.plays.send_plays(events("a"))

    async def test_only_what_was_accepted_counts(self, bench: Bench):
        if isinstance(bench.connection.plays, Absent):
            return
        bench.script.on(bench.vendor.plays, {"accepted": ["a"]}, {"accepted": []})
        assert list(await bench.connection.plays.send_plays(events("a", "b"))) == ["a"]
        assert list(await bench.connection.plays.send_plays(events("b"))) == []

    async def test_a_plays_ids_go_back_as_they_came(self, bench: Bench):
        bench.vendor.wants(bench.script, 5, "6")
        shown = items(await self._content(bench).programme())
        moment = Moment(0.0, 1_700_000_000.0)
        plays = [
            proof.event(
                PlayRecord(item, moment, moment, 1.0, PlayResult.COMPLETE), seq=n, dice=bytes([n] * 10), prev=proof.GENESIS, lost=0,
                playlist_id="1", zone="main", screen_on=True, clock_synced=True,
            )
            for n, item in enumerate(shown)
        ]  # fmt: skip
        assert [play["content_id"] for play in plays] == [5, "6"]
        assert {play["playlist_id"] for play in plays} == {1}
        if not isinstance(bench.connection.plays, Absent):
            bench.script.on(bench.vendor.plays, {})
            await bench.connection.plays.send_plays(plays)
            (sent,) = bench.asked(bench.vendor.plays)
            assert [event["content_id"] for event in sent.body["events"]] == [5, "6"]
            bare = [{name: event[name] for name in event.keys() - bench.vendor.adds} for event in sent.body["events"]]
            assert [event["hash"] for event in bare] == [proof.digest(event) for event in bare]

    # --- screenshots

    async def test_a_screenshot_is_tried_again_while_the_way_is_bad_and_given_up_for_a_refusal(self, bench: Bench):
        if isinstance(bench.connection.screenshots, Absent):
            return
        bench.script.on(bench.vendor.screenshots, 503, {}, 403)
        await bench.connection.screenshots.send_screenshot("7", 1_700_000_000.0, (1920, 1080), JPEG)
        assert len(bench.asked(bench.vendor.screenshots)) == 2
        with pytest.raises(ServerDenied):
            await bench.connection.screenshots.send_screenshot("7", 1_700_000_000.0, (1920, 1080), JPEG)

    # ---

    def _content(self, bench: Bench):
        assert not isinstance(bench.connection.content, Absent), "every kind of server has content"
        return bench.connection.content
