"""The curtain: a process of the compositor's that outlives the stage, and holds the screen's last picture behind all windows.

Sway starts it, a second after itself (`compositor.session`); until then `swaybg` shows what the one before left. That of a boot is
there before sway (`compositor.ahead`). The stage says over `curtain.sock` what is to be done, a word a line (`core.curtain`), and
gets a full stop for each: take a picture, show the brand, show black. The picture is what the compositor itself drew, copied once;
when the stage's windows vanish it is simply what is behind them. The brand, which the stage draws, is kept in the folder
`SIGNAGE_KEPT` as well, where a boot finds it (`idle.png`): on an installed device /var/lib/signage-compositor, a PNG of the panel's
size, written when it changes and never for content's sake.

It has no event loop but its own few lines, since it stays in memory beside everything else.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import sys
import time
from pathlib import Path
from typing import Any

from pywayland.client.display import Display
from pywayland.protocol.viewporter import WpViewporter
from pywayland.protocol.wayland import WlCompositor, WlOutput, WlShm

from player.compositor.curtain_panel import CurtainGlobals, CurtainPanel
from player.compositor.still_file import IDLE, CurtainRecord, read_record, write_record
from player.core.curtain import AWAY_S, IDLE_DRAWN, Behind
from player.protocols.layer_shell import ZwlrLayerShellV1
from player.protocols.screencopy import ZwlrScreencopyManagerV1

SOCKET = "curtain.sock"
LONGEST_WORD = 64
SWAYBG_S = 0.5  # it has drawn by then
OUTPUT_NAMES = 4  # the version of wl_output that tells its name


class Curtain:
    """`folder` is where the sockets lie, `kept` where the brand is kept; `first` is the `swaybg` that the compositor began with."""

    def __init__(self, display: Display, folder: Path, kept: Path, first: int) -> None:
        self._display, self._folder, self._kept = display, folder, kept
        self._found = read_record(folder)
        self._shows = Behind(self._found.shows) if self._found.shows in list(Behind) else Behind.BRAND
        if self._shows is Behind.STILL and not self._found.panels:
            self._shows = Behind.BRAND
        self._swaybg = [pid for pid in dict.fromkeys((self._found.swaybg, first)) if _is_swaybg(pid)]
        self._panels: dict[int, CurtainPanel] = {}
        self._globals: dict[str, tuple[int, int]] = {}
        self._lines: dict[int, socket.socket] = {}
        self._poll = select.poll()
        self._over: tuple[float, tuple[int, ...]] | None = None  # when what lies over the brand goes, and which are those
        self._away: float | None = time.monotonic() + AWAY_S
        self._is_told = True
        self._listener = self._listen()
        self._bind()
        self._remove_leftovers()

    def _listen(self) -> socket.socket:
        path = self._folder / SOCKET
        path.unlink(missing_ok=True)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK)
        listener.bind(str(path))
        listener.listen(4)
        for handle in (listener.fileno(), self._display.get_fd()):
            self._poll.register(handle, select.POLLIN)
        return listener

    def _bind(self) -> None:
        self._registry = registry = self._display.get_registry()
        outputs: list[int] = []
        registry.dispatcher["global"] = lambda _, number, name, version: self._came(outputs, number, name, version)
        registry.dispatcher["global_remove"] = self._went
        self._display.roundtrip()
        wanted = ((WlCompositor, 4), (WlShm, 1), (ZwlrLayerShellV1, 4), (WpViewporter, 1), (ZwlrScreencopyManagerV1, 2))
        self._bound = CurtainGlobals(*(self._bind_one(interface, version) for interface, version in wanted))
        for number in outputs:
            self._open(number)
        outputs.clear()
        registry.dispatcher["global"] = self._came_later
        self._display.roundtrip()

    def _bind_one(self, interface: Any, version: int) -> Any:
        number, offered = self._globals[interface.name]
        return self._registry.bind(number, interface, min(version, offered))

    def _came(self, outputs: list[int], number: int, name: str, version: int) -> None:
        self._globals[name] = (number, version)
        if name == WlOutput.name and version >= OUTPUT_NAMES:
            outputs.append(number)

    def _came_later(self, _: Any, number: int, name: str, version: int) -> None:
        if name == WlOutput.name and version >= OUTPUT_NAMES:
            self._open(number)

    def _open(self, number: int) -> None:
        output = self._registry.bind(number, WlOutput, OUTPUT_NAMES)
        self._panels[number] = CurtainPanel(self._bound, self._folder, output, self._panel_opened, self._hung)

    def _went(self, _: Any, number: int) -> None:
        panel = self._panels.pop(number, None)
        if panel is not None:
            panel.close()

    def _panel_opened(self, panel: CurtainPanel) -> None:
        """It shows what was shown there last."""
        still = self._found.panels.get(panel.name)
        if self._shows is Behind.BLACK:
            panel.black()
        elif self._shows is Behind.STILL and still is not None and still.is_sound(self._folder):
            panel.show(still)

    # --- orders

    def run(self) -> None:
        """Until the compositor goes."""
        self._hung()
        while True:
            self._leave_behind()
            self._display.flush()
            for handle, _ in self._poll.poll(self._pause_ms()):
                if handle == self._display.get_fd():
                    self._display.read()
                    self._display.dispatch(block=False)
                elif handle == self._listener.fileno():
                    self._accept()
                else:
                    self._hear(handle)
            self._look_at_the_clock()

    def _pause_ms(self) -> float | None:
        due = [at for at in (self._over[0] if self._over else None, self._away) if at is not None]
        return max(0.0, min(due) - time.monotonic()) * 1000 + 1 if due else None

    def _look_at_the_clock(self) -> None:
        now = time.monotonic()
        if self._over and now >= self._over[0]:
            self._show_brand_alone()
        if self._away is not None and now >= self._away:
            self._away = None
            if self._shows is Behind.STILL:
                self._brand()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            line, _ = self._listener.accept()
            line.setblocking(False)
            self._lines[line.fileno()] = line
            self._poll.register(line, select.POLLIN)
            self._away = None

    def _hear(self, handle: int) -> None:
        line = self._lines[handle]
        try:
            heard = line.recv(LONGEST_WORD)
            for word in heard.decode("ascii", "replace").split():
                self._obey(word)
                line.send(b".")
        except OSError:
            heard = b""
        if not heard:
            self._poll.unregister(handle)
            self._lines.pop(handle).close()
            self._away = None if self._lines else time.monotonic() + AWAY_S

    def _obey(self, word: str) -> None:
        if word == IDLE_DRAWN:
            self._keep_brand()
        elif word == Behind.BRAND:
            self._brand()
        elif word == Behind.BLACK:
            self._shows = Behind.BLACK
            for panel in self._panels.values():
                panel.black()
        elif word == Behind.STILL:
            self._shows = Behind.STILL
            for panel in self._panels.values():
                panel.take()

    # --- the brand

    def _brand(self) -> None:
        """`swaybg` shows it; what hangs before it goes once it has drawn."""
        self._shows = Behind.BRAND
        words = ("-i", IDLE, "-m", "fill") if (self._folder / IDLE).is_file() else ("-c", "#000000")
        with contextlib.suppress(OSError):
            before = tuple(self._swaybg)
            started = os.posix_spawnp("swaybg", ("swaybg", *words), os.environ)
            self._swaybg.append(started)
            self._over = (time.monotonic() + SWAYBG_S, before)
        self._hung()

    def _show_brand_alone(self) -> None:
        before = self._over[1] if self._over else ()
        self._over = None
        if self._shows is Behind.BRAND:
            for panel in self._panels.values():
                panel.clear()
        self._end(before)

    def _uncover(self) -> None:
        """What hangs there is seen: whatever `swaybg` shows lies over it."""
        self._over = None
        if self._swaybg:
            self._display.roundtrip()
            self._end(tuple(self._swaybg))

    def _end(self, programs: tuple[int, ...]) -> None:
        for pid in programs:
            self._swaybg.remove(pid)
            if _is_swaybg(pid):
                with contextlib.suppress(OSError):
                    os.kill(pid, signal.SIGTERM)

    def _keep_brand(self) -> None:
        """Where the next boot finds it. A disk that is full or read-only costs that."""
        with contextlib.suppress(OSError):
            drawn, kept = (self._folder / IDLE).read_bytes(), self._kept / IDLE
            if not kept.is_file() or kept.read_bytes() != drawn:
                beside = kept.with_suffix(".tmp")
                with beside.open("wb") as out:
                    out.write(drawn)
                    out.flush()
                    os.fsync(out.fileno())
                beside.replace(kept)
        if self._shows is Behind.BRAND:
            self._brand()

    # --- what is left behind

    def _hung(self) -> None:
        """Another picture hangs on a panel, or none."""
        self._is_told = False

    def _leave_behind(self) -> None:
        """What the next curtain, or the next compositor, begins with. Nothing lies over a picture that hangs and was drawn."""
        if self._is_told:
            return
        self._is_told = True
        stills = {panel.name: panel.still for panel in self._panels.values() if panel.still is not None}
        is_late = any(panel.is_late for panel in self._panels.values())
        if not is_late and (self._shows is Behind.BLACK or (self._shows is Behind.STILL and stills)):
            self._uncover()
        write_record(self._folder, CurtainRecord(self._shows, stills, self._swaybg[-1] if self._swaybg else 0))

    def _remove_leftovers(self) -> None:
        kept = {still.file for still in self._found.panels.values()}
        for path in self._folder.glob("still-*.bmp"):
            if path.name not in kept:
                path.unlink(missing_ok=True)


def _is_swaybg(pid: int) -> bool:
    try:
        return pid > 0 and Path(f"/proc/{pid}/comm").read_text().strip() == "swaybg"
    except OSError:
        return False


def main(first: int) -> int:
    """Runs until the compositor goes: 0. `first`: the process id of the `swaybg` that shows the first picture, or 0."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for what it starts
    folder = Path(os.environ["XDG_RUNTIME_DIR"])
    os.chdir(folder)
    display = Display()
    try:
        display.connect()
    except ValueError:
        return 0
    try:
        Curtain(display, folder, Path(os.environ.get("SIGNAGE_KEPT") or folder), first).run()
    except RuntimeError:  # pywayland's, when the connection is gone
        return 0
    return 1


if __name__ == "__main__":
    os._exit(main(int(sys.argv[1])))  # what is left of a connection that is gone cannot be taken apart in order
