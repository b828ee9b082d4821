"""An adapter's whole life at the embedded server of its kind: both read the same document, and understand each other."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any, Protocol

from player.core.ports.box import Absent, Clock
from player.core.ports.server import (
    CommandResult,
    CommandsCame,
    CommandStatus,
    Connection,
    Device,
    Paired,
    Reached,
    ResultsTaken,
    Telemetry,
    Unpaired,
)
from player.runtime.clock import SystemClock
from tests.fakes.inbox import FakeInbox
from tests.fakes.running import eventually, running
from tests.fakes.samples import make_picture
from tests.fakes.uploads import put_there


class Operator(Protocol):
    """Who sits at the embedded server. Ids are as its API writes them.

    `ordered`: what the command that `order` gives is called here. `adds`: what the adapter adds to an event of proof of play.
    """

    ordered: str
    adds: frozenset[str]

    def connect(self, device: Device, clock: Clock) -> AbstractAsyncContextManager[Connection]: ...
    async def pair(self, code: str) -> None: ...
    async def forget(self) -> None: ...
    async def show(self, picture: Path) -> Any:
        """Has the device show this picture; the content's id."""

    async def order(self) -> Any:
        """Gives a command that does no harm; its id."""

    async def outcome(self, command: Any) -> str:
        """What the server knows of the command's status."""

    async def plays(self) -> list[dict[str, Any]]:
        """Every event that the server has."""


class EmbeddedContract:
    """Derive, and give a fixture `operator`."""

    async def test_a_whole_life(self, operator: Operator, tmp_path: Path):
        inbox, untold = FakeInbox(), list[CommandResult]()

        async def telemetry() -> Telemetry:
            return Telemetry(None, None, 100, 40, 60, True, None, 5, None)

        device = Device(
            uuid="2b1d0b4e-9999-4aaa-8bbb-ccccddddeeee", key="k", model="Box", os_version="12", version="1.0", paired=None,
            telemetry=telemetry, faults=tuple, results=lambda: untold, heartbeat_interval=lambda: 0.05, upload=put_there,
        )  # fmt: skip
        async with operator.connect(device, SystemClock()) as server:
            assert not isinstance(server.rhythm, Absent)
            async with running(server.rhythm.run(inbox)):
                first = (await eventually(lambda: inbox.of(Unpaired)))[0]
                await operator.pair(first.code)
                assert (await eventually(lambda: inbox.of(Paired)))[0].name == "Lobby"
                await self._content(server, operator, make_picture(tmp_path / "picture.png"))
                await self._command(server, operator, inbox, untold)
                await self._plays(server, operator)
                before = len(inbox.of(Unpaired))
                await operator.forget()
                await eventually(lambda: len(inbox.of(Unpaired)) > before)

    async def _content(self, server: Connection, operator: Operator, picture: Path) -> None:
        content = await operator.show(picture)
        assert not isinstance(server.content, Absent)
        programme = await server.content.programme()
        (item,) = (one for layout in programme.layouts for region in layout.regions for one in region.playlist.items)
        assert (item.content_id, item.server, programme.faults) == (str(content), "k", ())
        assert ("content_id" in item.numbers) is isinstance(content, int)

    async def _command(self, server: Connection, operator: Operator, inbox: FakeInbox, untold: list[CommandResult]) -> None:
        if isinstance(server.commands, Absent):
            return
        given = await operator.order()
        ((command,), *_) = [one.commands for one in await eventually(lambda: inbox.of(CommandsCame))]
        assert (command.id, command.type, command.numbered) == (str(given), operator.ordered, isinstance(given, int))
        assert not isinstance(server.results, Absent)
        untold.append(CommandResult(command.id, operator.ordered, CommandStatus.SUCCEEDED, "on", 5.0, 6.0, {}, command.numbered))
        if not await server.results.send_result(untold[0]):
            await eventually(lambda: inbox.of(ResultsTaken))
        untold.clear()
        assert await operator.outcome(given) == "succeeded"
        told = len(inbox.of(CommandsCame))
        reached = len(inbox.of(Reached))
        await eventually(lambda: len(inbox.of(Reached)) > reached + 2)
        assert len(inbox.of(CommandsCame)) <= told + 1  # one answer may have been under way

    async def _plays(self, server: Connection, operator: Operator) -> None:
        if isinstance(server.plays, Absent):
            return
        events = [{"id": f"0190-{n}", "seq": n, "content_id": n} for n in range(3)]
        for _ in range(2):  # what is sent again counts once
            assert sorted(await server.plays.send_plays(events)) == [event["id"] for event in events]
        bare = [{name: value for name, value in event.items() if name not in operator.adds} for event in await operator.plays()]
        assert bare == events
