"""Starting the compositor: choose backend and renderer, write sway's configuration, and become sway by exec.

House rule 1: the screen is up before anything else, so this imports little (no asyncio, no logging of its own machinery) and costs
no memory afterwards. Sway has no option that names its Wayland socket; its configuration therefore starts a child of a few lines
that writes `compositor.json` (`SessionInfo`), whose appearance also says that the compositor answers. The child also has `swaybg`
show at once what was on screen before, or the brand, and starts the `curtain` when the first item had the machine to itself; that
of a boot is there before (`ahead`), and does both. Where gles2 draws, the child then copies one pixel of the screen, which needs a
frame, and leaves `first_frame`: what `graphics` judges the next start by.
"""

from __future__ import annotations

import contextlib
import os
import stat
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import msgspec

from player.compositor import ahead
from player.compositor.graphics import DRI, FIRST_FRAME, settle
from player.compositor.still_file import IDLE, RECORD, first_picture
from player.core.renderer import Choice
from player.errors import BoxError

if TYPE_CHECKING:
    from player.config import Config
    from player.dirs import Dirs

_SIZES = {"headless": "1920x1080", "x11": "1280x720"}  # where nothing else says it; wlroots opens an X11 window of 4:3
BACKGROUND = "#202020"
_TURNS = {"landscape": "normal", "portrait": "90", "landscape_flipped": "180", "portrait_flipped": "270"}
_NOT_FOR_SWAY = ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "SWAYSOCK", "I3SOCK")
PICTURE = "SIGNAGE_PICTURE"  # set by the unit: what the installer drew, for a box that has shown nothing of its own
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

# What the child started by sway does; all of it goes in by the environment, which needs no quoting.
_ANNOUNCE = """\
cd "$XDG_RUNTIME_DIR" || exit
behind=
show() { swaybg $SIGNAGE_BEHIND > /dev/null 2>&1 & behind=$!; }
hangs() { [ "$SIGNAGE_AHEAD" != 0 ] && kill -0 "$SIGNAGE_AHEAD" 2>/dev/null; }
hangs || show
printf '{"backend":"%s","renderer":"%s","why":%s,"started_at":%s,"wayland_display":"%s"}' \
    "$SIGNAGE_BACKEND" "$SIGNAGE_RENDERER" "$SIGNAGE_WHY" "$SIGNAGE_STARTED_AT" "$XDG_RUNTIME_DIR/$WAYLAND_DISPLAY" \
    > compositor.json.tmp && mv compositor.json.tmp compositor.json
while sleep 1 && kill -0 "$SIGNAGE_PID" 2>/dev/null; do
    if hangs; then tail -s 5 --pid="$SIGNAGE_AHEAD" -f /dev/null; continue; fi
    [ "$behind" ] || show
    "$SIGNAGE_PYTHON" -P -m player.compositor.curtain "$behind" && break
done &
[ "$SIGNAGE_RENDERER" = gles2 ] || exit
until grim -g '0,0 1x1' -t ppm /dev/null 2>/dev/null; do
    sleep 5  # no panel, or it is off
    kill -0 "$SIGNAGE_PID" 2>/dev/null || exit
done
: > first_frame
"""


class SessionInfo(msgspec.Struct, frozen=True):
    """How the running compositor was started. `backend`: wayland | x11 | drm | headless; `renderer`: gles2 | pixman, and `why`;
    `wayland_display`: absolute path of its socket, good as $WAYLAND_DISPLAY; `started_at`: seconds since the epoch."""

    backend: str
    renderer: str
    wayland_display: str
    started_at: float
    why: str = ""


@dataclass(frozen=True, slots=True)
class Launch:
    """What `exec` gets: the program with its arguments, and the whole environment. `is_first`: after the boot of a device."""

    argv: tuple[str, ...]
    environment: dict[str, str]
    backend: str
    choice: Choice
    is_first: bool


