"""Calls that may hang for ever, each in a thread of its own.

A shared pool would fill up with them, and the end of the process would wait for it.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

T = TypeVar("T")


async def in_thread(work: Callable[..., T], *arguments: Any) -> T:
    """The result of `work`, done by a thread that nobody waits for any longer than they want to."""
    return await asyncio.wrap_future(begun(work, *arguments))


def begun(work: Callable[..., T], *arguments: Any) -> Future[T]:
    """`work` under way in a thread; what is answered is not done before the thread is, whoever gave up on it meanwhile."""
    result: Future[T] = Future()
    threading.Thread(target=_carry, args=(result, work, arguments), name="call", daemon=True).start()
    return result


def _carry(result: Future[T], work: Callable[..., T], arguments: tuple[Any, ...]) -> None:
    if not result.set_running_or_notify_cancel():
        return
    try:
        result.set_result(work(*arguments))
    except Exception as error:  # noqa: BLE001 - carried over to whoever waits
        result.set_exception(error)
