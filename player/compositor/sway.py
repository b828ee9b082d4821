"""Sway as `Compositor`: windows placed, stacked and faded, panels turned and switched, pictures of the whole screen.

An IPC "success" is never proof: what a panel was told is read back, and a difference is a BoxError. What belongs together (raise
and show, show and hide) goes in one message, which sway carries out in one frame. Sway stacks floating windows in the order of
their last focus; `Stack` knows that order, so that raising content raises the overlays above it again in the same message.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from player.compositor.ipc import GET_OUTPUTS, GET_TREE, GET_VERSION, RUN_COMMAND, SUBSCRIBE, Ipc
from player.compositor.session import SessionInfo, read_info
from player.compositor.stack import Stack
from player.compositor.tree import TURNS, output_of, views, window_of
from player.core.content import Orientation, Rect
from player.core.panels import is_mode
from player.core.ports.screen import CompositorEvent, CompositorGone, Output, OutputsChanged, Window, WindowClosed, WindowOpened
from player.errors import BoxError
from player.runtime.programs import run_program
from player.runtime.systemd import child_environment

log = logging.getLogger(__name__)
_WINDOW_EVENT = 0x80000003
_READ_BACK_S = {"drm": 2.0}  # real panels take their time; without one the answer is there at once
_PICTURE_S = 10.0
_PANELS_S = 1.0


class Sway:
    """The compositor that runs at one IPC socket. Each call has a deadline and opens the connection again when it was lost."""

    def __init__(self, socket: Path, session: SessionInfo, deadline_s: float) -> None:
        self.session = session
        self._socket, self._deadline_s = socket, deadline_s
        self._commands: Ipc | None = None
        self._stack = Stack()
        self._power_word = "power"
        self._turn = asyncio.Lock()

    @classmethod
    async def connect(cls, socket: Path, deadline_s: float = 5.0) -> Sway:
        """Waits up to `deadline_s` until sway answers at `socket` and `compositor.json` beside it tells of its session."""
        sway = cls(socket, await announced(socket, deadline_s), deadline_s)
        await sway.greet()
        return sway

    async def greet(self) -> None:
        """Asks what it is, before anything else is asked."""
        version = await self._ask(GET_VERSION)
        if (version["major"], version["minor"]) < (1, 8):
            self._power_word = "dpms"

    def __repr__(self) -> str:
        return f"sway at {self._socket} ({self.session.backend}, {self.session.renderer})"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Ends the connection; sway goes on."""
        if self._commands is not None:
            self._commands.close()

    async def windows(self) -> Sequence[Window]:
        """Every window, hidden or not."""
        return [window_of(node) for node in views(await self._ask(GET_TREE))]

    async def outputs(self) -> Sequence[Output]:
        """Every panel that is connected and in use."""
        return [output_of(found) for found in await self._ask(GET_OUTPUTS) if found["active"]]

    async def place(self, window_id: int, rect: Rect) -> None:
        """Puts a window there, in pixels of the screen; the client has to draw at that size."""
        await self._run(
            f"[con_id={window_id}] resize set {rect.width} px {rect.height} px, move absolute position {rect.x} px {rect.y} px"
        )

    async def move(self, places: Mapping[int, Rect]) -> None:
        """Puts windows elsewhere, all in one frame; their sizes stay."""
        await self._run(*(_move(window_id, rect) for window_id, rect in places.items()))

    async def opacity(self, window_id: int, value: float) -> None:
        """0 hides, 1 is opaque."""
        await self._run(_opacity(window_id, value))

    async def show_above(self, window_id: int, value: float = 1.0, at: Rect | None = None) -> None:
        """Raises a window to the top of its layer and gives it that opacity, in one frame."""
        await self._run(*_there(window_id, at), *self._raise(window_id), _opacity(window_id, value))

    async def show_together(self, window_ids: Sequence[int]) -> None:
        """Raises windows in this order and shows them, all in one frame."""
        if window_ids:
            await self._run(*(part for window in window_ids for part in (*self._raise(window), _opacity(window, 1.0))))

    async def swap(self, front: int, back: int | None, at: Rect | None = None) -> None:
        """Raises and shows `front`, and hides `back`, in one frame."""
        hide = [] if back is None else [_opacity(back, 0.0)]
        await self._run(*_there(front, at), *self._raise(front), _opacity(front, 1.0), *hide, optional=len(hide))

    def set_layer(self, window_id: int, layer: float) -> None:
        """Windows of a higher layer (0 to 999; 0 at first) stay above those of a lower one when those are raised or shown."""
        self._stack.set_layer(window_id, layer)

    def set_overlays(self, window_ids: Sequence[int]) -> None:
        """Windows that stay above all others, from the bottom to the top; replaces the earlier list."""
        self._stack.set_overlays(window_ids)

    async def turn(self, output: str, orientation: Orientation) -> None:
        """Turns the picture; windows have to be placed again."""
        await self._run(f"output {output} transform {TURNS[orientation]}")
        await self._read_back(output, "orientation", lambda now: now.orientation is orientation, str(orientation))

    async def mode(self, output: str, width: int, height: int, refresh_mhz: int | None = None) -> None:
        """Sets the panel's mode, one of its list or else a custom one; windows have to be placed again."""
        raw = await self._raw_output(output)
        known = {(mode["width"], mode["height"]) for mode in raw.get("modes", ())}
        custom = "" if (width, height) in known else "--custom "
        rate = f"@{refresh_mhz / 1000:.3f}Hz" if refresh_mhz else ""
        await self._run(f"output {output} mode {custom}{width}x{height}{rate}")
        wanted = (width, height, refresh_mhz)
        await self._read_back(output, "mode", lambda now: is_mode(now.mode, wanted), f"{width}x{height}{rate}")

    async def scale(self, output: str, value: float) -> None:
        """How many of the panel's pixels make one of a page's; windows have to be placed again."""
        await self._run(f"output {output} scale {value:g}")
        await self._read_back(output, "scale", lambda now: abs(now.scale - value) < 0.01, f"{value:g}")

    async def power(self, output: str, on: bool) -> None:
        """Switches the panel. BoxError where the backend cannot (headless, nested): the caller draws a curtain instead."""
        await self._run(f"output {output} {self._power_word} {'on' if on else 'off'}")
        try:
            await self._read_back(output, "power", lambda now: now.power is on, "on" if on else "off")
        except BoxError:
            if not on:  # sway keeps what it could not do, and every later setting of the panel would fail with it
                await self._run(f"output {output} {self._power_word} on")
            raise

    async def screenshot(self, path: Path) -> None:
        """Writes what all panels show now to `path`, as PPM."""
        environment = child_environment(None) | {"WAYLAND_DISPLAY": self.session.wayland_display}
        command = ("grim", "-t", "ppm", str(path))
        grim = await run_program("screenshot", command, environment, package="grim", within_s=_PICTURE_S)
        if grim.code:
            await self._explain_failed_picture(grim.complained)

    async def _explain_failed_picture(self, complaint: str) -> None:
        outputs = await self.outputs()
        if not outputs:
            raise BoxError("screenshot", "no panel is connected; connect one")
        if not all(output.power for output in outputs):
            raise BoxError("screenshot", "the panel is off; switch the screen on first")
        raise BoxError("screenshot", f"grim failed: {complaint}; see whether the compositor runs (signage-player doctor)")

    async def events(self) -> AsyncIterator[CompositorEvent]:
        """What happens from the first step on; the last is CompositorGone. Panels are polled: sway 1.7 tells nothing of them."""
        ipc = await Ipc.open(self._socket, self._deadline_s)
        try:
            await ipc.ask(SUBSCRIBE, '["window"]')
            known = await self.outputs()
            while True:
                until = time.monotonic() + _PANELS_S
                with contextlib.suppress(TimeoutError):
                    while message := await _before(until, ipc):
                        for event in self._events_of(*message):
                            yield event
                if known != (known := await self.outputs()):
                    yield OutputsChanged()
        except BoxError as error:
            log.warning("%s", error)
            yield CompositorGone()
        finally:
            ipc.close()

    def _events_of(self, kind: int, body: Any) -> Iterator[CompositorEvent]:
        if kind != _WINDOW_EVENT:
            return
        if body["change"] == "new":
            yield WindowOpened(window_of(body["container"]))
        elif body["change"] == "close":
            self._stack.forget(body["container"]["id"])
            yield WindowClosed(body["container"]["id"])

    def _raise(self, window: int) -> list[str]:
        return [f"[con_id={each}] focus" for each in self._stack.raised(window)]

    async def _run(self, *commands: str, optional: int = 0) -> None:
        """Runs commands as one message. The last `optional` ones, and the raising again of other windows, may find none."""
        answers = await self._ask(RUN_COMMAND, "; ".join(commands))
        parts = [part for command in commands for part in command.split(", ")]
        for index, (part, answer) in enumerate(zip(parts, answers, strict=False)):
            again = part.endswith(" focus") and index > 0
            if not answer["success"] and not again and index < len(parts) - optional:
                raise BoxError("compositor", f"sway refused {part!r}: {answer.get('error', 'no reason given')}")

    async def _ask(self, kind: int, text: str = "") -> Any:
        async with self._turn:
            if self._commands is None or self._commands.closed:
                self._commands = await Ipc.open(self._socket, self._deadline_s)
        return await self._commands.ask(kind, text)

    async def _raw_output(self, name: str) -> dict[str, Any]:
        found: list[dict[str, Any]] = await self._ask(GET_OUTPUTS)
        for output in found:
            if output["name"] == name:
                return output
        connected = ", ".join(output["name"] for output in found) or "none"
        raise BoxError("panel", f"there is no output {name}; connected: {connected}")

    async def _read_back(self, name: str, what: str, holds: Callable[[Output], bool], wanted: str) -> None:
        """Waits until the output says so itself."""
        now = output_of(await self._raw_output(name))
        end = time.monotonic() + _READ_BACK_S.get(self.session.backend, 0.3)
        while not holds(now):
            if time.monotonic() > end:
                raise BoxError("panel", f"{name} did not change its {what} to {wanted}: it says {now}; see `signage-player doctor`")
            await asyncio.sleep(0.05)
            now = output_of(await self._raw_output(name))
        log.info("panel %s: %s is %s", name, what, wanted)