def read_info(path: Path) -> SessionInfo | None:
    """What `compositor.json` says, or None while no compositor has announced itself."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=SessionInfo)
    except (OSError, msgspec.DecodeError):
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


def sway_configuration(backend: str, *, size: str | None, mode: str = "", scale: float = 1.0, orientation: str) -> str:
    """The text of sway's configuration: every window floats, bare and transparent until the stage shows it.

    The scale is always said: left to itself sway doubles everything on a panel with small pixels.
    """
    lines = [f"output * scale {scale:g}", f"output * transform {_TURNS[orientation]}", _WINDOWS]
    if chosen := mode or size or _SIZES.get(backend, ""):
        custom = "" if backend == "drm" else "--custom "
        rate = "Hz" if "@" in mode else ""
        lines.insert(0, f"output * mode {custom}{chosen}{rate}")
    if backend == "drm":  # beside the udev rule: nobody drives the player by keyboard or mouse; touch stays
        lines += ["input type:keyboard events disabled", "input type:pointer events disabled"]
    return "\n".join([*lines, 'exec sh -c "$SIGNAGE_ANNOUNCE"']) + "\n"


def prepare_session(
    runtime: Path,
    *,
    kept_in: Path,
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
    """Makes `runtime` ready (configuration, nothing stale) and says how to start sway there. Raises BoxError.

    `kept_in`: the folder for what is found of the renderer, and for the brand; it outlives a boot.
    """
    if uid == 0:
        raise BoxError("compositor", "sway does not run as root; start the player as the user signage, which scripts/setup makes")
    found = (f"{folder}/sway" for folder in os.get_exec_path(environment))
    program = next((path for path in found if os.access(path, os.X_OK)), None)  # shutil would take a tenth of the start
    if program is None:
        raise BoxError("compositor", "the program sway is not on the PATH; install it (apt install sway swaybg grim)")
    chosen = choose_backend(backend, environment, dri)
    _own_folder(runtime, uid)
    text = sway_configuration(chosen, size=size, mode=mode, scale=scale, orientation=orientation)
    conf = runtime / "sway.conf"
    conf.write_text(text, encoding="utf-8")
    choice = settle(renderer, chosen, runtime, kept_in, dri=dri)  # by what the last one left
    for stale in (*runtime.glob("wayland-*"), *(runtime / name for name in ("sway.sock", "compositor.json", FIRST_FRAME))):
        stale.unlink(missing_ok=True)
    is_first = chosen == "drm" and PICTURE in environment and not (runtime / RECORD).exists()
    brand = [kept_in / IDLE, *([Path(environment[PICTURE])] if PICTURE in environment else ())]
    behind = _behind(runtime, kept_in, brand=brand, turned=orientation != "landscape")
    return Launch((program, "-c", str(conf)), _environment(runtime, chosen, choice, environment) | behind, chosen, choice, is_first)


def _behind(runtime: Path, kept_in: Path, *, brand: Sequence[Path], turned: bool) -> dict[str, str]:
    """What is seen until a stage shows something, and what the curtain has to know. `brand`: the first that is there is shown."""
    idle, found = runtime / IDLE, next((picture for picture in brand if picture.is_file()), None)
    if found and not idle.exists():  # the first compositor after a boot
        with contextlib.suppress(OSError):
            idle.write_bytes(found.read_bytes())
    shown = first_picture(runtime, turned=turned, plain=BACKGROUND)
    return {"SIGNAGE_BEHIND": " ".join(shown), "SIGNAGE_KEPT": str(kept_in), "SIGNAGE_PYTHON": sys.executable}


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


def _environment(runtime: Path, backend: str, choice: Choice, ours: Mapping[str, str]) -> dict[str, str]:
    """Ours without secrets and what only a daemon may use, and what sway and wlroots have to know."""
    environment = {k: v for k, v in ours.items() if k not in _NOT_FOR_SWAY and not k.startswith(ENV_PREFIX)}
    environment |= {
        "XDG_RUNTIME_DIR": str(runtime),
        "SWAYSOCK": str(runtime / "sway.sock"),
        "WLR_BACKENDS": "drm,libinput" if backend == "drm" else backend,
        "WLR_RENDERER": choice.renderer,
        "WLR_LIBINPUT_NO_DEVICES": "1",
        "SIGNAGE_ANNOUNCE": _ANNOUNCE,
        "SIGNAGE_PID": str(os.getpid()),  # exec keeps it
        "SIGNAGE_RENDERER": choice.renderer,
        "SIGNAGE_WHY": msgspec.json.encode(choice.why).decode(),
        "SIGNAGE_BACKEND": backend,
        "SIGNAGE_STARTED_AT": f"{time.time():.3f}",
        "SIGNAGE_AHEAD": "0",
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
        kept_in=Path(os.environ.get("STATE_DIRECTORY") or dirs.stage),  # under systemd the stage's folder is out of reach
        backend=stage.backend,
        renderer=stage.renderer,
        size=stage.size,
        mode=stage.mode,
        scale=stage.scale,
        orientation=stage.orientation,
        environment=os.environ,
        uid=os.geteuid(),
    )
    if launch.is_first and stage.orientation == "landscape":  # its picture would be turned once more
        launch.environment["SIGNAGE_AHEAD"] = str(ahead.begin(launch.environment, stage.mode or stage.size or ""))
    drawn_by = f"{launch.choice.renderer}: {launch.choice.why}"
    print(f"compositor: sway on {launch.backend}, drawn by {drawn_by}", file=sys.stderr, flush=True)
    try:
        os.execve(launch.argv[0], launch.argv, launch.environment)  # noqa: S606 - a program found on our PATH, no shell
    except OSError as error:
        raise BoxError("compositor", f"{launch.argv[0]} cannot be started: {error.strerror}; reinstall sway") from error
