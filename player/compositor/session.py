"""Starting the compositor: choose backend and renderer, write sway's configuration, and become sway by exec.

House rule 1: the screen is up before anything else, so this imports little (no asyncio, no logging of its own machinery) and costs
no memory afterwards. Sway has no option that names its Wayland socket; its configuration therefore starts a one-line child that
writes `compositor.json` (`SessionInfo`), whose appearance also says that the compositor answers. Restarts closer together than ten
seconds count as early deaths of the renderer that was used; the second one makes `gles2` give way to `pixman`.
"""

from __future__ import annotations

import os
import stat
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import msgspec

from player.errors import BoxError

if TYPE_CHECKING:
    from player.config import Config, Dirs

EARLY_DEATH_S = 10.0
EARLY_DEATHS_ALLOWED = 1
_SIZES = {"headless": "1920x1080", "x11": "1280x720"}  # where nothing else says it; wlroots opens an X11 window of 4:3
BACKGROUND = "#202020"
DRI = Path("/dev/dri")
_TURNS = {"landscape": "normal", "portrait": "90", "landscape_flipped": "180", "portrait_flipped": "270"}
_NOT_FOR_SWAY = ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "SWAYSOCK", "I3SOCK")
ENV_PREFIX = "SIGNAGE__"  # as in player.config, which a file this small should not wait for
_WINDOWS = """\
xwayland disable
default_border none
default_floating_border none
focus_on_window_activation none
focus_follows_mouse no
mouse_warping none
floating_modifier none
floating_minimum_size 16 x 16
floating_maximum_size -1 x -1
seat * hide_cursor 100
no_focus [app_id="^(sig-|chrom)"]
for_window [app_id="^(sig-|chrom)"] floating enable, border none, opacity 0, sticky enable"""

# What the child started by sway writes; the values go in by the environment, which needs no quoting.
_ANNOUNCE = (
    'printf \'{"backend":"%s","renderer":"%s","started_at":%s,"wayland_display":"%s"}\' '
    '"$SIGNAGE_BACKEND" "$WLR_RENDERER" "$SIGNAGE_STARTED_AT" "$XDG_RUNTIME_DIR/$WAYLAND_DISPLAY" '
    '> "$XDG_RUNTIME_DIR/compositor.json.tmp" && mv "$XDG_RUNTIME_DIR/compositor.json.tmp" "$XDG_RUNTIME_DIR/compositor.json"'
)


class SessionInfo(msgspec.Struct, frozen=True):
    """How the running compositor was started. `backend`: wayland | x11 | drm | headless; `renderer`: gles2 | pixman;
    `wayland_display`: absolute path of its socket, good as $WAYLAND_DISPLAY; `started_at`: seconds since the epoch."""

    backend: str
    renderer: str
    wayland_display: str
    started_at: float


class _Starts(msgspec.Struct):
    """The record of starts: the last renderer and when (seconds since boot), and the early deaths of each renderer."""

    renderer: str = ""
    at: float = 0.0
    early_deaths: dict[str, int] = msgspec.field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Launch:
    """What `exec` gets: the program with its arguments, and the whole environment."""

    argv: tuple[str, ...]
    environment: dict[str, str]
    backend: str
    renderer: str


