"""What a stage needs for its first frame, loaded before anything else is done: Python's modules, and beside them libmpv.

libmpv stands on a hundred libraries, whose linking takes a tenth of a second. It is called as a function of C, during which the
interpreter runs on: another processor, where there is one, reads the modules meanwhile. What Python itself would have to link waits
for the linker's lock, so that comes first.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import importlib
import os
import threading

LIBMPV = b"libmpv.so.2"  # where it has another name, python-mpv finds and links it itself
_LINKED = ("asyncio", "concurrent.futures.thread", "hashlib", "json", "logging.handlers", "msgspec", "zoneinfo")
_MODULES = {
    "none": ("player.stage.daemon",),
    "single": ("player.stage.daemon", "player.stage.backends.single_compositor"),
    "sway": ("player.stage.daemon", "player.compositor.hang", "player.compositor.sway", "player.stage.backends.sway"),
}


def load(backend: str) -> None:
    """For `stage.backend`, in the order in which it is needed. What is missing is said by who needs it."""
    gc.disable()  # nothing of what is loaded goes again
    for name in _LINKED:
        importlib.import_module(name)
    linking = threading.Thread(target=_link, name="libmpv", daemon=True)
    if backend != "none":
        linking.start()
    for name in _MODULES.get(backend, _MODULES["sway"]):
        importlib.import_module(name)
    if backend != "none":
        linking.join()
        with contextlib.suppress(ImportError, OSError):
            importlib.import_module("player.stage.video.handle")
    gc.enable()


def _link() -> None:
    ctypes.CDLL(None).dlopen(LIBMPV, os.RTLD_NOW)
