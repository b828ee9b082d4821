"""config.toml and the environment -> one frozen `Config`; a mistake is a sentence naming file, key and what was expected.

msgspec and not pydantic here: the stage and the compositor read the configuration too, and have to be on screen within half a
second of power; it checks as strictly and loads in a tenth of the time. Composition roots hand out values from here; nothing
else receives the whole Config (house rule 4).
"""

from __future__ import annotations

import difflib
import ipaddress
import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta

from player.errors import ConfigError

ENV_PREFIX = "SIGNAGE__"
_UNITS = {
    "": 1,
    "B": 1,
    "KiB": 1024,
    "MiB": 1024**2,
    "GiB": 1024**3,
    "TiB": 1024**4,
    "kB": 10**3,
    "MB": 10**6,
    "GB": 10**9,
    "TB": 10**12,
}

Seconds = Annotated[float, Meta(gt=0)]
Size = Annotated[str, Meta(pattern=r"^\d{3,5}x\d{3,5}$")]
PanelMode = Annotated[str, Meta(pattern=r"^(\d{3,5}x\d{3,5}(@\d{1,3}(\.\d{1,3})?)?)?$")]
Scale = Annotated[float, Meta(ge=0.5, le=4.0)]


class _Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One table of the file."""


class CmsConfig(_Section, frozen=True):
    """The server."""

    kind: Literal["adcast", "spot", "screenzzie", "folder"] = "adcast"
    url: str = ""
    name: str = ""
    license_key: str = ""
    license_key_file: str = ""
    token: str = ""
    token_file: str = ""
    allow_plain_http: bool = False
    heartbeat_interval: Seconds = 30.0
    poll_interval: Seconds = 60.0
    ca_file: str = ""

    def secret(self, name: Literal["license_key", "token"]) -> str:
        """The value, or the first line of its `_file` form (a systemd credential, say). Raises ConfigError."""
        path: str = getattr(self, f"{name}_file")
        if not path:
            value: str = getattr(self, name)
            return value
        try:
            return Path(path).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise ConfigError(path, f"cms.{name}_file", f"cannot be read: {error.strerror}") from error


class StorageConfig(_Section, frozen=True):
    """Where things are kept. Sizes are written like "8GiB"."""

    state_dir: str = ""
    cache_dir: str = ""
    runtime_dir: str = ""
    cache_limit: str = "8GiB"
    reserve: str = "512MiB"


class CacheConfig(_Section, frozen=True):
    """What the media store takes in."""

    require_hash: bool = False


class StageConfig(_Section, frozen=True):
    """The picture."""

    backend: Literal["auto", "sway", "headless", "single", "none"] = "auto"
    size: Size | None = None
    mode: PanelMode = ""
    scale: Scale = 1.0
    outputs: Literal["first", "mirror"] = "first"
    orientation: Literal["landscape", "portrait", "landscape_flipped", "portrait_flipped"] = "landscape"
    runtime_dir: str = ""
    renderer: Literal["auto", "gles2", "pixman"] = "auto"
    hwdec: str = "auto-safe"
    audio_device: str = "auto"
    levelling: Literal["off", "r128"] = "off"
    browser: str = "auto"
    youtube_hosts: tuple[str, ...] = ("youtube.com", "youtu.be")
    stream_hosts: tuple[str, ...] = ()


class ControlConfig(_Section, frozen=True):
    """The local page and API; `listen` is HOST:PORT, or "" for the Unix socket alone."""

    listen: str = "127.0.0.1:8770"
    password: str = ""
    password_file: str = ""


class TimeConfig(_Section, frozen=True):
    """`zone`: an IANA name; empty is the system's."""

    zone: str = ""


class ProofConfig(_Section, frozen=True):
    """How much proof of play is kept while the server is away."""

    keep_days: Annotated[int, Meta(ge=1)] = 90
    keep_size: str = "512MiB"


class UpdateConfig(_Section, frozen=True):
    """`public_key`: Ed25519, base64; empty refuses every update."""

    public_key: str = ""


class LogConfig(_Section, frozen=True):
    """How much is logged."""

    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"


class Config(_Section, frozen=True):
    """The whole file."""

    cms: CmsConfig = CmsConfig()
    storage: StorageConfig = StorageConfig()
    cache: CacheConfig = CacheConfig()
    stage: StageConfig = StageConfig()
    control: ControlConfig = ControlConfig()
    time: TimeConfig = TimeConfig()
    proof: ProofConfig = ProofConfig()
    update: UpdateConfig = UpdateConfig()
    log: LogConfig = LogConfig()


class Dirs(msgspec.Struct, frozen=True):
    """The folders, resolved. `state` is the agent's own but for `manifest` and `brief`, which the stage reads."""

    state: Path
    cache: Path
    runtime: Path
    stage_runtime: Path

    @property
    def manifest(self) -> Path:
        """The last complete manifest."""
        return self.state / "manifest.json"

    @property
    def brief(self) -> Path:
        """What the agent tells the stage: `core.content.StageBrief`."""
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
    def compositor_info(self) -> Path:
        """How the compositor was started (backend, renderer, Wayland display): a small JSON file."""
        return self.stage_runtime / "compositor.json"


