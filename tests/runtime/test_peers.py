"""Whose process is at the other end: the kernel's table, as it is and as it would be for somebody else."""

from __future__ import annotations

import asyncio
import os

from player.runtime.peers import user_at, user_in

TABLE = """  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 4711 1 0 100 0 0 10 0
   1: 0100007F:1F90 0100007F:C001 01 00000000:00000000 00:00000000 00000000  1000        0 4712 1 0 20 4 30 10 -1
   2: 0100007F:C001 0100007F:1F90 01 00000000:00000000 00:00000000 00000000    33        0 4713 1 0 20 4 30 10 -1
""".splitlines()


def test_the_line_of_the_other_end_counts_and_not_ours():
    assert user_in(TABLE, ("127.0.0.1", 0xC001), ("127.0.0.1", 0x1F90)) == 33
    assert user_in(TABLE, ("127.0.0.1", 0x1F90), ("127.0.0.1", 0xC001)) == 1000
    assert user_in(TABLE, ("127.0.0.1", 0xC002), ("127.0.0.1", 0x1F90)) is None


async def test_a_process_of_ours_is_known_as_such():
    found: asyncio.Future[int | None] = asyncio.get_running_loop().create_future()

    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        found.set_result(user_at(writer))
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        _, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        async with asyncio.timeout(20):
            assert await found == os.getuid()
        writer.close()