async def announced(socket: Path, deadline_s: float) -> SessionInfo:
    """The session at that IPC socket, as soon as it tells of itself and listens. Raises BoxError after `deadline_s`."""
    info = socket.with_name("compositor.json")
    try:
        async with asyncio.timeout(deadline_s):
            while (session := read_info(info)) is None or not await _answers(socket):  # noqa: ASYNC110 - no event
                await asyncio.sleep(0.02)
    except TimeoutError as error:
        reason = f"no compositor came up at {socket} within {deadline_s:g} s; see its log (signage-player compositor)"
        raise BoxError("compositor", reason) from error
    return session


async def _before(until: float, ipc: Ipc) -> tuple[int, Any]:
    """The next event. Raises TimeoutError at `until` (monotonic)."""
    async with asyncio.timeout(until - time.monotonic()):
        return await ipc.event()


def _move(window_id: int, rect: Rect) -> str:
    return f"[con_id={window_id}] move absolute position {rect.x} px {rect.y} px"


def _there(window_id: int, at: Rect | None) -> list[str]:
    return [] if at is None else [_move(window_id, at)]


def _opacity(window: int, value: float) -> str:
    return f"[con_id={window}] opacity {min(1.0, max(0.0, value)):.4f}"


async def _answers(socket: Path) -> bool:
    """Whether anybody listens there: a compositor that died leaves its socket and its file behind."""
    try:
        _, writer = await asyncio.open_unix_connection(str(socket))
    except OSError:
        return False
    writer.close()
    return True
