"""Takes secrets out of text that leaves the box: those that are known here, and whatever looks like one. Fault X6."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import quote

import msgspec

from player.config import Config, Section
from player.core.plaintext import HIDDEN, without_secrets
from player.errors import StorageError

SHORTEST = 4  # shorter than this a "secret" would blacken every other word
_UUID = re.compile(r"\b([0-9a-f]{8})-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}\b", re.IGNORECASE)
_SECRET_KEY = re.compile(r"(?:^|_)(?:token|(?<=_)(?<!public_)key|secret|password|pin)(?:_file)?$")


class Redactor:
    """Call it with a text; get it back without secrets. A UUID keeps its first eight digits, as logs show them."""

    def __init__(self, secrets: Iterable[str]) -> None:
        known = {form for secret in secrets if len(secret) >= SHORTEST for form in (secret, quote(secret, safe=""))}
        longest_first = sorted(known, key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, longest_first))) if known else None

    def __call__(self, text: str) -> str:
        """The text, redacted."""
        text = _UUID.sub(r"\1…", text)
        if self._known:
            text = self._known.sub(HIDDEN, text)
        return without_secrets(text)


def is_secret(key: str) -> bool:
    """Whether a key of the configuration holds a secret or, ending in `_file`, names a file that does."""
    return bool(_SECRET_KEY.search(key))


def known_secrets(config: Config, state: Path) -> list[str]:
    """Every secret that this box knows: configured ones in any table, in their files or not, and the private part of its identity.

    Raises StorageError where a file that holds one cannot be read.
    """
    tables = [table for table in msgspec.structs.asdict(config).values() if isinstance(table, Section)]
    given = [(key, str(value)) for table in tables for key, value in msgspec.structs.asdict(table).items() if is_secret(key)]
    files = [value for key, value in given if key.endswith("_file")]
    secrets = [value for key, value in given if not key.endswith("_file")]
    for path in (*files, *map(str, state.glob("identity*.json"))):
        secrets += _words(path)
    return [secret for secret in secrets if secret]


def _words(path: str) -> list[str]:
    """Every long enough word of a secret file: whatever its form, its values are among them."""
    if not path:
        return []
    try:
        text = Path(path).read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return []
    except OSError as error:
        raise StorageError(path, f"cannot be read, so its secrets could not be removed: {error.strerror}; ask with sudo") from error
    return [word for word in re.findall(r"[^\s\"',:{}\[\]]+", text) if len(word) >= 12] + [text.strip()]
