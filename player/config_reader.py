"""config.toml and the environment -> one frozen `Config`; a mistake is a sentence naming file, key and what was expected.

What one kind of server, or of sources of triggers, alone needs stands in a table of its name. This page knows no kind: which there
are, and the keys of their tables, is told by whoever reads (`player.cms.KINDS`), and checked at every reading: `doctor` refuses
what the agent refuses.
"""

from __future__ import annotations

import contextlib
import difflib
import ipaddress
import os
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import EnumType
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin
from urllib.parse import urlsplit

import msgspec

from player.config import CmsConfig, Config, ConfigFile, ControlConfig, TriggerConfig, TriggerSourceConfig
from player.config_kinds import Kinds, ServerKind
from player.core.egress import Proxy
from player.errors import ConfigError
from player.sizes import parse_size

ENV_PREFIX = "SIGNAGE__"
TRIGGER = "trigger"
Source = Callable[[str], str]  # where a key was set, in words: a file, or a variable


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


def load(given: str | None, kinds: Kinds, environment: Mapping[str, str] = os.environ) -> Config:
    """The configuration, checked, for a player that speaks to `kinds` of servers. Raises ConfigError."""
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
    return _checked(tree, name, kinds, environment)


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A configuration that cannot be read, and why. `load` reads it again, and raises ConfigError while it is as it was."""

    error: ConfigError
    load: Callable[[], Config]

    def is_mended(self) -> bool:
        """Whether it can be read now."""
        try:
            self.load()
        except ConfigError:
            return False
        return True


def without_file(kinds: Kinds) -> Config:
    """What a screen goes by while its configuration cannot be read: the environment; where that is at fault, its folders alone."""
    folders = {variable: value for variable, value in os.environ.items() if variable.endswith("_DIR")}
    for given in (os.environ, folders):
        with contextlib.suppress(ConfigError):
            return _checked({}, "the environment", kinds, given)
    return Config()


def _checked(tree: dict[str, Any], name: str, kinds: Kinds, environment: Mapping[str, str]) -> Config:
    """The tree of the file `name` with the environment laid over it. Raises ConfigError."""
    of = _add_environment(tree, kinds, environment)

    def source(key: str) -> str:
        return of.get(key, name)

    own = {name: tree.pop(name) for name in list(tree) if name not in _fields(ConfigFile) and kinds.has(name)}
    triggers = _triggers(tree.pop(TRIGGER, []), source)
    file: ConfigFile = _read(tree, ConfigFile, "", source)
    check(file, source)
    shared = {one.name: getattr(file, one.name) for one in msgspec.structs.fields(ConfigFile)}

    def own_table(cms: CmsConfig, table: str) -> Any:
        if not is_configured(cms, kinds.servers, source, table):
            return None
        return _read(own.get(cms.kind, {}), kinds.servers[cms.kind].keys(), cms.kind, source)

    second = own_table(file.fallback, "fallback") if file.fallback.kind else None
    listened = {name: _read(own[name], kind.keys(), name, source) for name, kind in kinds.trigger_sources.items() if name in own}
    kind, beside = _trigger_source(listened, file.control.public_url, source)
    return Config(
        **shared, server=own_table(file.cms, "cms"), fallback_server=second, trigger_kind=kind, trigger_source=beside,
        triggers=triggers,
    )  # fmt: skip


def _trigger_source(
    tables: Mapping[str, TriggerSourceConfig], public_url: str, source: Source
) -> tuple[str, TriggerSourceConfig | None]:
    """The one that is used, and its kind. Raises ConfigError."""
    used = [(name, table) for name, table in tables.items() if table.url]
    if len(used) > 1:
        key = f"{used[1][0]}.url"
        raise ConfigError(source(key), key, f"the player listens to one source of triggers, and {used[0][0]}.url names one")
    for name, table in used:
        _check_server(table, source, name)
        if mistake := table.mistake(public_url):
            raise ConfigError(source(mistake[0]), *mistake)
        return name, table
    return "", None


def _triggers(tables: Any, source: Source) -> tuple[TriggerConfig, ...]:
    """The [[trigger]] tables. Raises ConfigError."""
    if not isinstance(tables, list):
        raise ConfigError(source(TRIGGER), TRIGGER, "each trigger is a table of its own, below [[trigger]]")
    read = tuple(_read(table, TriggerConfig, f"{TRIGGER}[{number}]", source) for number, table in enumerate(tables))
    names = [one.name for one in read]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise ConfigError(source(TRIGGER), f"{TRIGGER}[{names.index(twice)}].name", f'two triggers are called "{twice}"')
    return read


def _read(tree: Any, table: type[Any], prefix: str, source: Source) -> Any:
    """A tree as `table`. Raises ConfigError that names the key below `prefix`, and the nearest known one."""
    try:
        return msgspec.convert(tree, table)
    except msgspec.ValidationError as error:
        key, problem = _explain(str(error), table, prefix)
        raise ConfigError(source(key), key, problem) from error


def is_configured(cms: CmsConfig, kinds: Mapping[str, ServerKind], source: Source, table: str) -> bool:
    """Whether the table of that name names a server.

    Raises ConfigError for a kind that does not exist, and for what its kind cannot be without.
    """
    kind = kinds.get(cms.kind)
    if kind is None:
        near = difflib.get_close_matches(cms.kind, kinds, 1)
        known = f'did you mean "{near[0]}"?' if near else "it speaks " + ", ".join(f'"{name}"' for name in kinds)
        raise ConfigError(source(f"{table}.kind"), f"{table}.kind", f'this version does not speak "{cms.kind}"; {known}')
    if not cms.url and cms.kind == CmsConfig().kind:
        return False
    for name in kind.needs:
        if not (getattr(cms, name) or getattr(cms, f"{name}_file", "")):
            raise ConfigError(
                source(f"{table}.{name}"), f"{table}.{name}", f'a server of the kind "{cms.kind}" cannot be without it'
            )
    return True


def _add_environment(tree: dict[str, Any], kinds: Kinds, environment: Mapping[str, str]) -> dict[str, str]:
    """Lays `SIGNAGE__CMS__URL=…` over the tree; returns where each such key came from."""
    source: dict[str, str] = {}
    for variable, text in environment.items():
        parts = variable.removeprefix(ENV_PREFIX).lower().split("__")
        if not variable.startswith(ENV_PREFIX) or len(parts) != 2:
            continue
        table = tree.setdefault(parts[0], {})
        if isinstance(table, dict):
            table[parts[1]] = _environment_value(parts[1], _table(parts[0], kinds), text)
            source[".".join(parts)] = f"the environment variable {variable}"
    return source


def _table(name: str, kinds: Kinds) -> type[Any] | None:
    """The keys of the table of that name; None where there is none."""
    shared = _fields(ConfigFile).get(name)
    return kinds.keys_of(name) if shared is None else shared


def _fields(table: type[Any]) -> dict[str, Any]:
    return {one.name: one.type for one in msgspec.structs.fields(table)}


def _environment_value(key: str, table: type[Any] | None, text: str) -> Any:
    kind = _fields(table).get(key, str) if table else str
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


def _explain(message: str, table: type[Any], prefix: str) -> tuple[str, str]:
    """msgspec's words about `table` -> (key, what was expected)."""
    text, _, where = message.partition(" - at `$")
    parts = [part for part in where.rstrip("`").split(".") if part]
    unknown = re.search(r"unknown field `(.+)`", text)
    path = [prefix, *parts] if prefix else parts
    if not unknown:
        return ".".join(path), wrong_word(text, table, ".".join(parts)) or text[:1].lower() + text[1:]
    for part in parts:
        table = _fields(table)[part]
    near = difflib.get_close_matches(unknown[1], _fields(table), 1)
    mean = f"; did you mean {'.'.join([*path, near[0]])}?" if near else ""
    return ".".join([*path, unknown[1]]), f"there is no such key{mean}"


