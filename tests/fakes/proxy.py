"""A real HTTP proxy on loopback, behind which alone some names are known, and a private authority that speaks for them."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import ssl
from base64 import b64encode
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

WHO_ARE_YOU = (
    b'HTTP/1.1 407 Who are you\r\nProxy-Authenticate: Basic realm="fake"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n'
)
USER, PASSWORD = "box", "p@ss/word"


@dataclass
class FakeProxy:
    """`behind`: the port on loopback at which a name stands. Without `password` everybody may pass; `seen`: what was asked."""

    behind: dict[str, int]
    password: str = ""
    port: int = 0
    seen: list[str] = field(default_factory=list)
    heads: list[str] = field(default_factory=list)
    serving: set[asyncio.Task[None] | None] = field(default_factory=set)

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.serving.add(asyncio.current_task())
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            self.heads.append(head)
            method, target, _ = head.split("\r\n", 1)[0].split()
            login = b64encode(f"{USER}:{self.password}".encode()).decode()
            if self.password and f"proxy-authorization: basic {login}".lower() not in head.lower():
                writer.write(WHO_ARE_YOU)
            else:
                await self._pass(method, target, head, reader, writer)
        writer.close()

    async def _pass(self, method: str, target: str, head: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.seen.append(f"{method} {target}")
        name = (target if method == "CONNECT" else target.split("/")[2]).partition(":")[0]
        if name not in self.behind:
            writer.write(b"HTTP/1.1 502 Nobody there\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            return
        inward, outward = await asyncio.open_connection("127.0.0.1", self.behind[name])
        if method == "CONNECT":
            writer.write(b"HTTP/1.1 200 Go on\r\n\r\n")
        else:
            path = "/" + target.split("/", 3)[3]
            lines = [line for line in head.split("\r\n")[1:] if not line.lower().startswith(("proxy-", "connection:"))]
            outward.write("\r\n".join([f"{method} {path} HTTP/1.1", "Connection: close", *lines]).encode())
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(_pour(reader, outward), name="out")
                group.create_task(_pour(inward, writer), name="in")
        finally:
            outward.close()


async def _pour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while chunk := await reader.read(65536):
            writer.write(chunk)
            await writer.drain()
    writer.close()


@contextlib.asynccontextmanager
async def proxy(behind: dict[str, int], password: str = "") -> AsyncIterator[FakeProxy]:
    made = FakeProxy(behind, password)
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        server.close()
        for task in made.serving:
            if task:
                task.cancel()
        await asyncio.wait([task for task in made.serving if task] or [asyncio.ensure_future(asyncio.sleep(0))])


def private_authority(folder: Path, *names: str) -> tuple[ssl.SSLContext, Path]:
    """A server's side of TLS for those names, and the file of the authority that signed it."""
    now = dt.datetime.now(dt.UTC)
    mine, theirs = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    authority = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "A private authority")])

    def built(subject: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(authority)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(days=1))
            .not_valid_after(now + dt.timedelta(days=30))
        )

    signs = x509.KeyUsage(
        digital_signature=True, key_cert_sign=True, crl_sign=True, content_commitment=False, key_encipherment=False,
        data_encipherment=False, key_agreement=False, encipher_only=False, decipher_only=False,
    )  # fmt: skip
    root = (
        built(authority, mine)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(signs, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(mine.public_key()), critical=False)
        .sign(mine, hashes.SHA256())
    )
    leaf = (
        built(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, names[0])]), theirs)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([x509.ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(mine.public_key()), critical=False)
        .sign(mine, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = theirs.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "server.pem").write_bytes(private + leaf.public_bytes(pem))
    (folder / "ca.pem").write_bytes(b"A private authority\n" + root.public_bytes(pem))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem")
    return context, folder / "ca.pem"