def parse_size(text: str) -> int:
    """Bytes of "8GiB", "512MiB", "1000". Raises ValueError."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([A-Za-z]*)", text)
    if not match or match[2] not in _UNITS:
        raise ValueError(f'expected a size such as "512MiB", found "{text}"')
    return int(float(match[1]) * _UNITS[match[2]])


def find_file(given: str | None, environment: Mapping[str, str] = os.environ) -> Path | None:
    """The configuration's file: `--config`, `$SIGNAGE_CONFIG`, /etc, the user's folder. None when there is none."""
    for explicit in (given, environment.get("SIGNAGE_CONFIG")):
        if explicit:
            return Path(explicit)
    user = Path(environment.get("XDG_CONFIG_HOME") or Path(environment.get("HOME", "/")) / ".config")
    for candidate in (Path("/etc/signage-player/config.toml"), user / "signage-player" / "config.toml"):
        if candidate.exists():
            return candidate
    return None


def load(given: str | None = None, environment: Mapping[str, str] = os.environ) -> Config:
    """The configuration, checked. Raises ConfigError."""
    path = find_file(given, environment)
    name = str(path) if path else "the environment"
    tree: dict[str, Any] = {}
    if path:
        try:
            tree = tomllib.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise ConfigError(name, "", f"cannot be read: {error.strerror}") from error
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise ConfigError(name, "", f"is not TOML: {error}") from error
    source = _add_environment(tree, environment)
    try:
        config = msgspec.convert(tree, Config)
    except msgspec.ValidationError as error:
        key, problem = _explain(str(error))
        raise ConfigError(source.get(key, name), key, problem) from error
    check(config, lambda key: source.get(key, name))
    return config


def _add_environment(tree: dict[str, Any], environment: Mapping[str, str]) -> dict[str, str]:
    """Lays `SIGNAGE__CMS__URL=…` over the tree; returns where each such key came from."""
    source: dict[str, str] = {}
    for variable, text in environment.items():
        parts = variable.removeprefix(ENV_PREFIX).lower().split("__")
        if not variable.startswith(ENV_PREFIX) or len(parts) != 2:
            continue
        table = tree.setdefault(parts[0], {})
        if isinstance(table, dict):
            table[parts[1]] = _environment_value(parts, text)
            source[".".join(parts)] = f"the environment variable {variable}"
    return source


def _environment_value(parts: list[str], text: str) -> Any:
    section = {f.name: f.type for f in msgspec.structs.fields(Config)}.get(parts[0])
    kinds = {f.name: f.type for f in msgspec.structs.fields(section)} if section else {}
    kind = kinds.get(parts[1], str)
    try:
        if kind is bool:
            return {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}.get(text.lower(), text)
        if kind is int or getattr(kind, "__origin__", None) is int:
            return int(text)
        if kind is float or getattr(kind, "__origin__", None) is float:
            return float(text)
    except ValueError:
        return text
    if getattr(kind, "__origin__", None) is tuple:
        return [part.strip() for part in text.split(",") if part.strip()]
    return text


def _explain(message: str) -> tuple[str, str]:
    """msgspec's words -> (key, what was expected)."""
    text, _, where = message.partition(" - at `$")
    key = where.rstrip("`").lstrip(".")
    unknown = re.search(r"unknown field `(.+)`", text)
    if unknown:
        table: Any = Config
        for part in filter(None, key.split(".")):
            table = {f.name: f.type for f in msgspec.structs.fields(table)}[part]
        near = difflib.get_close_matches(unknown[1], [f.name for f in msgspec.structs.fields(table)], 1)
        full = f"{key}.{unknown[1]}" if key else unknown[1]
        prefix = f"{key}." if key else ""
        return full, "there is no such key" + (f"; did you mean {prefix}{near[0]}?" if near else "")
    return key, text[:1].lower() + text[1:]


def check(config: Config, source: Any) -> None:
    """What types cannot say: sizes, addresses, plain http. Raises ConfigError."""
    for key in ("storage.cache_limit", "storage.reserve", "proof.keep_size"):
        table, name = key.split(".")
        try:
            parse_size(getattr(getattr(config, table), name))
        except ValueError as error:
            raise ConfigError(source(key), key, str(error)) from error
    if config.control.listen and not re.fullmatch(r".+:\d{1,5}", config.control.listen):
        raise ConfigError(source("control.listen"), "control.listen", f'expected HOST:PORT, found "{config.control.listen}"')
    if config.time.zone:
        _check_zone(config.time.zone, source)
    if config.cms.url:
        _check_server(config.cms, source)


def _check_zone(zone: str, source: Any) -> None:
    import zoneinfo

    try:
        zoneinfo.ZoneInfo(zone)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ConfigError(
            source("time.zone"), "time.zone", f'expected an IANA name such as "Europe/Berlin", found "{zone}"'
        ) from error


def _check_server(cms: CmsConfig, source: Any) -> None:
    parts = urlsplit(cms.url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigError(source("cms.url"), "cms.url", f'expected an address such as "https://cms.example.com", found "{cms.url}"')
    if parts.scheme == "http" and not cms.allow_plain_http and not is_private(parts.hostname):
        raise ConfigError(
            source("cms.url"),
            "cms.url",
            "plain http is allowed for loopback and private addresses only; use https, or set cms.allow_plain_http = true",
        )


def is_private(host: str) -> bool:
    """Whether `host` is localhost or a loopback or private address, as written (names are not resolved)."""
    if host == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return address.is_loopback or address.is_private


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
