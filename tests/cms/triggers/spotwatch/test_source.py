"""Spotwatch's driver at a scripted server and at the embedded one: queue, calls, advertisements asked for, floods, bad answers."""

from __future__ import annotations

import contextlib
import json
import logging
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import ClientSession, web

from player import cms
from player.cms.http import ServerHttp
from player.cms.triggers.spotwatch.adverts import KEPT, KEPT_S, TOGETHER, Adverts
from player.cms.triggers.spotwatch.api import AT_ONCE, PAGES, SpotwatchApi
from player.cms.triggers.spotwatch.connection import connect
from player.cms.triggers.spotwatch.keys import Keys
from player.cms.triggers.spotwatch.source import SET_AGAIN_S, WAITING, Spotwatch
from player.cms.triggers.spotwatch.words import ReadBroadcast
from player.core.ports.server import Missed, Reached
from player.core.ports.triggers import HookAnswer, Misread, OtherSort, Triggered
from player.core.triggers import Broadcast
from player.core.vocabulary import Vocabulary
from player.demo.spotwatch.server import DEMO_KEY, SpotwatchServer
from player.errors import ServerBusy, ServerDenied, ServerNonsense, ServerRefused
from tests.cms.contract import DEEP, HALF, PORTAL, QuickClock
from tests.fakes.clock import FakeClock
from tests.fakes.running import eventually, running
from tests.fakes.server import Script, Scripted, Seen, scripted_server
from tests.fakes.spotwatch import FakeTriggerInbox, message, pushed
from tests.fakes.way_out import STRAIGHT

SET, QUEUE, AD, BATCH = "/set-push-broadcast", "/get-message-queue", "/get-ad", "/batch"
KEY = "secret-key-0123456789"
OURS = "https://box.example.com"
NO_AD = {"code": 400, "reply": {"brand": "of none"}}


def words(text: str, status: int = 200) -> web.Response:
    return web.Response(text=text, status=status)


@pytest.fixture
async def script() -> AsyncIterator[Script]:
    async with scripted_server() as made:
        made.on(SET, words("Push endpoint set."))
        made.on(QUEUE, {"messages": []})
        yield made


@contextlib.asynccontextmanager
async def connected(url: str, receive: str = "queue", key: str = KEY) -> AsyncIterator[tuple[Spotwatch, FakeTriggerInbox]]:
    given = Keys(url=url, key=key, receive=receive)  # type: ignore[arg-type]  # one of two words
    inbox = FakeTriggerInbox()
    async with connect(given, OURS, QuickClock(), STRAIGHT) as source, running(source.run(inbox)):
        yield source, inbox


# --- the queue


async def test_the_queue_is_set_once_and_emptied_and_the_key_stands_in_a_header_alone(script: Script):
    script.on(QUEUE, {"messages": [pushed(message(1)), pushed(message(2))]}, {"messages": []})
    async with connected(script.url) as (source, inbox):
        came = await eventually(lambda: inbox.of(Triggered))
        await eventually(lambda: len(script.asked(QUEUE)) >= 2)
    assert [event.broadcast.id for event in came] == ["1", "2"]
    assert came[0].broadcast.preview == f"{script.url}/9dgnbp81g6jndapeazyy"
    (set_up,) = script.asked(SET)
    assert set_up.body["url"] == "/message-queue"
    assert set_up.body["time_fmt"] == "unix"
    assert {"brand", "categories", "self_promo"} <= set(set_up.body["ad_fields"])
    assert {one.headers["Authorization"] for one in script.seen} == {f"key {KEY}"}
    assert KEY not in json.dumps([[one.body, one.query, one.path] for one in script.seen])
    assert source.place == script.url
    assert {type(one.offset_s) for one in inbox.of(Reached)} == {float}
    assert {one.path for one in script.seen} == {SET, QUEUE}, "what came whole is not asked for"
    assert script.asked(QUEUE)[0].body == {"num_messages": AT_ONCE}


async def test_a_full_answer_is_followed_by_the_next_at_once(script: Script):
    full = {"messages": [pushed(message(number)) for number in range(AT_ONCE)]}
    script.on(QUEUE, full, full, full, {"messages": []})
    async with connected(script.url) as (_, inbox):
        await eventually(lambda: len(inbox.of(Triggered)) == 3 * AT_ONCE)
        assert len(script.asked(QUEUE)) <= 4


async def test_a_queue_that_is_not_ours_any_more_is_set_again(script: Script):
    script.on(QUEUE, words("No message queue.", 400), {"messages": [pushed(message())]})
    async with connected(script.url) as (_, inbox):
        await eventually(lambda: inbox.of(Triggered), 20)
    (missed,) = inbox.of(Missed)
    assert isinstance(missed.error, ServerRefused)
    assert "No message queue." in str(missed.error)
    assert len(script.asked(SET)) == 2


