"""Takes secrets out of text that leaves the box: those that are known here, and whatever looks like one. Fault X6."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import quote

import msgspec

from player.config import Config
from player.errors import StorageError

HIDDEN = "(removed)"
SHORTEST = 4  # shorter than this a "secret" would blacken every other word
_UUID = re.compile(r"\b([0-9a-f]{8})-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}\b", re.IGNORECASE)
_NAMED = re.compile(
    r"""((?<![a-z])(?:pass(?:word|wd|phrase)?|psk|wep_?key\d?|sae_?password|secret|token|licen[sc]e[_-]?key|api[_-]?key|private[_-]?key|lock_pin|pin)
    (?:\\?["'])?\s*[=:]\s*)(\\?"(?:[^"\\]|\\.)*"|\\?'[^']*'|[^\s,;&}]+)""",
    re.IGNORECASE | re.VERBOSE,
)
_SECRET_KEY = re.compile(r"(?:^|_)(?:token|(?<!public_)key|secret|password|pin)(?:_file)?$")
_BEARER = re.compile(r"\b(Bearer|Basic)\s+[A-Za-z0-9+/._|~=-]{6,}", re.IGNORECASE)
_TOKEN = re.compile(r"\bsignage_[A-Za-z0-9_-]{20,}")
_LOGIN = re.compile(r"(\b[a-z][a-z0-9+.-]*://)[^/\s@\"']+@", re.IGNORECASE)
_QUERY = re.compile(r"(\b[a-z][a-z0-9+.-]*://[^\s?\"'<>]+\?)[^\s\"'<>]+", re.IGNORECASE)


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
        text = _LOGIN.sub(rf"\1{HIDDEN}@", text)
        text = _QUERY.sub(rf"\1{HIDDEN}", text)
        text = _BEARER.sub(rf"\1 {HIDDEN}", text)
        text = _TOKEN.sub(HIDDEN, text)
        return _NAMED.sub(_hide_value, text)


def _hide_value(found: re.Match[str]) -> str:
    value = found[2]
    quotes = re.match(r"\\?[\"']", value)
    mark = quotes[0] if quotes else ""
    if value[len(mark) : len(value) - len(mark)] in ("", "(set)", HIDDEN):
        return found[0]
    return f"{found[1]}{mark}{HIDDEN}{mark}"


def is_secret(key: str) -> bool:
    """Whether a key of the configuration holds a secret or, ending in `_file`, names a file that does."""
    return bool(_SECRET_KEY.search(key))


def known_secrets(config: Config, state: Path) -> list[str]:
    """Every secret that this box knows: configured ones in any table, in their files or not, and the private part of its identity.

    Raises StorageError where a file that holds one cannot be read.
    """
    tables = [table for table in msgspec.structs.asdict(config).values() if table is not None]
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
