"""Folders and processes of a bench: the player's daemons, a recorder of the screen, and rival players under the same compositor."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

from player.brief_file import BriefFile
from player.config import Config, StageConfig, StorageConfig
from player.core.brief import CardFacts, StageBrief
from player.core.content import CUT, Item, Layout, Manifest, Playlist, Transition, always, full_screen
from player.core.kinds import Kind
from player.dirs import Dirs, resolve_dirs
from player.programme_file import ProgrammeFile
from scripts.benches.capture import Spec, across, read_records
from scripts.benches.content import Coded
from scripts.benches.seams import Sample
from scripts.benches.strip import Sort

MPV = ("mpv", "--no-config", "--load-scripts=no", "--vo=wlshm", "--ao=null", "--no-terminal")
STOP_S = 8.0
CAPTURE = "capture"


class Recording:
    """A running recorder and what it has written so far."""

    def __init__(self, process: subprocess.Popen[bytes], path: Path, strips: int) -> None:
        self._process, self._path, self._strips = process, path, strips

    def samples(self, which: int = 0) -> list[Sample]:
        """What strip `which` showed until now."""
        return read_records(self._path.read_bytes() if self._path.exists() else b"", self._strips, which)

    def end(self) -> None:
        """Stops recording; `samples` stays."""
        self._process.terminate()
        self._process.wait(STOP_S)

    def alive(self) -> bool:
        """Whether it still records."""
        return self._process.poll() is None


class Rig:
    """A folder with a player's state, and the processes started for it; `with` ends them all. `size` is (width, height).

    `runtime`: where sockets and logs lie, if not in that folder.
    """

    def __init__(
        self, size: tuple[int, int] = (1280, 720), settings: Mapping[str, str] | None = None, runtime: Path | None = None
    ) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="sb-"))
        self.size = size
        self._logs = runtime or self.folder
        config = Config(
            storage=StorageConfig(
                state_dir=str(self.folder / "state"),
                cache_dir=str(self.folder / "cache"),
                runtime_dir=str((runtime or self.folder) / "run"),
            ),
            stage=StageConfig(backend="headless", size=f"{size[0]}x{size[1]}"),
        )
        self.dirs: Dirs = resolve_dirs(config, {})
        for path in (self.dirs.state, self.dirs.cache, self.dirs.runtime):
            path.mkdir(mode=0o700)
        self.environment = {key: value for key, value in os.environ.items() if not key.startswith("SIGNAGE__")} | {
            "XDG_RUNTIME_DIR": str(self.dirs.runtime),
            "SIGNAGE__STORAGE__STATE_DIR": str(self.dirs.state),
            "SIGNAGE__STORAGE__CACHE_DIR": str(self.dirs.cache),
            "SIGNAGE__STORAGE__RUNTIME_DIR": str(self.dirs.runtime),
            "SIGNAGE__STAGE__BACKEND": "headless",
            "SIGNAGE__STAGE__SIZE": f"{size[0]}x{size[1]}",
            "SIGNAGE__CONTROL__LISTEN": "",
            "SIGNAGE__NETWORK__ALLOW_PRIVATE": "127.0.0.0/8",  # where its own pages are served
            **(settings or {}),
        }
        self.processes: list[subprocess.Popen[bytes]] = []
        self._version = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for process in reversed(self.processes):
            stop(process)
        if error is not None:
            self._say_why()
        subprocess.run(["rm", "-rf", str(self.folder)], check=False)

    def _say_why(self) -> None:
        for log in sorted(self._logs.glob("*.log")):
            print(f"--- {log.name}\n{log.read_text(errors='replace')[-2000:]}", file=sys.stderr)

    # --- processes

    def spawn(
        self, name: str, command: Sequence[str], environment: Mapping[str, str] | None = None, keep: Sequence[int] = ()
    ) -> subprocess.Popen[bytes]:
        """Starts a process that ends with the rig, with the descriptors `keep`; what it says goes to NAME.log."""
        behind = ["nice", "-n", "5"] if os.nice(0) < 0 and name != CAPTURE else []  # what is measured must not starve the measuring
        with self.log(name).open("ab") as log:
            process = subprocess.Popen(
                [*behind, *command],
                env=environment or self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                pass_fds=keep,
            )
        self.processes.append(process)
        return process

    def log(self, name: str) -> Path:
        """What the process of that name says."""
        return self._logs / f"{name}.log"

    def player(self, command: str) -> subprocess.Popen[bytes]:
        """`signage-player COMMAND`: run, stage, compositor."""
        return self.spawn(command, [sys.executable, "-P", "-m", "player", command])

    def compositor(self) -> None:
        """Starts it alone and waits until it answers."""
        self.player("compositor")
        until(self.dirs.compositor_info.exists, 20, "no compositor came up")

    @contextlib.contextmanager
    def rival(self, name: str, command: Sequence[str]) -> Iterator[subprocess.Popen[bytes]]:
        """Another player under the rig's compositor."""
        process = self.spawn(name, command, self.wayland())
        try:
            yield process
        finally:
            stop(process)

    def wayland(self) -> dict[str, str]:
        """The environment of a client of the rig's compositor."""
        display = next(path.name for path in self.dirs.runtime.glob("wayland-?") if path.is_socket())
        return self.environment | {"WAYLAND_DISPLAY": display, "HOME": str(self.folder)}

    @contextlib.contextmanager
    def recording(self, spec: Spec | None = None) -> Iterator[Recording]:
        """Records the screen from the moment there is one."""
        spec = spec or across(*self.size)
        out = self.folder / f"recording-{len(self.processes)}"
        command = [sys.executable, "-m", "scripts.benches.capture", str(self.dirs.runtime), str(out), str(spec)]
        process = self.spawn(CAPTURE, command)
        recording = Recording(process, out, len(spec.strips))
        try:
            yield recording
        finally:
            stop(process)

    # --- what is played

    def publish(self, items: Sequence[Item], transition: Transition = CUT, layout: Layout | None = None) -> None:
        """The manifest that the stage finds, and settings that say it is paired."""
        self._version += 1
        shown = layout or full_screen(Playlist("bench", "bench", tuple(items), transition))
        ProgrammeFile(self.dirs.state).write(Manifest(str(self._version), (shown,), always(shown), assets=len(items)))
        BriefFile(self.dirs.brief).write(StageBrief(cards=CardFacts(paired=True)))

    def item(self, coded: Coded, place: int, seconds: float, url: str = "") -> Item:
        """A playlist's entry: the file is copied into the cache; a page is at `url`."""
        kind = Kind(coded.kind)
        made = Item(f"{place}-{coded.number}", str(coded.number), coded.made.name, kind, seconds)
        if kind is Kind.WEB:
            return replace(made, url=f"{url}/{coded.path.name}")
        target = self.dirs.cache / coded.path.name
        if not target.exists():
            shutil.copyfile(coded.path, target)
        return replace(made, duration_s=0.0 if kind is Kind.VIDEO else seconds, file=target.name)


