"""A `core.ports.StagePort` that remembers what it was asked."""

from __future__ import annotations

from typing import TypeVar, cast

from player.core.cover import StageState
from player.core.ports.stage import AnyAnswer, Request, StageStatus
from player.errors import BoxError

A = TypeVar("A")


class FakeStage:
    """`away` makes it unreachable; by the type of a request `answers` gives the answer, or the refusal (a text), `mistakes` what it
    raises."""

    def __init__(self) -> None:
        self.status: StageStatus | None = StageStatus(state=StageState.PLAYING)
        self.asked: list[Request] = []
        self.answers: dict[type[Request], AnyAnswer | str] = {}
        self.mistakes: dict[type[Request], Exception] = {}
        self.away = False

    async def ask(self, request: Request[A]) -> A:
        if self.away:
            raise BoxError("stage", "is away")
        self.asked.append(request)
        if type(request) in self.mistakes:
            raise self.mistakes[type(request)]
        answer = self.answers.get(type(request))
        if isinstance(answer, str):
            raise BoxError("stage", answer)
        return cast("A", answer)

    def was_asked(self, kind: type[Request]) -> bool:
        return any(isinstance(request, kind) for request in self.asked)
