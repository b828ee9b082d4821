"""From a broadcast to the stage: who is asked to show what, what is counted, and what costs nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import pytest

from player.agent.triggers.stand_by import LikelyRules, WithStandBy
from player.agent.triggers.watch import LAST, TriggerWatch
from player.core.content import Programme, WantedAsset
from player.core.faults import FaultBook
from player.core.ports.box import Absent
from player.core.ports.server import Missed, Reached
from player.core.ports.stage import ShowTrigger, TriggerSeen
from player.core.ports.triggers import Misread, OtherSort, Triggered
from player.core.triggers import REFUSED_S, Broadcast, TriggerRule
from player.errors import ServerUnreachable
from tests.fakes.clock import FakeClock
from tests.fakes.faults import fault_page
from tests.fakes.running import eventually, running
from tests.fakes.stage import FakeStage

COFFEE = TriggerRule("coffee", "file:a.png", category=("coffee",), cooldown_s=0.0)


class Box:
    def __init__(self, *rules: TriggerRule) -> None:
        self.stage, self.clock, self.book = FakeStage(), FakeClock(), FaultBook()
        self.stage.answers[ShowTrigger] = TriggerSeen(self.now + 0.2)
        self.watch = TriggerWatch("spotwatch.example", rules, self.stage, self.clock, fault_page(self.book, clock=self.clock))

    @property
    def now(self) -> float:
        return self.clock.now().timestamp()

    async def sees(self, number: int, age_s: float = 1.0, **more: object) -> None:
        made = Broadcast(
            "spotwatch", str(number), brand="arabesk", category=("coffee",), channel="one", detected_at=self.now - age_s,
            received_at=self.now, **more,  # type: ignore[arg-type]  # of a test
        )  # fmt: skip
        await self.watch.put(Triggered(made))

    @property
    def shown(self) -> list[str]:
        return [request.told["broadcast_id"] for request in self.stage.asked if isinstance(request, ShowTrigger)]


async def test_what_fits_is_shown_and_what_came_of_it_is_told():
    box = Box(COFFEE)
    async with running(box.watch.run()):
        await box.watch.put(Reached(0.4))
        await box.sees(1, preview="https://x.example/p")
        await box.sees(1)
        await eventually(lambda: box.watch.figures.shown == 1)
    figures = box.watch.figures
    assert (figures.source, figures.online, figures.received, figures.shown) == ("spotwatch.example", True, 2, 1)
    (last,) = figures.last
    assert (last.name, last.broadcast_id, last.shown_at, last.preview) == ("coffee", "1", box.now + 0.2, "https://x.example/p")
    (asked,) = box.stage.asked
    assert isinstance(asked, ShowTrigger)
    assert (asked.name, asked.told["brand"], asked.told["channel"]) == ("coffee", "arabesk", "one")
    assert repr(box.watch) == "<triggers of spotwatch.example: 2 received, 1 shown>"


async def test_what_the_stage_cannot_show_is_told_with_its_reason():
    box = Box(COFFEE)
    box.stage.answers[ShowTrigger] = '"coffee" is not shown: the screen is covered'
    async with running(box.watch.run()):
        await box.sees(1)
        await eventually(lambda: box.watch.figures.last)
    (last,) = box.watch.figures.last
    assert (last.shown_at, last.because, box.watch.figures.shown) == (None, '"coffee" is not shown: the screen is covered', 0)


async def test_a_rule_that_was_not_shown_may_answer_soon_and_not_only_when_it_has_rested():
    box = Box(replace(COFFEE, cooldown_s=600.0))
    box.stage.answers[ShowTrigger] = '"coffee" is not shown: the screen is covered'
    async with running(box.watch.run()):
        await box.sees(1)
        await eventually(lambda: box.watch.figures.last)
        box.stage.answers[ShowTrigger] = TriggerSeen(box.now)
        box.clock.forward(REFUSED_S)
        await box.sees(2)
        await eventually(lambda: box.watch.figures.shown == 1)


async def test_of_what_was_answered_the_last_are_told_the_newest_first():
    box = Box(COFFEE)
    async with running(box.watch.run()):
        for number in range(LAST + 5):
            await box.sees(number)
            await eventually(lambda number=number: box.watch.figures.shown == number + 1)  # type: ignore[misc]  # it is this round's
    assert [one.broadcast_id for one in box.watch.figures.last] == [str(number) for number in range(LAST + 4, 4, -1)]


async def test_a_delay_is_waited_and_others_are_not_held_up_by_it():
    slow = TriggerRule("slow", "file:b.png", channel=("one",), delay_s=0.3, cooldown_s=600.0, priority=5)
    box = Box(slow, COFFEE)
    async with running(box.watch.run()):
        await box.sees(1)
        await box.sees(2)
        await eventually(lambda: box.shown == ["2", "1"])


async def test_lateness_is_judged_by_the_sources_clock():
    box = Box(COFFEE)
    async with running(box.watch.run()):
        await box.watch.put(Reached(3600.0))
        await box.sees(1, age_s=-3590.0)
        await box.sees(2, age_s=-3595.0)
        await box.watch.put(Reached(1.0))
        await box.sees(3, age_s=9.5)
        await eventually(lambda: box.watch.figures.shown == 3)
        await box.watch.put(Reached(3600.0))
        await box.sees(4, age_s=9.5)
        await asyncio.sleep(0.05)
    assert box.shown == ["1", "2", "3"]


async def test_a_source_that_is_away_is_a_fault_until_it_is_back():
    box = Box(COFFEE)
    await box.watch.put(Missed(ServerUnreachable("https://x.example", "no connection")))
    (fault,) = box.book.faults
    assert (fault.code, box.watch.figures.online) == ("server_unreachable", False)
    assert fault.message.startswith("Spotwatch: https://x.example cannot be reached")
    await box.watch.put(Reached(None))
    assert box.book.faults == ()


async def test_what_cannot_be_read_is_a_fault_for_an_hour_and_what_is_unknown_is_counted():
    box = Box(COFFEE)
    await box.watch.put(Misread("bad_broadcast", "a message of Spotwatch cannot be read: it is no object"))
    await box.watch.put(Misread("broadcast_flood", "500 broadcasts came faster", 500))
    for number in range(100):
        await box.watch.put(OtherSort("weather"))
        await box.watch.put(OtherSort(f"sort {number}"))
    assert (box.watch.figures.unread, box.watch.figures.passed_over["weather"], len(box.watch.figures.passed_over)) == (
        501,
        100,
        20,
    )
    box.clock.forward(1.0)
    await box.watch.put(Reached(None))
    assert {fault.code for fault in box.book.faults} == {"bad_broadcast", "broadcast_flood"}
    box.clock.forward(3601.0)
    await box.watch.put(Reached(None))
    assert box.book.faults == ()


async def test_a_flood_asks_the_stage_no_more_than_the_rules_let_it():
    box = Box(TriggerRule("coffee", "file:a.png", cooldown_s=30.0))
    async with running(box.watch.run()):
        for number in range(1000):
            await box.sees(number)
        await eventually(lambda: box.watch.figures.shown == 1)
    assert (len(box.stage.asked), box.watch.figures.received, len(box.watch.figures.last)) == (1, 1000, 1)


async def test_what_was_on_lately_says_what_is_kept_ready_first():
    rules = [
        TriggerRule(name, f"url:https://x.example/{name}", brand=(name,), priority=high) for name, high in (("a", 5), ("b", 0))
    ]
    answers: list[ServerUnreachable | Broadcast] = [Broadcast("spotwatch", "1", brand="b")]

    async def lately() -> Sequence[Broadcast]:
        answer = answers.pop()
        if isinstance(answer, ServerUnreachable):
            raise answer
        return [answer]

    likely = LikelyRules(rules, lately)
    source = WithStandBy(Absent("content", "no server"), likely, NoFiles(), FakeClock())
    assert [one.trigger for one in (await source.programme()).stand_by] == ["a", "b"]
    async with running(likely.run()):
        await eventually(lambda: [rule.name for rule in likely.rules] == ["b", "a"], 20)
    assert [one.trigger for one in (await source.programme()).stand_by] == ["b", "a"]
    answers.append(ServerUnreachable("https://x.example", "away"))
    async with running(likely.run()):
        await eventually(lambda: not answers, 20)
    assert [rule.name for rule in likely.rules] == ["b", "a"]


async def nothing() -> Sequence[Broadcast]:
    return []


class NoFiles:
    def look(self, _: Sequence[TriggerRule]) -> dict[str, WantedAsset]:
        return {"a.png": WantedAsset("a", "a.png", "image", "stand-by:a.png")}


async def test_without_a_server_there_is_what_stands_by():
    source = WithStandBy(Absent("content", "no server"), LikelyRules([COFFEE], nothing), NoFiles(), FakeClock())
    found = await source.programme()
    assert isinstance(found, Programme)
    assert ([one.trigger for one in found.stand_by], [one.name for one in found.items]) == (["coffee"], ["a.png"])


@pytest.mark.parametrize("name", ["answer.png", "deep/answer.mp4"])
async def test_files_of_triggers_are_found_below_their_folder_and_nowhere_else(tmp_path, name: str):
    from player.cms import trigger_files

    (tmp_path / "shown" / "deep").mkdir(parents=True)
    (tmp_path / "shown" / name).write_bytes(b"picture")
    (tmp_path / "secret.png").write_bytes(b"secret")
    for other in ("notes.docx", "bare.png"):
        (tmp_path / "shown" / other).write_bytes(b"other")
    (tmp_path / "shown" / "link.png").symlink_to(tmp_path / "secret.png")
    files = trigger_files(str(tmp_path / "shown"))
    rules = [TriggerRule(str(n), show) for n, show in enumerate((f"file:{name}", "file:gone.png", "file:notes.docx", "bare.png"))]
    (found,) = files.look(rules).items()
    assert found[0] == name
    opened = files.open(found[1].url)
    assert opened is not None
    with opened:
        assert opened.read() == b"picture"
    for wrong in ("stand-by:../secret.png", "stand-by:link.png", "stand-by:gone.png", "stand-by:deep"):
        with pytest.raises(OSError, match=r".*"):
            files.open(wrong)
    assert files.open("folder:answer.png") is None
    assert trigger_files("").look(rules) == {}