def stop(process: subprocess.Popen[bytes], within_s: float = STOP_S) -> None:
    """Ends a process and whatever it leads."""
    if process.poll() is None:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(within_s)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def until(holds: Callable[[], object], within_s: float, otherwise: str, pause_s: float = 0.05) -> None:
    """Waits. Raises TimeoutError with `otherwise`."""
    end = time.monotonic() + within_s
    while not holds():
        if time.monotonic() > end:
            raise TimeoutError(f"{otherwise} within {within_s:.0f} s")
        time.sleep(pause_s)


def first_shown(recording: Recording, after: float, within_s: float = 20.0) -> float:
    """When (monotonic) the first frame of content was on screen, after `after`."""
    found: list[float] = []

    def look() -> bool:
        found[:] = [sample.at for sample in recording.samples() if sample.seen.sort is Sort.ITEM and sample.at > after][:1]
        return bool(found)

    until(look, within_s, "no content came on screen", 0.02)
    return found[0]


def daemon(parent: int, name: str) -> psutil.Process | None:
    """The daemon `name` of `run`: of the stage's two processes the one that plays, which is a child of the other."""
    with contextlib.suppress(psutil.Error):
        for child in psutil.Process(parent).children():
            if name in child.cmdline():
                return next((below for below in child.children() if below.cmdline() == child.cmdline()), child)
    return None


def pss_mb(pid: int, of: Sequence[str] = ("Pss:",)) -> float:
    """A process's proportional share of memory, in megabytes (1024 x 1024)."""
    told = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()
    found = [int(line.split()[1]) for line in told if line.startswith(tuple(of))]
    if not found:
        raise ValueError(f"process {pid} does not tell its memory")
    return sum(found) / 1024


def tree_pss_mb(pid: int, of: Sequence[str] = ("Pss:",)) -> float:
    """Of a process and everything below it."""
    total = pss_mb(pid, of)
    for child in psutil.Process(pid).children(recursive=True):
        with contextlib.suppress(OSError, ValueError):
            total += pss_mb(child.pid, of)
    return total


def cpu_s(pid: int) -> float:
    """Seconds of processor time that a process has used, all its threads."""
    used = psutil.Process(pid).cpu_times()
    return float(used.user + used.system)


def sampled_mb(pids: Sequence[int], seconds: float, every_s: float = 1.0) -> float:
    """The median over `seconds` of what these processes hold together, in megabytes."""
    readings = []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        readings.append(sum(pss_mb(pid) for pid in pids))
        time.sleep(every_s)
    return sorted(readings)[len(readings) // 2]
