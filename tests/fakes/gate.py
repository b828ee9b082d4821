"""The gate before libmpv for tests in which it lets everything through."""

from __future__ import annotations

from player.stage.video.gate import Gate
from tests.fakes.faults import fault_page


def open_gate() -> Gate:
    """The real one, asked at each connection."""
    return Gate(lambda _address, _port: True, fault_page())
