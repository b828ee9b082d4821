"""A name service of a test's own: each name has a row of answers, of which the last one stays; what was asked is written down."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class FakeNames:
    """Is a `runtime.lookup.Resolve`. A name that it does not have is not known; addresses stand for themselves."""

    answers: dict[str, list[list[str]]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def on(self, name: str, *answers: list[str]) -> None:
        self.answers[name] = list(answers)

    async def __call__(self, host: str, _: int) -> list[str]:
        self.asked.append(host)
        queue = self.answers.get(host)
        if queue is None:
            raise OSError(-2, "Name or service not known")
        return queue.pop(0) if len(queue) > 1 else queue[0]