def wrong_word(text: str, table: type[Any], key: str) -> str:
    """What a key that takes a few words takes, and the nearest of them; "" where msgspec's `text` is about something else.

    `key` is a path below `table`, such as `region[0].item[2].fit`.
    """
    found = re.fullmatch(r"Invalid enum value (.+)", text)
    if not found:
        return ""
    kinds = _alternatives(table)
    for part in re.sub(r"\[[^\]]*\]", "", key).split("."):
        kinds = [one for kind in kinds if hasattr(kind, "__struct_fields__") for one in _alternatives(_fields(kind).get(part))]
    words = [f'"{word}"' for kind in kinds for word in (get_args(kind) or (kind if isinstance(kind, EnumType) else ()))]
    value = f'"{found[1][1:-1]}"' if found[1].startswith("'") else found[1]
    near = difflib.get_close_matches(value, words, 1)
    mean = f"; did you mean {near[0]}?" if near else ""
    return f"expected {', '.join(words[:-1])} or {words[-1]}, found {value}{mean}"


def _alternatives(kind: Any) -> list[Any]:
    """What a type may be: the members of a union, what a tuple holds, a type without its limits."""
    if get_origin(kind) in (Union, UnionType):
        return [one for part in get_args(kind) for one in _alternatives(part)]
    if get_origin(kind) in (tuple, Annotated):
        return _alternatives(get_args(kind)[0])
    return [kind]


