"""The same under TLS, by a certificate that the box made for itself: who has that file reaches it, and nobody else does."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path

import aiohttp
import pytest

from player.agent.control import certificate
from player.agent.control.http import TlsDoor
from tests.fakes.management import managed
from tests.fakes.running import eventually


@pytest.fixture
def door(tmp_path: Path) -> TlsDoor:
    return TlsDoor("127.0.0.1:0", tmp_path / "tls/certificate.pem", tmp_path / "tls/key.pem")


async def test_who_trusts_the_boxs_own_certificate_reaches_it_and_pages_lead_there(tmp_path: Path, door: TlsDoor):
    certificate.make(door.certificate, door.key, ["lobby", "127.0.0.1", "::1"])
    assert door.key.stat().st_mode & 0o777 == 0o600
    trusting = ssl.create_default_context(cafile=door.certificate)
    async with managed(tmp_path, tls=door) as box:
        url = f"https://127.0.0.1:{box.server.tls_port}/v1/device/{box.uid}/screenshot"
        await eventually(lambda: list((tmp_path / "run/screenshots").glob("*.jpg")), 20)
        async with box.http.get(url, ssl=trusting, headers={"X-Auth": box.auth}) as answer:
            (shot,) = await answer.json()
        assert shot["uri"].startswith(f"https://127.0.0.1:{box.server.tls_port}/v1/screenshot/")
        with pytest.raises(aiohttp.ClientConnectorCertificateError):
            await box.http.get(url, headers={"X-Auth": box.auth})


async def test_a_certificate_that_is_not_there_keeps_nothing_else_shut(
    tmp_path: Path, door: TlsDoor, caplog: pytest.LogCaptureFixture
):
    async with managed(tmp_path, tls=door) as box:
        assert (box.server.tls_port, (await box.ask("GET", "/v1/device"))[0]) == (None, 200)
    assert "no TLS is spoken" in caplog.text


async def test_l6_who_speaks_no_tls_there_is_hung_up_on(tmp_path: Path, door: TlsDoor):
    certificate.make(door.certificate, door.key, ["127.0.0.1"])
    async with managed(tmp_path, tls=door) as box:
        reader, writer = await asyncio.open_connection("127.0.0.1", box.server.tls_port)
        writer.write(b"GET /v1/device HTTP/1.1\r\n\r\n")
        async with asyncio.timeout(20):
            assert await reader.read() == b""
        writer.close()
