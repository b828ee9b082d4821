"""An applet's page as its host has it, without a browser: what is read of it, what is done of that, and what it is told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from player.core.allowance import Allowance
from player.core.applet_host import PageDeed, plays_of_pages
from player.core.applet_layout import applet_item
from player.core.applets import AppletRun
from player.core.ports.applets import AppletEvent, AppletPlayed, AppletSpoke, AppletTapped, CommandedPage
from player.errors import BoxError
from player.stage.web.applet_page import (
    BINDING,
    EXAMINED_S,
    LARGEST,
    LONGEST_FAILURE,
    READ_AT_ONCE,
    READ_EACH_S,
    WORLD,
    AppletPage,
)

ORIGIN, OUR_WORLD = "https://f00d.package.example", 7
WHERE = {"uri": "film.mp4", "x": 0, "y": 1, "width": 64, "height": 36}


class Stand:
    """Who stands behind the page, and keeps what he hears."""

    def __init__(self) -> None:
        self.pages: list[CommandedPage] = []
        self.told: list[AppletEvent] = []
        self.asked: list[PageDeed] = []

    @property
    def plays(self) -> Allowance:
        return plays_of_pages()

    def here(self, page: CommandedPage) -> None:
        self.pages.append(page)

    def gone(self, page: CommandedPage) -> None:
        if page in self.pages:
            self.pages.remove(page)

    def own_folder(self, applet: str) -> Path:
        return Path("/own") / applet

    def tell(self, event: AppletEvent) -> None:
        self.told.append(event)

    def ask(self, page: CommandedPage, deed: PageDeed) -> None:
        assert page in self.pages
        self.asked.append(deed)


class Hosted:
    """A page, the browser's end of it, and a clock. `posted` are the browser's calls of which no answer is waited for."""

    def __init__(self, *, files: str = "f00d", scope: int = 2) -> None:
        run = AppletRun("menu", "1.0.0", {"title": "Menu"}, files=files, scope=scope, told={"auth_hash": "a1", "model": "Pi"})
        self.stand, self.now = Stand(), 0.0
        self.item = applet_item(run, "t", 0)
        self.page = AppletPage(self.item, self.stand, lambda: self.now)
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.posted: list[tuple[str, dict[str, Any]]] = []
        self.evaluated: dict[str, Any] = {}

    async def call(self, method: str, **params: Any) -> dict[str, Any]:
        self.calls.append((method, params))
        return {"identifier": "script 1"} if method == "Page.addScriptToEvaluateOnNewDocument" else self.evaluated

    def post(self, method: str, **params: Any) -> None:
        self.posted.append((method, params))

    async def begin(self) -> None:
        await self.page.begin(self.call, self.post, ORIGIN)
        self.hear({"begun": True})

    def hear(self, told: object, context: int = OUR_WORLD, name: str = BINDING) -> None:
        payload = told if isinstance(told, str) else json.dumps(told)
        self.page.heard({"name": name, "payload": payload, "executionContextId": context})

    def say(self, kind: str, uid: str = "u1", context: int = OUR_WORLD, **fields: Any) -> None:
        self.hear({"said": {"type": f"hug.{kind}", "invocationUid": uid, **fields}}, context)

    def said(self) -> list[Any]:
        """The messages that the page was given since it was looked at last; each into its own document and nowhere else."""
        found = []
        for method, params in self.posted:
            if method == "Runtime.evaluate" and "contextId" not in params:
                start, end = f"location.origin === {json.dumps(ORIGIN)} && window.postMessage(JSON.parse(", ", location.origin)"
                assert params["expression"].startswith(start)
                assert params["expression"].endswith(end)
                found.append(json.loads(json.JSONDecoder().raw_decode(params["expression"].removeprefix(start))[0]))
        self.posted.clear()
        return found


@pytest.fixture
async def hosted() -> Hosted:
    made = Hosted()
    await made.begin()
    return made


def test_its_package_is_the_folder_of_that_name_however_deep_its_page_lies():
    page = Hosted().page
    assert page.root("/cache/built/f00d/dist/index.html") == Path("/cache/built/f00d")
    assert page.root("/cache/built/beef/index.html") is None
    assert page.root(None) is None
    assert Hosted(files="").page.root("/cache/index.html") is None
    assert (page.applet, page.version, page.scope, page.own) == ("menu", "1.0.0", 2, Path("/own/menu"))


async def test_what_listens_lies_in_a_world_of_its_own_and_goes_with_the_page(hosted: Hosted):
    (bound, binding), (added, script) = hosted.calls
    assert (bound, binding) == ("Runtime.addBinding", {"name": BINDING, "executionContextName": WORLD})
    assert (added, script["worldName"]) == ("Page.addScriptToEvaluateOnNewDocument", WORLD)
    assert f"location.origin !== {json.dumps(ORIGIN)}" in script["source"]
    assert hosted.stand.pages == [hosted.page]
    hosted.page.end()
    assert hosted.stand.pages == []
    left = [("Page.removeScriptToEvaluateOnNewDocument", {"identifier": "script 1"}), ("Runtime.removeBinding", {"name": BINDING})]
    assert hosted.posted == left
    hosted.page.end()
    hosted.page.command({"type": "go"})
    hosted.say("device_info.get_device_name")
    assert hosted.posted == left, "nobody is told anything any more"
    with pytest.raises(BoxError, match="its page is left"):
        await hosted.page.examine("go()")


@pytest.mark.parametrize(
    "params",
    [{"name": "other"}, {"payload": 7}, {"payload": '{"tapped": true}' + " " * LARGEST}, {"payload": "{"}, {"payload": "[]"},
     {"payload": "[" * 100_000}, {"payload": '"tapped"'}, {"executionContextId": 8}],
)  # fmt: skip
async def test_what_is_none_of_its_hosts_words_is_not_read(hosted: Hosted, params: dict[str, Any]):
    tapped = {"name": BINDING, "payload": '{"tapped": true}', "executionContextId": OUR_WORLD}
    hosted.page.heard(tapped | params)
    assert hosted.stand.told == []
    hosted.page.heard(tapped)
    assert hosted.stand.told == [AppletTapped()]


async def test_only_the_document_that_began_last_is_listened_to(hosted: Hosted):
    hosted.hear({"begun": True}, context=8)
    for context in (OUR_WORLD, 8):
        hosted.say("command.dispatch", context=context, command={"type": f"From{context}"})
    assert hosted.stand.told == [AppletSpoke("menu", {"type": "From8"})]
    hosted.say("file_system.exists", context=8)
    hosted.hear({"begun": True}, context=9)
    hosted.said()
    hosted.page.answered("u1", True)
    assert hosted.said() == [], "who asked is gone"


async def test_no_more_is_read_than_its_allowance(hosted: Hosted):
    for _ in range(READ_AT_ONCE):
        hosted.hear({"tapped": True})
    assert len(hosted.stand.told) == READ_AT_ONCE - 1, "that it began is read too"
    hosted.now = READ_EACH_S
    hosted.hear({"tapped": True})
    assert len(hosted.stand.told) == READ_AT_ONCE


async def test_it_is_greeted_and_commanded_and_what_it_says_goes_where_it_belongs(hosted: Hosted):
    hosted.page.command({"type": "go", "text": '"</script>é\u2028'})
    assert hosted.said() == []
    hosted.hear({"said": {"type": "hug_api.ready"}})
    *greeting, command = hosted.said()
    assert [message["type"] for message in greeting] == [
        "hug.applet_version.update", "hug.config.update", "hug.auth_hash.update", "hug.front_display_version.update",
    ]  # fmt: skip
    assert (greeting[1]["config"], greeting[2]["authHash"]) == ({"title": "Menu"}, "a1")
    assert command["command"] == {"type": "go", "text": '"</script>é\u2028'}
    play = {"type": "PoP.ItemPlayed", "itemName": "Dish"}
    hosted.say("command.dispatch", command=play)
    spoke, played = hosted.stand.told
    assert spoke == AppletSpoke("menu", play)
    assert isinstance(played, AppletPlayed)
    assert (played.item, played.play.name) == (hosted.item, "Dish")
    assert [message["type"] for message in hosted.said()] == ["hug.invocation.success"]
    hosted.say("management.get_model")
    assert hosted.said()[0]["model"] == "Pi"


async def test_what_it_asks_for_is_done_elsewhere_and_answered_here(hosted: Hosted):
    for uid in ("u1", "u2"):
        hosted.say("file_system.exists", uid, filePath="a")
    assert hosted.stand.asked == [PageDeed(uid, "file_system.exists", {"filePath": "a"}) for uid in ("u1", "u2")]
    hosted.page.answered("u1", True)
    hosted.page.refused("u2", "no")
    done, not_done = hosted.said()
    assert (done["invocationUid"], done["exists"]) == ("u1", True)
    assert (not_done["invocationUid"], not_done["error"]["message"]) == ("u2", "no")
    hosted.say("restore")
    assert ("Page.reload", {}) in hosted.posted


async def test_a_moment_in_an_answer_is_a_date_in_the_page_and_nowhere_else(hosted: Hosted):
    hosted.say("management.get_current_time_with_timezone")
    hosted.page.answered("u1", {"currentDate": 1000})
    hosted.hear({"said": {"type": "hug_api.ready"}})
    answer, *greeting = [params["expression"] for _, params in hosted.posted]
    assert "new Date(held)" in answer
    assert not any("new Date" in expression for expression in greeting)


async def test_a_video_is_played_by_what_listens_and_its_end_told_to_the_page(hosted: Hosted):
    hosted.say("video.play", **WHERE)
    (method, params), *_ = hosted.posted
    assert (method, params["contextId"]) == ("Runtime.evaluate", OUR_WORLD)
    assert params["expression"] == f'globalThis.signageVideo("play", JSON.parse({json.dumps(json.dumps(WHERE))}))'
    hosted.said()
    hosted.hear({"video": "ended", "asked": WHERE, "message": "none"})
    hosted.hear({"video": "error", "asked": WHERE, "message": "x" * 501})
    hosted.hear({"video": "ended", "asked": "film.mp4"})
    ended, broken = hosted.said()
    assert ended == {"type": "hug.video.ended", **WHERE}
    assert broken == {"type": "hug.video.error", **WHERE, "message": "x" * 500}


async def test_what_cannot_be_passed_on_is_refused(hosted: Hosted):
    hosted.say("file_system.write_file", contents="\ud800")
    assert hosted.stand.asked == []
    assert [message["error"]["code"] for message in hosted.said()] == ["BAD_MESSAGE"]


@pytest.mark.parametrize(
    ("thrown", "failure"),
    [(None, ""), ({"exception": {"description": "Error: torn", "value": "x"}, "text": "Uncaught"}, "Error: torn"),
     ({"exception": {"value": "later"}, "text": "Uncaught"}, "later"), ({"text": "Uncaught"}, "Uncaught"),
     ({"text": "x" * (LONGEST_FAILURE + 1)}, "x" * LONGEST_FAILURE), ("nonsense", "")],
)  # fmt: skip
async def test_a_script_is_run_among_the_pages_own_and_what_it_threw_is_told(hosted: Hosted, thrown: object, failure: str):
    hosted.evaluated = {"result": {}, "exceptionDetails": thrown} if thrown else {"result": {}}
    assert await hosted.page.examine("await go()") == failure
    method, params = hosted.calls[-1]
    assert method == "Runtime.evaluate"
    assert (params["deadline_s"], params["timeout"], params["awaitPromise"]) == (EXAMINED_S, EXAMINED_S * 1000, True)
    assert "contextId" not in params
    assert f"if (location.origin !== {json.dumps(ORIGIN)}) throw" in params["expression"]
    assert params["expression"].index("throw") < params["expression"].index("await go()")
