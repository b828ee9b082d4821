"""Where this player keeps things: its folders, out of the configuration, the environment and what may be written here."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import msgspec

from player.config import Config


class Dirs(msgspec.Struct, frozen=True):
    """The folders, resolved. `state` is the agent's own but for the manifest and the `brief`, which the stage reads."""

    state: Path
    cache: Path
    runtime: Path
    stage_runtime: Path

    @property
    def brief(self) -> Path:
        """What the agent tells the stage: `core.brief.StageBrief`, in a file that every version calls so."""
        return self.state / "orders.json"

    @property
    def stage(self) -> Path:
        """What the stage itself keeps: proof of play, the mark of the item on screen, its quarantine."""
        return self.state / "stage"

    @property
    def plays(self) -> Path:
        """The journal of proof of play."""
        return self.stage / "plays"

    @property
    def page_snapshots(self) -> Path:
        """The last good picture of each page, in a folder that every version calls so: an update keeps them."""
        return self.stage / "keepsakes"

    @property
    def certificate(self) -> Path:
        """What this box shows of itself under TLS, where nothing else is configured."""
        return self.state / "tls" / "certificate.pem"

    @property
    def certificate_key(self) -> Path:
        """The private part of that."""
        return self.state / "tls" / "key.pem"

    @property
    def control_socket(self) -> Path:
        """Where a running agent is spoken to."""
        return self.runtime / "control.sock"

    @property
    def stage_socket(self) -> Path:
        """Where a running stage is spoken to."""
        return self.stage_runtime / "stage.sock"

    @property
    def sway_socket(self) -> Path:
        """Sway's IPC."""
        return self.stage_runtime / "sway.sock"

    @property
    def curtain_socket(self) -> Path:
        """Where what stands behind the windows is told what to show."""
        return self.stage_runtime / "curtain.sock"

    @property
    def compositor_info(self) -> Path:
        """How the compositor was started (backend, renderer, Wayland display): a small JSON file."""
        return self.stage_runtime / "compositor.json"


def resolve_dirs(config: Config, environment: Mapping[str, str] = os.environ) -> Dirs:
    """The folders: as configured, else /var/lib/signage-player where it can be written, else the user's own (platformdirs)."""
    storage, stage = config.storage, config.stage
    if storage.state_dir:
        state = Path(storage.state_dir)
    elif os.geteuid() == 0 or os.access("/var/lib/signage-player", os.W_OK):
        state = Path("/var/lib/signage-player")
    else:
        import platformdirs

        state = Path(platformdirs.user_state_dir("signage-player"))
    runtime = Path(storage.runtime_dir) if storage.runtime_dir else _runtime_dir(environment)
    return Dirs(
        state=state,
        cache=Path(storage.cache_dir) if storage.cache_dir else state / "cache",
        runtime=runtime,
        stage_runtime=Path(stage.runtime_dir) if stage.runtime_dir else runtime,
    )


def _runtime_dir(environment: Mapping[str, str]) -> Path:
    if os.geteuid() == 0:
        return Path("/run/signage-player")  # root's own folders are closed to the user that its processes run as
    base = environment.get("XDG_RUNTIME_DIR")
    if base and os.access(base, os.W_OK):
        return Path(base) / "signage-player"
    return Path("/tmp") / f"signage-player-{os.getuid()}"  # noqa: S108 - made 0700 and checked for its owner by whoever creates it