async def test_a_key_that_is_refused_says_so_and_never_itself(script: Script):
    script.on(SET, words(f"Invalid API key {KEY}.", 403))
    async with connected(script.url) as (_, inbox):
        (missed, *_) = await eventually(lambda: inbox.of(Missed))
    assert isinstance(missed.error, ServerDenied)
    assert "check the key (spotwatch.key)" in str(missed.error)
    assert KEY not in str(missed.error)


async def test_a_key_that_is_revoked_is_told_and_the_queue_goes_on_when_it_is_valid_again(script: Script):
    script.on(QUEUE, {"messages": [pushed(message(1))]}, words("Invalid API key.", 403), {"messages": [pushed(message(2))]})
    async with connected(script.url) as (_, inbox):
        await eventually(lambda: len(inbox.of(Triggered)) >= 2, 20)
    (missed,) = inbox.of(Missed)
    assert (isinstance(missed.error, ServerDenied), "check the key (spotwatch.key)" in str(missed.error)) == (True, True)


async def test_whose_endpoint_is_replaced_is_logged_once(script: Script, caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.INFO)
    script.on(SET, words("Push endpoint set to [/message-queue]. It replaces [https://another.example/]."))
    clock, inbox = FakeClock(), FakeTriggerInbox()
    async with connect(Keys(url=script.url, key=KEY), OURS, clock, STRAIGHT) as source, running(source.run(inbox)):
        await eventually(lambda: inbox.of(Reached), 20)
        clock.forward(SET_AGAIN_S)
        await eventually(lambda: len(script.asked(SET)) == 2, 20)
    assert caplog.text.count("It replaces [https://another.example/].") == 1


@pytest.mark.parametrize("answer", [500, PORTAL, HALF, DEEP, words("busy", 503), {"messages": None}, "no object", 7])
async def test_after_whatever_was_answered_it_goes_on(script: Script, answer: Scripted | str):
    script.on(QUEUE, web.json_response(answer) if isinstance(answer, str | int) and answer != 500 else answer,
              {"messages": [pushed(message())]})  # fmt: skip
    async with connected(script.url) as (_, inbox):
        await eventually(lambda: inbox.of(Triggered), 20)


async def test_one_message_that_cannot_be_read_costs_itself(script: Script):
    bad = [None, 5, pushed({}), pushed(message(detected="soon")), {"push_type": "weather"}, pushed(message(7))]
    script.on(QUEUE, {"messages": bad}, {"messages": []})
    async with connected(script.url) as (_, inbox):
        (came,) = await eventually(lambda: inbox.of(Triggered))
    assert came.broadcast.id == "7"
    assert [event.code for event in inbox.of(Misread)] == ["bad_broadcast"] * 4
    assert inbox.of(OtherSort) == [OtherSort("weather")]


# --- advertisements


async def test_advertisements_that_came_by_their_ids_are_asked_for_together_and_kept(script: Script):
    def bare(number: int, ad: int) -> dict[str, Any]:
        said = message(number) | {"ad": ad}
        return pushed(said | {"broadcast": said["broadcast"] | {"ad": ad}})

    def known(seen: Seen) -> dict[str, Any]:
        found = {one["mapkey"]: one["args"]["id"] for one in seen.body["requests"]}
        return {key: {"code": 200, "reply": {"brand": f"brand {ad}", "duration": 5}} if ad != 13 else NO_AD
                for key, ad in found.items()}  # fmt: skip

    script.on(BATCH, known)
    script.on(AD, {"brand": "one more"})
    script.on(QUEUE, {"messages": [bare(1, 11), bare(2, 12), bare(3, 13), bare(4, 11)]}, {"messages": [bare(5, 11), bare(6, 14)]},
              {"messages": []})  # fmt: skip
    async with connected(script.url) as (_, inbox):
        await eventually(lambda: len(inbox.of(Triggered)) == 6)
    brands = [event.broadcast.brand for event in inbox.of(Triggered)]
    assert brands == ["brand 11", "brand 12", "", "brand 11", "brand 11", "one more"]
    assert len(script.asked(BATCH)) == 1
    (single,) = script.asked(AD)
    assert (single.body["id"], "brand" in single.body["ad_fields"]) == (14, True)


async def test_without_an_answer_about_them_broadcasts_are_told_as_they_came(script: Script):
    script.on(AD, 500)
    script.on(QUEUE, {"messages": [pushed(message() | {"ad": 5})]}, {"messages": []})
    async with connected(script.url) as (_, inbox):
        (came, *_) = await eventually(lambda: inbox.of(Triggered))
    assert (came.broadcast.brand, came.broadcast.channel) == ("", "sport1")


