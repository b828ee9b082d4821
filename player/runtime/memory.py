"""How much memory a process of many threads keeps for itself."""

from __future__ import annotations

import contextlib
import ctypes


def hold_memory_small() -> None:
    """mallopt(3): two arenas (decoders run in many threads), and large blocks in mappings of their own, that go back with them.

    Such a block is a frame, or a server's long answer. What a socket is read into (256 KiB at once, by asyncio) is none: it would
    be mapped and cleared anew for each piece that comes.

    The environment variables of the same name would have to be there before this process began.
    """
    arena_max, mmap_threshold, trim_threshold = -8, -3, -1
    with contextlib.suppress(AttributeError):  # a C library that is not glibc
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(arena_max, 2)
        mallopt(mmap_threshold, 512 * 1024)
        mallopt(trim_threshold, 1024 * 1024)


class _Mallinfo(ctypes.Structure):
    """struct mallinfo2 of mallinfo(3)."""

    _fields_ = tuple(
        (name, ctypes.c_size_t)
        for name in ("arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks", "uordblks", "fordblks", "keepcost")
    )


def held() -> tuple[int, int]:
    """Bytes that this process holds in blocks too small for mappings of their own, after `hold_memory_small`; and in all blocks.

    Frames of films are none of the former. 0 where the C library does not tell.
    """
    try:
        mallinfo = ctypes.CDLL(None).mallinfo2
    except AttributeError:  # one that is not glibc, or older than 2.33
        return 0, 0
    mallinfo.restype = _Mallinfo
    found = mallinfo()
    return int(found.uordblks), int(found.uordblks + found.hblkhd)
