"""How the browser that runs is asked for a window: over its socket, and by a second call where it does not listen there."""

from __future__ import annotations

import asyncio
import contextlib
import os
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import psutil
import pytest

from player.stage.web.process import asking
from tests.fakes.running import eventually

WORDS = ("--profile-directory=room-1", "--app=data:text/html,a b")


@pytest.fixture
def profile() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="s-") as name:
        yield Path(name)


@pytest.fixture
def program(profile: Path) -> Path:
    """Writes down what it is called with."""
    made = profile / "chromium"
    made.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" > {profile}/called.tmp && mv {profile}/called.tmp {profile}/called\n')
    made.chmod(0o700)
    return made


@contextlib.asynccontextmanager
async def listening(profile: Path, answer: bytes) -> AsyncIterator[list[bytes]]:
    """The socket of a browser that answers so; what it heard, each time to the end."""
    heard: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.read())
        writer.write(answer)
        writer.close()

    async with await asyncio.start_unix_server(serve, str(profile / "SingletonSocket")):
        yield heard


async def test_what_a_call_would_say_is_said_over_the_socket_and_no_call_is_made(profile: Path):
    async with listening(profile, b"ACK") as heard, asking(profile, ["sh", "-c", "sleep 600", *WORDS], os.environ):
        assert heard == [b"\0".join((b"START", bytes(profile), b"sh", b"-c", b"sleep 600", *map(str.encode, WORDS)))]
        assert [child.pid for child in psutil.Process().children() if "sleep 600" in child.cmdline()] == []


@pytest.mark.parametrize("answer", [b"", b"SHUTDOWN"])
async def test_a_browser_that_does_not_take_it_is_called(profile: Path, program: Path, answer: bytes):
    async with listening(profile, answer), asking(profile, [str(program), *WORDS], os.environ):
        await eventually((profile / "called").exists, 20)
    assert (profile / "called").read_text().splitlines() == list(WORDS)


async def test_one_that_does_not_listen_is_called(profile: Path, program: Path):
    async with asking(profile, [str(program), *WORDS], os.environ):
        await eventually((profile / "called").exists, 20)