def showings(first: int, last: int) -> list[ReadBroadcast]:
    """One of each of these advertisements, of which nothing else is told."""
    return [ReadBroadcast(Broadcast("spotwatch", str(ad), str(ad)), lacks_ad=True) for ad in range(first, last)]


async def test_what_is_known_of_an_advertisement_is_kept_for_a_day_and_of_the_newest_alone(script: Script):
    def known(seen: Seen) -> dict[str, Any]:
        return {one["mapkey"]: {"code": 200, "reply": {"brand": "b"}} for one in seen.body["requests"]}

    def asked() -> set[str]:
        singles = {str(one.body["id"]) for one in script.asked(AD)}
        return singles | {one["mapkey"] for call in script.asked(BATCH) for one in call.body["requests"]}

    clock = FakeClock()
    script.on(BATCH, known)
    script.on(AD, {"brand": "b"})
    async with ClientSession() as session:
        adverts = Adverts(
            SpotwatchApi(ServerHttp(session, script.url, STRAIGHT, clock=clock, secrets=(), budget=None)), script.url, clock
        )
        assert [one.brand for one in await adverts.completed(showings(0, 1))] == ["b"]
        script.seen.clear()
        clock.forward(KEPT_S - 1)
        await adverts.completed(showings(0, 1))
        assert asked() == set()
        clock.forward(2)
        await adverts.completed(showings(0, 1))
        assert asked() == {"0"}
        for first in range(1, KEPT + 1, TOGETHER):
            await adverts.completed(showings(first, first + TOGETHER))
        script.seen.clear()
        await adverts.completed([*showings(0, 1), *showings(KEPT, KEPT + 1)])
        assert asked() == {"0"}, "the oldest made room"


# --- calls


async def test_a_call_has_to_bring_the_token_that_was_set(script: Script):
    async with connected(script.url, "webhook") as (source, inbox):
        (asked,) = await eventually(lambda: script.asked(SET))
        token = asked.body["token"]
        assert (asked.body["url"], source.hook) == (f"{OURS}/hooks/spotwatch", "/hooks/spotwatch")
        for wrong in ({}, {"token": ""}, {"token": token[:-1]}, {"token": None}, {"token": ["x"]}, {"token": "é"}):
            answer = await source.called(json.dumps(pushed(message(1)) | wrong).encode())
            assert answer.status == 403
        assert (await source.called(b'{"token": ')).status == 400
        assert (await source.called(b"\xff")).status == 400
        assert (await source.called(b'{"token": "\xff"}')).status == 400
        assert (await source.called(b"[1]")).status == 403
        assert await source.called(json.dumps(pushed(message(2), token=token)).encode()) == HookAnswer(200)
        assert await source.called(json.dumps({"messages": [pushed(message(3))], "token": token}).encode()) == HookAnswer(200)
        await eventually(lambda: len(inbox.of(Triggered)) == 2)
    assert [event.broadcast.id for event in inbox.of(Triggered)] == ["2", "3"]
    assert script.asked(QUEUE) == []


async def test_a_ping_is_answered_with_its_own_word_and_not_with_a_wrong_token(script: Script):
    async with connected(script.url, "webhook") as (source, _):
        token = (await eventually(lambda: script.asked(SET)))[0].body["token"]
        assert await source.called(b'{"ping": "abc"}') == HookAnswer(200, "abc")
        assert await source.called(json.dumps({"ping": "abc", "token": token}).encode()) == HookAnswer(200, "abc")
        assert (await source.called(b'{"ping": "abc", "token": "x"}')).status == 403
        assert len((await source.called(json.dumps({"ping": "a" * 10**6}).encode())).text) == 1000


async def test_whoever_asks_for_no_calls_gets_none(script: Script):
    async with connected(script.url) as (source, _):
        assert source.hook == ""
        assert (await source.called(json.dumps(pushed(message(), token="")).encode())).status == 403
        assert (await source.called(b'{"ping": "abc"}')).status == 403


async def test_of_a_flood_the_newest_are_told_and_the_rest_is_counted(script: Script):
    async with connected(script.url, "webhook") as (source, inbox):
        token = (await eventually(lambda: script.asked(SET)))[0].body["token"]
        await eventually(lambda: inbox.of(Reached))
        flood = [pushed(message(number)) for number in range(WAITING + 500)]
        assert (await source.called(json.dumps({"token": token, "messages": flood}).encode())).status == 200
        await eventually(lambda: len(inbox.of(Triggered)) == WAITING, 20)
    (misread,) = inbox.of(Misread)
    assert (misread.code, misread.count) == ("broadcast_flood", 500)
    assert inbox.of(Triggered)[-1].broadcast.id == str(WAITING + 499)


