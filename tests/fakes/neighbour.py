"""A device of the neighbourhood that nothing shown may reach: it takes each connection and datagram, and writes them down."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field


@dataclass
class Neighbour(asyncio.DatagramProtocol):
    """`port`: the same for TCP and UDP, on loopback; `reached`: what arrived, first bytes first."""

    port: int = 0
    reached: list[str] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reached.append("tcp")
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(1):
                self.reached.append(repr(await reader.read(200)))
            writer.write(
                b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\nAccess-Control-Allow-Origin: *\r\nConnection: close\r\n\r\nSECRET"
            )
            await writer.drain()
        writer.close()

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self.reached.append(f"udp {data[:20]!r} of {addr}")


@contextlib.asynccontextmanager
async def neighbour() -> AsyncIterator[Neighbour]:
    made = Neighbour()
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(lambda: made, local_addr=("127.0.0.1", made.port))
    try:
        yield made
    finally:
        transport.close()
        server.close()
