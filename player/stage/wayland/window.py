"""Plain Wayland windows with pictures in shared memory, for what the stage draws itself, on one connection that the first opens.

A picture may be wider than its window: each view of it is a buffer of its own onto the same memory, so that moving along it draws
nothing. (A viewport's source would be the obvious way; wlroots 0.15 with pixman ignores its offset.) The compositor's rules make
these windows float, bare and transparent, as any other of the player's; input is none of theirs.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import mmap
import os
from collections.abc import Callable, Iterable
from typing import Any

from pywayland.client.display import Display
from pywayland.protocol.wayland import WlCompositor, WlShm
from pywayland.protocol.xdg_shell import XdgWmBase

from player.errors import BoxError

log = logging.getLogger(__name__)

_XRGB8888 = 1
CONNECT_LIMIT_S = 5.0
CONFIGURE_LIMIT_S = 5.0


class SharedPicture:
    """Rows of BGRX without padding, in memory that the compositor can map; black without `pixels`. Made in any thread."""

    def __init__(self, width: int, height: int, pixels: bytes = b"") -> None:
        self.width, self.height = width, height
        self.size = width * (height + 1) * 4  # a row more: a view that begins inside a row ends inside the next
        self.handle = os.memfd_create("picture", os.MFD_CLOEXEC)
        try:
            os.ftruncate(self.handle, self.size)
            if pixels:
                with mmap.mmap(self.handle, self.size) as memory:
                    memory[: len(pixels)] = pixels
        except BaseException:
            self.close()
            raise

    def paint(self, background: bytes, pieces: Iterable[tuple[int, int, bytes]]) -> None:
        """Fills it with one pixel, and lays pieces of its whole height on that: from x on, so wide, their rows.

        By rows, so that no step holds up the loop for long, and nothing is in memory twice.
        """
        with mmap.mmap(self.handle, self.size) as memory:
            across = self.width * 4
            row = background * self.width
            for y in range(self.height):
                memory[y * across : (y + 1) * across] = row
            for x, width, pixels in pieces:
                for y in range(self.height):
                    begin = y * across + x * 4
                    memory[begin : begin + width * 4] = pixels[y * width * 4 : (y + 1) * width * 4]

    def __del__(self) -> None:
        """One that was drawn for nothing (its item was given up meanwhile) leaves nothing behind."""
        self.close()

    def close(self) -> None:
        """The compositor keeps its own hold on the memory."""
        handle, self.handle = self.handle, -1
        if handle >= 0:
            os.close(handle)


class XdgWindow:
    """One window. `on_frame(ms)` is called once for each view that was shown with `frames`, when the next one is due."""

    def __init__(self, client: WindowClient, app_id: str) -> None:
        self._client = client
        self._pool: Any = None
        self._views: set[Any] = set()
        self._frame: Any = None  # a proxy that nobody holds is destroyed
        self._picture = (0, 0)
        self.on_frame: Callable[[int], None] = lambda _: None
        self.configured = asyncio.Event()
        self._surface = client.compositor.create_surface()
        nowhere = client.compositor.create_region()
        self._surface.set_input_region(nowhere)
        nowhere.destroy()
        self._role = client.shell.get_xdg_surface(self._surface)
        self._role.dispatcher["configure"] = self._configure
        self._toplevel = self._role.get_toplevel()
        self._toplevel.set_app_id(app_id)
        self._toplevel.set_title(app_id)
        self._surface.commit()

    def _configure(self, role: Any, serial: int) -> None:
        """The compositor waits for the answer before it moves a window; the size is the stage's own to know."""
        role.ack_configure(serial)
        if self.configured.is_set():
            self._surface.commit()
        self.configured.set()

    def take(self, picture: SharedPicture) -> None:
        """Makes `picture` what views are of; what is on screen stays until the next view."""
        if self._pool is not None:
            self._pool.destroy()
        self._pool = self._client.shm.create_pool(picture.handle, picture.size)
        self._picture = (picture.width, picture.height)
        picture.close()

    def show(self, x: int, width: int, *, frames: bool = False) -> None:
        """Shows `width` pixels of the picture from `x` on."""
        across, height = self._picture
        view = self._pool.create_buffer(x * 4, width, height, across * 4, _XRGB8888)
        self._views.add(view)
        view.dispatcher["release"] = self._released
        self._surface.attach(view, 0, 0)
        self._surface.damage_buffer(0, 0, width, height)
        if frames:
            self.ask_for_frame()
        self._surface.commit()
        self._client.flush()

    def ask_for_frame(self) -> None:
        """Has `on_frame` called after the next commit."""
        self._frame = self._surface.frame()
        self._frame.dispatcher["done"] = self._done

    def _done(self, _: Any, milliseconds: int) -> None:
        self.on_frame(milliseconds)

    def _released(self, view: Any) -> None:
        self._views.discard(view)
        view.destroy()

    def close(self) -> None:
        """Takes the window away."""
        self.on_frame = lambda _: None
        for thing in (self._toplevel, self._role, self._surface, *self._views, self._pool):
            if thing is not None:
                thing.destroy()
        self._views.clear()
        self._client.flush()


