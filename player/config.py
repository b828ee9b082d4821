"""Every key of the configuration, its type and its default: one frozen `Config`. `player.config_reader` reads it.

msgspec and not pydantic here: the stage and the compositor read the configuration too, and have to be on screen within half a
second of power; it checks as strictly and loads in a tenth of the time. Composition roots hand out values from here; nothing
else receives the whole Config (house rule 4).
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from player.errors import ConfigError

CREDENTIAL = "secret"  # the agent's unit loads the files of /etc/signage-player/secrets by this name (systemd.exec(5))
Seconds = Annotated[float, Meta(gt=0)]
Size = Annotated[str, Meta(pattern=r"^\d{3,5}x\d{3,5}$")]
PanelMode = Annotated[str, Meta(pattern=r"^(\d{3,5}x\d{3,5}(@\d{1,3}(\.\d{1,3})?)?)?$")]
Scale = Annotated[float, Meta(ge=0.5, le=4.0)]


class Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One table of the file."""


def first_words(path: str, key: str) -> str:
    """A file that holds a secret and nothing else, as systemd hands it over where only root may read it. Raises ConfigError."""
    handed = Path(os.environ.get("CREDENTIALS_DIRECTORY", "")) / f"{CREDENTIAL}_{Path(path).name}"
    try:
        return (handed if handed.is_absolute() and handed.exists() else Path(path)).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(path, key, f"cannot be read: {getattr(error, 'strerror', None) or error}") from error


class CmsConfig(Section, frozen=True):
    """The server: what all kinds share."""

    kind: str = "adcast"
    url: str = ""
    name: str = ""
    device: str = ""
    license_key: str = ""
    license_key_file: str = ""
    token: str = ""
    token_file: str = ""
    allow_plain_http: bool = False
    heartbeat_interval: Seconds = 30.0
    poll_interval: Seconds = 60.0
    offline_after: Annotated[float, Meta(ge=0)] = 60.0
    ca_file: str = ""
    pair_url: str = ""

    def secret(self, name: Literal["license_key", "token"]) -> str:
        """The value, or the first line of its `_file` form (a systemd credential, say). Raises ConfigError."""
        path: str = getattr(self, f"{name}_file")
        if not path:
            value: str = getattr(self, name)
            return value
        return first_words(path, f"cms.{name}_file")


class FallbackConfig(CmsConfig, frozen=True):
    """A second source of content; `kind` "": none. `after`: seconds for which the first has had nothing to show."""

    kind: str = ""
    after: Annotated[float, Meta(ge=0)] = 300.0


class NetworkConfig(Section, frozen=True):
    """The proxy, and what is open inside. An empty `proxy` leaves it to HTTP_PROXY, HTTPS_PROXY and NO_PROXY of the environment.

    `allow_private`: the networks ("192.168.7.0/24") that content may open although they are not public.
    """

    proxy: str = ""
    no_proxy: tuple[str, ...] = ()
    proxy_password_file: str = ""
    allow_private: tuple[str, ...] = ()

    def password(self) -> str:
        """The proxy's password, "" where no file is named. Raises ConfigError."""
        return first_words(self.proxy_password_file, "network.proxy_password_file") if self.proxy_password_file else ""


class StorageConfig(Section, frozen=True):
    """Where things are kept. Sizes are written like "8GiB"."""

    state_dir: str = ""
    cache_dir: str = ""
    runtime_dir: str = ""
    cache_limit: str = "8GiB"
    reserve: str = "512MiB"


class CacheConfig(Section, frozen=True):
    """What the media store takes in."""

    require_hash: bool = False


class StageConfig(Section, frozen=True):
    """The screen: by what it is drawn, how large and how turned, and what may play on it."""

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
    browser_sandbox: bool = True
    page_memory: str = "160MiB"
    youtube_hosts: tuple[str, ...] = ("youtube.com", "youtu.be")
    stream_hosts: tuple[str, ...] = ()
    problem_card_after: Annotated[float, Meta(ge=0)] = 300.0


