"""Secrets out of the configuration, which the stage reads too, into files of root's own: systemd hands those to the agent alone.

The installer calls `move_all`. What cannot be moved without changing anything else stays, and is named.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from player.config import Config, ConfigFile, Section
from player.config_kinds import Kinds
from player.store import write_atomically

FILE = "_file"  # a key that may hold a secret has a twin that names a file of it


def secret_keys(tables: Mapping[str, type[Section]]) -> Iterator[tuple[str, str]]:
    """The table and name of every key that may hold a secret."""
    for table, section in tables.items():
        names = [one.name for one in msgspec.structs.fields(section)]
        yield from ((table, name) for name in names if name + FILE in names)


def left_inside(config: Config) -> list[str]:
    """The keys whose secrets stand in the configuration itself."""
    sections = {one.name: getattr(config, one.name) for one in msgspec.structs.fields(Config)}
    there = {name: section for name, section in sections.items() if isinstance(section, Section)}
    kinds = {"server": config.cms.kind, "fallback_server": config.fallback.kind, "trigger_source": config.trigger_kind}
    own = {kinds.get(name, name): section for name, section in there.items()}
    keys = secret_keys({name: type(section) for name, section in own.items()})
    return [f"{table}.{name}" for table, name in keys if getattr(own[table], name) and not getattr(own[table], name + FILE)]


def move(path: Path, folder: Path, tables: Mapping[str, type[Section]]) -> tuple[list[str], list[str]]:
    """Which keys of the file at `path` have their secrets in `folder` from here on, and which could not be moved.

    Raises OSError, StorageError, tomllib.TOMLDecodeError.
    """
    moved, left = [], []
    owner = path.stat()
    for table, name in secret_keys(tables):
        text = path.read_text(encoding="utf-8")
        tree = tomllib.loads(text)
        section = tree.get(table, {})
        secret, file = section.get(name), folder / f"{table}.{name}"
        if not isinstance(secret, str) or not secret or section.get(name + FILE):
            continue
        changed = _pointing(text, table, name, file)
        if not _says(changed, tree | {table: section | {name: "", name + FILE: str(file)}}):
            left.append(f"{table}.{name}")
            continue
        write_atomically(file, f"{secret}\n".encode(), 0o600)
        write_atomically(path, changed.encode(), owner.st_mode & 0o777)
        os.chown(path, owner.st_uid, owner.st_gid)
        moved.append(f"{table}.{name}")
    return moved, left


def _pointing(text: str, table: str, name: str, file: Path) -> str:
    """The text with the key empty and its twin naming `file`, comments kept."""
    lines, inside, out = text.splitlines(keepends=True), False, []
    for line in lines:
        if header := re.match(r"\s*\[([^\[\]]+)\]\s*(#.*)?$", line):
            inside = header[1].strip() == table
        if inside and re.match(rf"\s*{name}{FILE}\s*=", line):
            continue
        if inside and (found := re.match(rf"(\s*){name}\s*=\s*(\"[^\"\n]*\"|'[^'\n]*')(\s*#.*)?$", line)):
            out += [f'{found[1]}{name} = ""{found[3] or ""}\n', f'{found[1]}{name}{FILE} = "{file}"\n']
        else:
            out.append(line)
    return "".join(out)


def _says(text: str, tree: Mapping[str, Any]) -> bool:
    try:
        return tomllib.loads(text) == tree
    except tomllib.TOMLDecodeError:
        return False


def move_all(path: str, folder: str, kinds: Kinds) -> None:
    """Moves what it can, for a player that speaks to `kinds` of servers, and says so."""
    tables = {one.name: one.type for one in msgspec.structs.fields(ConfigFile)} | kinds.tables()
    moved, left = move(Path(path), Path(folder), tables)
    if moved:
        print(f"{', '.join(moved)}: moved to {folder}, where root alone and the agent read them")
    if left:
        print(f"{', '.join(left)}: could not be moved; put each into a file of its own, and name it by the key that ends in {FILE}")
