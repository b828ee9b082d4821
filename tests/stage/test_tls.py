"""The wall's own authority: who trusts it takes the wall for each host that it speaks for, and for no other."""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from player.core.egress import SYSTEM_AUTHORITIES
from player.stage.tls import Tls


@pytest.fixture
def tls() -> Iterator[Tls]:
    with contextlib.closing(Tls(SYSTEM_AUTHORITIES)) as made:
        yield made


def shaken(tls: Tls, spoken_for: str, wanted: str) -> bool:
    """Whether who wants that host, and trusts the wall alone, takes it for one that it speaks for."""
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    server = tls.inward(spoken_for).wrap_bio(there, back, server_side=True)
    client = ssl.create_default_context(cafile=tls.trusted).wrap_bio(back, there, server_hostname=wanted)
    try:
        for end in (client, server) * 3:
            with contextlib.suppress(ssl.SSLWantReadError):
                end.do_handshake()
    except ssl.SSLCertVerificationError:
        return False
    return client.getpeercert() is not None


@pytest.mark.parametrize("host", ["cdn.example.com", "10.0.0.7", "::1", "a_b.example"])
def test_who_trusts_the_wall_takes_it_for_the_host_that_was_asked_for_and_no_other(tls: Tls, host: str):
    assert shaken(tls, host, host)
    assert not shaken(tls, host, "other.example")


def test_what_is_made_for_a_host_is_kept_for_the_hosts_of_late(tls: Tls):
    first = tls.inward("0.example")
    assert tls.inward("0.example") is first
    for number in range(1, 65):
        tls.inward(f"{number}.example")
    assert tls.inward("64.example") is tls.inward("64.example")
    assert tls.inward("0.example") is not first
    assert tls.outward() is tls.outward()


def test_two_walls_do_not_trust_each_other(tls: Tls):
    with contextlib.closing(Tls(SYSTEM_AUTHORITIES)) as other:
        other.inward("a.example")
        tls.inward("a.example")
        assert Path(tls.trusted).read_bytes() != Path(other.trusted).read_bytes()