# --- pages


async def test_pages_are_followed_at_the_same_host_and_not_in_circles(script: Script):
    rows = [{"id": 1, "ad_brand": "a"}]
    path = "/hl0fserktnimhbcnfcmq"
    script.on("/get-broadcasts", {"page": {"next": path}, "results": rows})
    script.on(path, {"page": {"next": path}, "results": [{"id": 2}, None]})
    async with connect(Keys(url=script.url, key=KEY), "", QuickClock(), STRAIGHT) as source:
        found = await source.api.broadcasts(5.0)
        assert [row.get("id") for row in found] == [1, 2, None]
        assert len(script.asked(path)) == 1
        host = script.url.removeprefix("http://")
        for elsewhere in (f"https://{host}/x", f"//{host}/x", f"/{script.url}/x", "//[", "/a/../b", 5, {"a": 1}):
            script.on("/get-broadcasts", {"page": {"next": elsewhere}, "results": rows})
            assert len(await source.api.broadcasts(5.0)) == 1
        assert script.asked("/x") == []
        script.on("/get-broadcasts", {"page": {"next": "/p0"}})
        for number in range(2 * PAGES):
            script.on(f"/p{number}", {"page": {"next": f"/p{number + 1}"}, "results": [{"id": number}]})
        assert len(await source.api.broadcasts(5.0)) == PAGES
        script.on(QUEUE, web.json_response("x"))
        with pytest.raises(ServerNonsense):
            await source.api.queue()


async def test_the_names_that_it_lists_are_read_and_a_list_that_it_keeps_to_itself_is_none(script: Script):
    script.on("/get-all-brands", ["arabesk", None, 7, {"a": 1}])
    script.on("/get-all-channels", {"de": ["sport1", "vox"], "at": ["orf1"], "ch": None})
    async with connect(Keys(url=script.url, key=KEY), "", QuickClock(), STRAIGHT) as source:
        assert await source.vocabulary() == Vocabulary(("arabesk", "7"), ("sport1", "vox", "orf1"))
        script.on("/get-all-brands", words("Argument(s) missing. Expected [key, region].", 400))
        script.on("/get-all-channels", words("Not for this key.", 403))
        assert await source.vocabulary() == Vocabulary()
        script.on("/get-all-brands", 500)
        with pytest.raises(ServerBusy):
            await source.vocabulary()


# --- the embedded server


async def test_a_whole_life_at_the_embedded_server():
    async with SpotwatchServer(speed=3600.0) as server, connected(server.url, key=DEMO_KEY) as (source, inbox):
        came = await eventually(lambda: inbox.of(Triggered), 20)
        assert came[0].broadcast.brand
        assert came[0].broadcast.detected_at == pytest.approx(came[0].broadcast.received_at, abs=10)
        await server.push(message(5, brand="fiat"))
        await eventually(lambda: [one for one in inbox.of(Triggered) if one.broadcast.brand == "fiat"], 20)
        lately = await source.lately()
        assert len(lately) > 1500
        assert all(one.brand and one.category and one.genre for one in lately)
        names = await source.vocabulary()
        assert {"arabesk", "fiat"} & set(names.brands) == {"arabesk"}
        assert "studio nord" in names.channels
    assert inbox.of(Misread) == []


async def test_the_embedded_server_calls():
    async with SpotwatchServer(speed=1.0) as server:
        app, answers = web.Application(), list[Any]()
        inbox = FakeTriggerInbox()
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        source: Spotwatch | None = None

        async def hooked(request: web.Request) -> web.Response:
            assert source is not None
            answer = await source.called(await request.read())
            answers.append(answer)
            return web.Response(status=answer.status, text=answer.text)

        app.router.add_post("/hooks/spotwatch", hooked)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        at = f"http://127.0.0.1:{runner.addresses[0][1]}"
        try:
            given = Keys(url=server.url, key=DEMO_KEY, receive="webhook")
            async with (
                cms.TRIGGER_SOURCES["spotwatch"].connect(given, at, QuickClock(), STRAIGHT) as source,
                running(source.run(inbox)),
            ):
                await eventually(lambda: inbox.of(Reached), 20)
                await server.push(message(5, brand="fiat"))
                (came,) = await eventually(lambda: inbox.of(Triggered), 20)
                assert came.broadcast.brand == "fiat"
                async with ClientSession() as session, session.post(f"{at}/hooks/spotwatch", json=pushed(message(6))) as refused:
                    assert refused.status == 403
        finally:
            await runner.cleanup()
    assert (answers[0].status, len(answers[0].text)) == (200, 32), "the ping"
