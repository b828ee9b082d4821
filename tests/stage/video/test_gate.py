"""The gate before libmpv, asked by threads that connect as libmpv's do; what content does with it is in test_walled_streams."""

from __future__ import annotations

import asyncio
import errno
import socket
import struct
import threading
from collections.abc import Callable
from ipaddress import ip_address
from pathlib import Path

import pytest

from player.runtime.seccomp import (
    ALLOW,
    AT_NUMBER,
    IF_EQUAL,
    LOAD,
    REFUSE,
    RETURN,
    give_up_new_rights,
    processor,
    stand_behind,
)  # fmt: skip
from player.runtime.threads import in_thread
from player.stage.video.gate import Gate, read_end
from tests.fakes.faults import fault_page
from tests.fakes.films import open_film
from tests.fakes.running import eventually


def tried(family: socket.AddressFamily, to: object) -> str:
    """How a connection ends."""
    with socket.socket(family) as trial:
        trial.settimeout(20)
        found = trial.connect_ex(to)
        return errno.errorcode.get(found, "") if found else "connected"


def questions() -> int:
    """How many gates of this process the kernel knows."""
    handles = (str(path.readlink()) for path in Path("/proc/self/fd").iterdir() if path.is_symlink())
    return sum("seccomp notify" in handle for handle in handles)


def behind(gate: Gate, loop: asyncio.AbstractEventLoop, *works: Callable[[], str]) -> list[str]:
    """Stands behind it, and does each of the works in a thread that is started there."""
    gate.stand(loop)
    found: list[str] = []
    for work in works:
        thread = threading.Thread(target=lambda work=work: found.append(work()))
        thread.start()
        thread.join(30)
    return found


async def test_each_connection_is_judged_by_the_address_it_leads_to(tmp_path: Path):
    asked: list[tuple[str, int]] = []
    before = questions()
    with (
        socket.create_server(("127.0.0.1", 0)) as good, socket.create_server(("127.0.0.1", 0)) as bad,
        socket.socket(socket.AF_UNIX) as local,
    ):  # fmt: skip
        local.bind(str(tmp_path / "local"))
        local.listen()
        (_, allowed), (_, refused) = good.getsockname(), bad.getsockname()

        def admits(address: str, port: int) -> bool:
            asked.append((address, port))
            return port == allowed

        ends = [
            (socket.AF_INET, ("127.0.0.1", allowed)), (socket.AF_INET, ("127.0.0.1", refused)),
            (socket.AF_INET6, ("::1", refused)), (socket.AF_INET6, ("::ffff:127.0.0.1", refused)),
            (socket.AF_UNIX, str(tmp_path / "local")),
        ]  # fmt: skip
        faults = fault_page()
        works = [lambda end=end: tried(*end) for end in ends]
        found = await in_thread(behind, Gate(admits, faults), asyncio.get_running_loop(), *works)
        assert found == ["connected", "EACCES", "EACCES", "EACCES", "connected"]
        assert [port for _, port in asked] == [allowed, refused, refused, refused]
        assert [str(ip_address(address)) for address, _ in asked] == ["127.0.0.1", "127.0.0.1", "::1", "::ffff:7f00:1"]
        assert await asyncio.to_thread(tried, socket.AF_INET, ("127.0.0.1", refused)) == "connected", "others are not behind it"
        assert faults.faults == ()
    await eventually(lambda: questions() == before, 20)


async def test_of_a_handle_that_is_closed_no_gate_is_left():
    before = questions()
    options = {"vo": "null", "ao": "null", "hwdec": "no"}
    surface = await open_film("sig-x", (160, 90), options)
    assert questions() == before + 1
    await surface.close()
    await eventually(lambda: questions() == before, 20)


async def test_a_kernel_that_has_no_gate_is_told_of_and_the_player_plays():
    def without() -> list[str]:
        give_up_new_rights()
        refusing = [(LOAD, 0, 0, AT_NUMBER), (IF_EQUAL, 0, 1, processor().seccomp), (RETURN, 0, 0, REFUSE), (RETURN, 0, 0, ALLOW)]
        stand_behind(refusing, asking=False)
        return behind(Gate(lambda _address, _port: False, faults), loop, lambda: tried(socket.AF_INET, server.getsockname()))

    faults, loop = fault_page(), asyncio.get_running_loop()
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert await in_thread(without) == ["connected"]
    (fault,) = await eventually(lambda: faults.faults, 20)
    assert (fault.code, "not judged: Operation not permitted" in fault.message) == ("stream_gate", True)


@pytest.mark.parametrize(
    ("raw", "end"),
    [
        (struct.pack("=H", socket.AF_INET) + b"\x1f\x90\x0a\x00\x00\x01" + bytes(8), ("10.0.0.1", 8080)),
        (struct.pack("=H", socket.AF_INET6) + b"\x00\x50" + bytes(19) + b"\x01" + bytes(4), ("::1", 80)),
        (struct.pack("=H", socket.AF_UNIX) + b"/run/x", None),
        (struct.pack("=H", socket.AF_INET) + b"\x1f\x90\x0a", None),
        (b"", None),
    ],
)
def test_an_address_is_read_as_the_kernel_reads_it(raw: bytes, end: tuple[str, int] | None):
    assert read_end(raw) == end