class WindowClient:
    """The connection to the compositor at `wayland_display`."""

    def __init__(self, wayland_display: str) -> None:
        self._address = wayland_display
        self._display: Any = None
        self._connecting = asyncio.Lock()
        self._globals: dict[str, tuple[int, int]] = {}

    async def open(self, app_id: str, size: tuple[int, int]) -> XdgWindow:
        """A black window, known to the compositor by `app_id`. Raises BoxError."""
        async with self._connecting:
            if self._display is None:
                await self._connect()
        window = XdgWindow(self, app_id)
        self.flush()
        try:
            async with asyncio.timeout(CONFIGURE_LIMIT_S):
                await window.configured.wait()
        except TimeoutError as error:
            window.close()
            raise BoxError("compositor", f"it gave the window {app_id} no place within {CONFIGURE_LIMIT_S:.0f} s") from error
        window.take(SharedPicture(*size))
        window.show(0, size[0])
        return window

    async def _connect(self) -> None:
        try:
            async with asyncio.timeout(CONNECT_LIMIT_S):
                self._display = await asyncio.to_thread(self._bind)
        except TimeoutError as error:
            raise BoxError("compositor", f"no answer at {self._address} within {CONNECT_LIMIT_S:.0f} s") from error
        asyncio.get_running_loop().add_reader(self._display.get_fd(), self._readable)

    def _bind(self) -> Display:
        display = Display(self._address)
        try:
            display.connect()
        except (ValueError, OSError) as error:
            raise BoxError("compositor", f"no Wayland display at {self._address}") from error
        try:
            self._bind_globals(display)
        except BoxError:
            display.disconnect()  # what is collected in whatever order would be destroyed after its connection
            raise
        return display

    def _bind_globals(self, display: Display) -> None:
        self._registry = registry = display.get_registry()
        registry.dispatcher["global"] = lambda _, number, name, version: self._globals.update({name: (number, version)})
        display.roundtrip()

        def bind(interface: Any, version: int) -> Any:
            if interface.name not in self._globals:
                raise BoxError(
                    "compositor", f"it lacks {interface.name}, without which no window can be opened; the player needs sway"
                )
            number, offered = self._globals[interface.name]
            return registry.bind(number, interface, min(version, offered))

        self.compositor, self.shm, self.shell = bind(WlCompositor, 4), bind(WlShm, 1), bind(XdgWmBase, 1)
        self.shell.dispatcher["ping"] = lambda shell, serial: shell.pong(serial)

    def _readable(self) -> None:
        try:
            self._display.read()
            self._display.dispatch(block=False)
            self._display.flush()
        except Exception as error:  # noqa: BLE001 - pywayland raises bare exceptions when the connection is gone; whatever it is, it is over
            log.warning("the compositor's connection for drawn windows is gone: %s", error)
            asyncio.get_running_loop().remove_reader(self._display.get_fd())

    def flush(self) -> None:
        """Sends what was asked for."""
        with contextlib.suppress(Exception):
            self._display.flush()

    def close(self) -> None:
        """Ends the connection, and with it every window."""
        display, self._display = self._display, None
        if display is not None:
            asyncio.get_running_loop().remove_reader(display.get_fd())
            display.disconnect()
