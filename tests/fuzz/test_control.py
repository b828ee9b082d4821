"""The control API under hostile requests: each is answered by HTTP and none is a mistake of ours, as bytes and as bodies."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import re
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fakes.control import control_server
from tests.fuzz.spoil import spoiled, torn

NIGHT_S = 60.0
ANSWERS = (b"HTTP/1.1 ", b"HTTP/1.0 ", b"HTTP/0.9 ")  # the last to a request that names no version
PATHS = (
    "/", "/health", "/api/status", "/api/pairing", "/api/why?item=1", "/metrics", "/api/screen.jpg", "/api/lock", "/api/unlock",
    "/api/command", "/api/settings", "/api/settings/volume", "/api/settings/..%2f", "/api/screen.gif",
)  # fmt: skip
BODIES = ({"pin": "4711"}, {"type": "set_volume", "payload": {"volume": 3}}, {"value": 35}, {"value": None}, {})
REQUEST = (
    b"POST /api/settings/volume HTTP/1.1\r\nHost: lobby\r\nContent-Type: application/json\r\nContent-Length: 12\r\n\r\n"
    b'{"value": 35}'
)
requests = st.one_of(
    torn(
        REQUEST,
        b"GET /api/why?item=%00 HTTP/1.0\r\nHost: lobby\r\nAuthorization: Basic bG9jYWw6eA==\r\nOrigin: http://evil\r\n\r\n",
    ),
    st.tuples(st.sampled_from(PATHS), spoiled(*BODIES)).map(lambda pair: post(pair[0], json.dumps(pair[1]).encode())),
    st.tuples(st.sampled_from(PATHS), torn(*(json.dumps(body).encode() for body in BODIES))).map(lambda pair: post(*pair)),
    st.sampled_from(PATHS).map(lambda path: f"GET {path} HTTP/1.1\r\nHost: lobby\r\nConnection: close\r\n\r\n".encode()),
)


def post(path: str, body: bytes) -> bytes:
    head = (
        f"POST {path} HTTP/1.1\r\nHost: lobby\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
    )
    return head.encode() + b"\r\n\r\n" + body


def ask(at: Path | int, request: bytes) -> bytes:
    """The first answer; none to what waits for more of the request."""
    with socket.socket(socket.AF_UNIX if isinstance(at, Path) else socket.AF_INET) as line:
        line.connect(str(at) if isinstance(at, Path) else ("127.0.0.1", at))
        line.settimeout(20 if b"Connection: close" in request else 0.1)
        found = b""
        with contextlib.suppress(ConnectionError, TimeoutError):
            line.sendall(request)
            while not is_whole(found) and (more := line.recv(65536)):
                found += more
        return found


def is_whole(answer: bytes) -> bool:
    head, blank, body = answer.partition(b"\r\n\r\n")
    length = re.search(rb"(?i)content-length: (\d+)", head)
    return bool(blank) and length is not None and len(body) >= int(length[1])


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[Path, int]]:
    """The Unix socket, which is trusted, and the port."""
    with tempfile.TemporaryDirectory(prefix="s-") as at:
        server = control_server(Path(at), password="correct horse", connections=64, headers_within_s=0.2)
        up, stop = threading.Event(), asyncio.Event()
        loops: list[asyncio.AbstractEventLoop] = []

        async def serve() -> None:
            async with server.serving():
                loops.append(asyncio.get_running_loop())
                up.set()
                await stop.wait()

        thread = threading.Thread(target=asyncio.run, args=(serve(),))
        thread.start()
        assert up.wait(20)
        yield Path(at) / "control.sock", server.port
        loops[0].call_soon_threadsafe(stop.set)
        thread.join(20)


def hunt(served: tuple[Path, int], examples: int, *, always_the_same: bool) -> None:
    quiet = settings(deadline=None, database=None, suppress_health_check=list(HealthCheck))

    @settings(quiet, max_examples=examples, derandomize=always_the_same)
    @given(st.sampled_from(served), requests)
    def judged(at: Path | int, request: bytes) -> None:
        answer = ask(at, request)
        assert answer == b"" or answer.startswith(ANSWERS)
        assert not answer.startswith(tuple(begins + b"500" for begins in ANSWERS))

    judged()


def test_l3_every_request_is_answered_and_none_is_a_mistake_of_ours(served: tuple[Path, int], caplog: pytest.LogCaptureFixture):
    hunt(served, 100, always_the_same=True)
    assert traces(caplog) == []
    assert ask(served[0], post("/api/settings/volume", b'{"value": 35}')).startswith(b"HTTP/1.1 200 ")


@pytest.mark.nightly
@pytest.mark.timeout(NIGHT_S + 300)
def test_l3_a_minute_of_hostile_requests(served: tuple[Path, int], caplog: pytest.LogCaptureFixture):
    until(time.monotonic() + NIGHT_S, lambda: hunt(served, 500, always_the_same=False))
    assert traces(caplog) == []


def until(end: float, work: Callable[[], None]) -> None:
    while time.monotonic() < end:
        work()


def traces(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.exc_info or record.levelno >= logging.ERROR]