def read_info(path: Path) -> SessionInfo | None:
    """What `compositor.json` says, or None while no compositor has announced itself."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=SessionInfo)
    except (FileNotFoundError, msgspec.DecodeError):
        return None


def choose_backend(wanted: str, environment: Mapping[str, str], dri: Path = DRI) -> str:
    """wayland | x11 | drm | headless, for `stage.backend` and what this machine has. Raises BoxError with the remedy."""
    if wanted == "headless":
        return "headless"
    if wanted not in ("auto", "sway"):
        raise BoxError("compositor", f'stage.backend = "{wanted}" uses none; set it to "auto", "sway" or "headless" to start one')
    if _wayland_socket(environment) is not None:
        return "wayland"
    if _x11_answers(environment):
        return "x11"
    if any(dri.glob("card*")):
        return "drm"
    if wanted == "auto":
        return "headless"
    raise BoxError(
        "compositor",
        f"there is no Wayland session, no X11 display and no graphics card ({dri}/card*) to draw on; "
        'connect a screen and load its driver, or set stage.backend = "headless"',
    )


def _wayland_socket(environment: Mapping[str, str]) -> Path | None:
    """The outer session's socket, absolute: our own XDG_RUNTIME_DIR will be another."""
    name = environment.get("WAYLAND_DISPLAY")
    if not name:
        return None
    path = Path(environment.get("XDG_RUNTIME_DIR", "/")) / name
    return path if path.is_socket() else None


def _x11_answers(environment: Mapping[str, str]) -> bool:
    """Whether $DISPLAY is set, and for a display of this machine, whether its socket is there."""
    host, _, number = environment.get("DISPLAY", "").partition(":")
    if not number:
        return False
    return bool(host) or Path(f"/tmp/.X11-unix/X{number.partition('.')[0]}").is_socket()  # noqa: S108 - where X11 keeps it


def choose_renderer(wanted: str, backend: str, early_deaths: Mapping[str, int], dri: Path = DRI) -> str:
    """gles2 | pixman: never left to wlroots, which picks a driver that kills it where there is no real OpenGL."""
    if wanted == "pixman" or (wanted == "auto" and backend == "headless"):
        return "pixman"
    if early_deaths.get("gles2", 0) > EARLY_DEATHS_ALLOWED or not any(dri.glob("renderD*")):
        return "pixman"
    return "gles2"


def sway_configuration(
    backend: str, *, size: str | None, mode: str = "", scale: float = 1.0, orientation: str, background: Path | None
) -> str:
    """The text of sway's configuration: every window floats, bare and transparent until the stage shows it.

    The scale is always said: left to itself sway doubles everything on a panel with small pixels.
    """
    picture = f'"{background}" fill' if background else f"{BACKGROUND} solid_color"
    lines = [f"output * bg {picture}", f"output * scale {scale:g}", f"output * transform {_TURNS[orientation]}", _WINDOWS]
    if chosen := mode or size or _SIZES.get(backend, ""):
        custom = "" if backend == "drm" else "--custom "
        rate = "Hz" if "@" in mode else ""
        lines.insert(0, f"output * mode {custom}{chosen}{rate}")
    if backend == "drm":  # beside the udev rule: nobody drives the player by keyboard or mouse; touch stays
        lines += ["input type:keyboard events disabled", "input type:pointer events disabled"]
    return "\n".join([*lines, f"exec {_ANNOUNCE}"]) + "\n"


def prepare_session(
    runtime: Path,
    *,
    backend: str = "auto",
    renderer: str = "auto",
    size: str | None = None,
    mode: str = "",
    scale: float = 1.0,
    orientation: str = "landscape",
    environment: Mapping[str, str],
    uid: int,
    dri: Path = DRI,
) -> Launch:
    """Makes `runtime` ready (configuration, record of starts, nothing stale) and says how to start sway there. Raises BoxError."""
    if uid == 0:
        raise BoxError("compositor", "sway does not run as root; start the player as the user signage, which scripts/setup makes")
    found = (f"{folder}/sway" for folder in os.get_exec_path(environment))
    program = next((path for path in found if os.access(path, os.X_OK)), None)  # shutil would take a tenth of the start
    if program is None:
        raise BoxError("compositor", "the program sway is not on the PATH; install it (apt install sway swaybg grim)")
    chosen = choose_backend(backend, environment, dri)
    _own_folder(runtime, uid)
    used = _count_start(runtime / "starts.json", lambda deaths: choose_renderer(renderer, chosen, deaths, dri))
    for stale in (*runtime.glob("wayland-*"), runtime / "sway.sock", runtime / "compositor.json"):
        stale.unlink(missing_ok=True)
    idle = runtime / "idle.png"
    picture = idle if idle.is_file() else None
    text = sway_configuration(chosen, size=size, mode=mode, scale=scale, orientation=orientation, background=picture)
    conf = runtime / "sway.conf"
    conf.write_text(text, encoding="utf-8")
    return Launch((program, "-c", str(conf)), _environment(runtime, chosen, used, environment), chosen, used)


