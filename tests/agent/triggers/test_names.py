"""Names in rules that their source has never told of: a fault while it is so, and none while nobody can know."""

from __future__ import annotations

import asyncio

from player.agent.triggers.names import NameWatch
from player.core.faults import FaultBook
from player.core.triggers import TriggerRule
from player.core.vocabulary import Vocabulary
from player.errors import ServerUnreachable
from tests.fakes.faults import fault_page
from tests.fakes.running import eventually, running

COFFEE = TriggerRule("coffee", "file:a.png", brand=("arabeks",), channel=("one",))


class Source:
    """Answers with these, one after the other, and then waits."""

    def __init__(self, *answers: Vocabulary | ServerUnreachable) -> None:
        self.answers, self.waits = list(answers), asyncio.Event()

    async def vocabulary(self) -> Vocabulary:
        if not self.answers:
            self.waits.set()
            await asyncio.Event().wait()
        answer = self.answers.pop(0)
        if isinstance(answer, ServerUnreachable):
            raise answer
        return answer


async def faults_after(book: FaultBook, *answers: Vocabulary | ServerUnreachable) -> list[tuple[str, str]]:
    for answer in answers:
        source = Source(answer)
        watch = NameWatch([COFFEE], source.vocabulary, fault_page(book))
        async with running(watch.run()):
            await eventually(lambda source=source: not source.answers)  # type: ignore[misc]  # it is this round's
    return [(fault.code, fault.message.partition(",")[0]) for fault in book.faults]


async def test_what_no_list_holds_is_a_fault_until_one_does():
    book, one = FaultBook(), ("One", "two")
    assert await faults_after(book, ServerUnreachable("https://x.example", "away"), Vocabulary()) == []
    wrong = ("trigger_name", 'the trigger coffee waits for the brand "arabeks"')
    assert await faults_after(book, Vocabulary(("arabesk",), one)) == [wrong]
    assert await faults_after(book, ServerUnreachable("https://x.example", "away")) == [wrong]
    assert await faults_after(book, Vocabulary(("arabesk", "Arabeks"), one)) == []