class ControlConfig(Section, frozen=True):
    """The local page and APIs; `listen` and `tls_listen` are HOST:PORT, or "" for none; the Unix socket is always there.

    `certificate` and `key` are PEM files for TLS; empty: those that `token create` makes. `public_url`: the address at which others
    reach it from outside, where somebody has opened one.
    """

    listen: str = "127.0.0.1:8770"
    tls_listen: str = ""
    certificate: str = ""
    key: str = ""
    password: str = ""
    password_file: str = ""
    public_url: str = ""

    def secret(self) -> str:
        """The password, or the text of its file. Raises ConfigError."""
        return first_words(self.password_file, "control.password_file") if self.password_file else self.password


class TimeConfig(Section, frozen=True):
    """`zone`: an IANA name; empty is the system's. `country`: whose public holidays count, "AT" or "DE-BY"; empty: none."""

    zone: str = ""
    country: str = ""


class ProofConfig(Section, frozen=True):
    """How much proof of play is kept, whether a server has it or not."""

    keep_days: Annotated[int, Meta(ge=1)] = 90
    keep_size: str = "512MiB"


class UpdateConfig(Section, frozen=True):
    """`public_key`: Ed25519, base64; empty refuses every update. `folder`: bundles that the management may have installed."""

    public_key: str = ""
    folder: str = ""


class DevicesConfig(Section, frozen=True):
    """What the management may do here. `packages`: Debian packages that it may have installed; none unless they are named.

    `vpn`: the unit of the system's that it may switch on and off; `content`: where its applets stand to the programme.
    """

    packages: tuple[str, ...] = ()
    vpn: str = ""
    content: Literal["above", "below", "off"] = "below"


class LogConfig(Section, frozen=True):
    """How much is logged."""

    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"


class TriggerSourceConfig(Section, frozen=True):
    """A source of triggers: what all kinds share, each in the table of its kind. `url` "": it is not used.

    `folder`: where the files lie that triggers name.
    """

    url: str = ""
    folder: str = ""
    allow_plain_http: bool = False

    def mistake(self, public_url: str) -> tuple[str, str] | None:  # noqa: ARG002 - for those that call here
        """A key whose value is wrong, `table.key`, and what is wrong with it; None where there is none.

        `public_url`: the address at which this box is reached from outside, "" for none.
        """
        return None


class TriggerConfig(Section, frozen=True):
    """One [[trigger]]: its fields are those of `core.triggers.TriggerRule`."""

    name: Annotated[str, Meta(min_length=1, max_length=100)]
    show: Annotated[str, Meta(pattern=r"^(content|playlist|file|url):.+$")]
    brand: tuple[str, ...] = ()
    category: tuple[str, ...] = ()
    channel: tuple[str, ...] = ()
    region: tuple[str, ...] = ()
    program: tuple[str, ...] = ()
    genre: tuple[str, ...] = ()
    keyword: tuple[str, ...] = ()
    duration_min: Annotated[float, Meta(ge=0)] = 0.0
    duration_max: Annotated[float, Meta(ge=0)] = 0.0
    self_promo: bool | None = None
    zone: str = ""
    seconds: Annotated[float, Meta(ge=0)] = 0.0
    priority: int = 0
    cooldown_s: Annotated[float, Meta(ge=0)] = 30.0
    late_s: Annotated[float, Meta(ge=0)] = 10.0
    delay_s: Annotated[float, Meta(ge=0, le=3600)] = 0.0


class ConfigFile(Section, frozen=True):
    """The tables of the file that every player has."""

    cms: CmsConfig = CmsConfig()
    fallback: FallbackConfig = FallbackConfig()
    network: NetworkConfig = NetworkConfig()
    storage: StorageConfig = StorageConfig()
    cache: CacheConfig = CacheConfig()
    stage: StageConfig = StageConfig()
    control: ControlConfig = ControlConfig()
    time: TimeConfig = TimeConfig()
    proof: ProofConfig = ProofConfig()
    update: UpdateConfig = UpdateConfig()
    devices: DevicesConfig = DevicesConfig()
    log: LogConfig = LogConfig()


class Config(ConfigFile, frozen=True):
    """The whole file. `server` is the own table of the kind of server that is used; None: no server is configured.

    `fallback_server`: likewise of the second source. `trigger_source`: of the source of triggers, whose kind is `trigger_kind`;
    None and "": none is configured. `triggers` are the [[trigger]] tables.
    """

    server: Section | None = None
    fallback_server: Section | None = None
    trigger_kind: str = ""
    trigger_source: TriggerSourceConfig | None = None
    triggers: tuple[TriggerConfig, ...] = ()