def _own_folder(runtime: Path, uid: int) -> None:
    """Makes the folder 0700, and refuses one that somebody else could have laid out.

    A group that may enter, but not write, is the installer's choice: the agent reaches the stage's socket through it.
    """
    try:
        runtime.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = runtime.stat(follow_symlinks=False)
    except OSError as error:
        raise BoxError("compositor", f"the folder {runtime} cannot be made: {error.strerror}; set stage.runtime_dir") from error
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != uid:
        raise BoxError("compositor", f"{runtime} belongs to somebody else; remove it, or set stage.runtime_dir")
    if found.st_mode & 0o027:
        runtime.chmod(0o700)


def _count_start(path: Path, choose: Callable[[Mapping[str, int]], str]) -> str:
    """Counts the start before this one as an early death where it was less than ten seconds ago; chooses and notes this one."""
    now = time.clock_gettime(time.CLOCK_BOOTTIME)
    try:
        starts = msgspec.json.decode(path.read_bytes(), type=_Starts)
    except (OSError, msgspec.DecodeError):
        starts = _Starts()
    deaths = starts.early_deaths
    if starts.renderer:
        early = 0 <= now - starts.at < EARLY_DEATH_S
        deaths[starts.renderer] = deaths.get(starts.renderer, 0) + 1 if early else 0
    chosen = choose(deaths)
    path.write_bytes(msgspec.json.encode(_Starts(chosen, now, deaths)))
    return chosen


def _environment(runtime: Path, backend: str, renderer: str, ours: Mapping[str, str]) -> dict[str, str]:
    """Ours without secrets and what only a daemon may use, and what sway and wlroots have to know."""
    environment = {k: v for k, v in ours.items() if k not in _NOT_FOR_SWAY and not k.startswith(ENV_PREFIX)}
    environment |= {
        "XDG_RUNTIME_DIR": str(runtime),
        "SWAYSOCK": str(runtime / "sway.sock"),
        "WLR_BACKENDS": "drm,libinput" if backend == "drm" else backend,
        "WLR_RENDERER": renderer,
        "WLR_LIBINPUT_NO_DEVICES": "1",
        "SIGNAGE_BACKEND": backend,
        "SIGNAGE_STARTED_AT": f"{time.time():.3f}",
    }
    environment.setdefault("LIBSEAT_BACKEND", "seatd")
    outer = _wayland_socket(ours)
    if backend == "wayland" and outer is not None:
        environment["WAYLAND_DISPLAY"] = str(outer)
    else:
        environment.pop("WAYLAND_DISPLAY", None)
    return environment


def main(config: Config, dirs: Dirs) -> NoReturn:
    """`signage-player compositor`: becomes sway. Raises BoxError."""
    stage = config.stage
    launch = prepare_session(
        dirs.stage_runtime,
        backend=stage.backend,
        renderer=stage.renderer,
        size=stage.size,
        mode=stage.mode,
        scale=stage.scale,
        orientation=stage.orientation,
        environment=os.environ,
        uid=os.geteuid(),
    )
    print(f"compositor: sway on {launch.backend}, drawn by {launch.renderer}", file=sys.stderr, flush=True)
    try:
        os.execve(launch.argv[0], launch.argv, launch.environment)  # noqa: S606 - a program found on our PATH, no shell
    except OSError as error:
        raise BoxError("compositor", f"{launch.argv[0]} cannot be started: {error.strerror}; reinstall sway") from error
