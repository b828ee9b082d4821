"""The Chrome DevTools Protocol over a pipe: JSON messages that end in NUL, calls with a deadline, events to whom they concern.

A target's messages carry its session (the "flattened" form). The pipe has no port that another program of the box could reach.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable
from typing import Any

import msgspec

from player.errors import BoxError

log = logging.getLogger(__name__)
MESSAGE_LIMIT = 16 * 1024 * 1024  # a picture of a panel of 4K has room
# What a page's mistakes and words are told by, as often and at such length as it likes: nobody here hears it.
_UNHEARD = (b'{"method":"Runtime.exceptionThrown"', b'{"method":"Runtime.consoleAPICalled"')
Handler = Callable[[str, dict[str, Any]], None]


class Cdp:
    """One browser's pipe. `listen` has to run for anything to be answered."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, deadline_s: float = 10.0) -> None:
        self._reader, self._writer, self._deadline_s = reader, writer, deadline_s
        self._last_id = 0
        self._pending: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._handlers: dict[str, Handler] = {}

    def subscribe(self, session: str, handler: Handler) -> None:
        """`handler(method, params)` gets the session's events ("": the browser's own); it must not block."""
        self._handlers[session] = handler

    def unsubscribe(self, session: str) -> None:
        """No more events of that session."""
        self._handlers.pop(session, None)

    def post(self, method: str, session: str = "", **params: Any) -> int:
        """Sends without waiting for the answer; nothing happens when the browser is gone. Returns the message's number."""
        self._last_id += 1
        message = {"id": self._last_id, "method": method, "params": params} | ({"sessionId": session} if session else {})
        if not self._writer.is_closing():
            self._writer.write(msgspec.json.encode(message) + b"\0")
        return self._last_id

    async def call(self, method: str, session: str = "", deadline_s: float | None = None, **params: Any) -> dict[str, Any]:
        """The result. Raises BoxError: refused, too late, or the browser is gone."""
        if self._reader.at_eof():
            raise BoxError("browser", f"{method}: the browser is gone; it is started again by itself")
        number = self.post(method, session, **params)
        answer = self._pending[number] = asyncio.get_running_loop().create_future()
        limit = deadline_s or self._deadline_s
        try:
            async with asyncio.timeout(limit):
                found = await answer
        except TimeoutError as error:
            raise BoxError("browser", f"{method} was not answered within {limit:g} s; the page or the browser hangs") from error
        finally:
            self._pending.pop(number, None)
        if "error" in found:
            raise BoxError("browser", f"{method} was refused: {found['error'].get('message', 'no reason given')}")
        result: dict[str, Any] = found.get("result", {})
        return result

    async def listen(self) -> None:
        """Handles messages until the browser ends; then every call that waits fails."""
        try:
            while True:
                if (text := await self._next()) and not text.startswith(_UNHEARD):
                    self._handle(_message(text))
                await asyncio.sleep(0)  # what is read already comes without a wait, however much a page has the browser tell
        except (asyncio.IncompleteReadError, OSError, ValueError):
            return
        finally:
            for answer in self._pending.values():
                if not answer.done():
                    answer.set_exception(BoxError("browser", "the browser is gone; it is started again by itself"))
            self._writer.close()

    async def _next(self) -> bytes:
        """A message; empty for one that is longer than may be: what a page writes into it costs no other page anything."""
        whole = True
        while True:
            try:
                text = await self._reader.readuntil(b"\0")
            except asyncio.LimitOverrunError as error:
                whole = False
                await self._reader.readexactly(error.consumed)
            else:
                return text[:-1] if whole else b""

    def _handle(self, message: dict[str, Any]) -> None:
        if "id" in message:
            answer = self._pending.get(message["id"])
            if answer is not None and not answer.done():
                answer.set_result(message)
            return
        handler = self._handlers.get(message.get("sessionId", ""))
        if handler is not None:
            handler(message["method"], message.get("params", {}))


def _message(text: bytes) -> Any:
    """Decoded. A page's title may hold half a surrogate pair, which no text can carry on: it becomes "?"."""
    try:
        return msgspec.json.decode(text)
    except ValueError:
        whole = json.dumps(json.loads(text.decode("utf-8", "replace")), ensure_ascii=False)
        return msgspec.json.decode(whole.encode("utf-8", "replace"))
