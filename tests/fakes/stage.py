"""A `core.ports.StagePort` that remembers what it was asked."""

from __future__ import annotations

from typing import Any

from player.core.cover import StageState
from player.core.ports.stage import StageStatus
from player.errors import BoxError


class FakeStage:
    """`away` makes it unreachable; `answers` gives the result, or the refusal (a text), of an op."""

    def __init__(self) -> None:
        self.status: StageStatus | None = StageStatus(state=StageState.PLAYING)
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.answers: dict[str, dict[str, Any] | str] = {}
        self.away = False

    async def ask(self, op: str, **args: Any) -> dict[str, Any]:
        if self.away:
            raise BoxError("stage", "is away")
        self.asked.append((op, args))
        answer = self.answers.get(op, {})
        if isinstance(answer, str):
            raise BoxError("stage", answer)
        return answer

    def ops(self) -> list[str]:
        return [op for op, _ in self.asked]