def check(config: ConfigFile, source: Source) -> None:
    """What types cannot say: sizes, addresses, plain http. Raises ConfigError."""
    for key in ("storage.cache_limit", "storage.reserve", "proof.keep_size", "stage.page_memory"):
        table, name = key.split(".")
        try:
            parse_size(getattr(getattr(config, table), name))
        except ValueError as error:
            raise ConfigError(source(key), key, str(error)) from error
    _check_control(config.control, source)
    if config.network.proxy:
        try:
            Proxy.of(config.network.proxy)
        except ValueError as error:
            raise ConfigError(source("network.proxy"), "network.proxy", str(error)) from error
    for net in config.network.allow_private:
        _check_net(net, source)
    if config.time.zone and (problem := no_zone(config.time.zone)):
        raise ConfigError(source("time.zone"), "time.zone", problem)
    if config.time.country and not re.fullmatch(r"[A-Z]{2}(-[A-Z0-9]{1,3})?", config.time.country):
        expected = f'expected two letters such as "AT", or with a part of the country "DE-BY", found "{config.time.country}"'
        raise ConfigError(source("time.country"), "time.country", expected)
    _check_server(config.cms, source, "cms")
    _check_server(config.fallback, source, "fallback")


def _check_control(control: ControlConfig, source: Source) -> None:
    for key, listen in (("control.listen", control.listen), ("control.tls_listen", control.tls_listen)):
        if listen and not re.fullmatch(r".+:\d{1,5}", listen):
            raise ConfigError(source(key), key, f'expected HOST:PORT, found "{listen}"')
    if bool(control.certificate) != bool(control.key):
        key = "control.key" if control.certificate else "control.certificate"
        raise ConfigError(source(key), key, "a certificate and its key are named together")


def no_zone(zone: str) -> str:
    """What was expected where no zone has that name; "" where one has it."""
    import zoneinfo

    try:
        zoneinfo.ZoneInfo(zone)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return f'expected an IANA name such as "Europe/Berlin", found "{zone}"'
    return ""


def _check_net(net: str, source: Source) -> None:
    key = "network.allow_private"
    try:
        ipaddress.ip_network(net)
    except ValueError as error:
        raise ConfigError(source(key), key, f'expected networks such as "192.168.7.0/24", found "{net}" ({error})') from error


def _check_server(cms: CmsConfig | TriggerSourceConfig, source: Source, table: str) -> None:
    key, parts = f"{table}.url", urlsplit(cms.url)
    if not cms.url:
        return
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigError(source(key), key, f'expected an address such as "https://cms.example.com", found "{cms.url}"')
    if parts.scheme == "http" and not cms.allow_plain_http and not is_private(parts.hostname):
        raise ConfigError(
            source(key),
            key,
            f"plain http is allowed for loopback and private addresses only; use https, or set {table}.allow_plain_http = true",
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
