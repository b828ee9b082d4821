"""Text from outside stays text: what of it may be shown on a terminal, in a log, in a table, and what is nobody's business. Pure.

A name may hold what moves a cursor, begins a line, turns the direction of writing or starts a formula; an address may hold a login
or a signature. Faults X6, L3.
"""

from __future__ import annotations

import re

HIDDEN = "(removed)"
FORMULA = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")
# C0, DEL and C1; marks of direction; ends of lines and paragraphs; halves of pairs, which no terminal takes.
_STEERS = re.compile("[\0-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff]")
_SCHEME = r"\b[a-z][a-z0-9+.-]{0,15}://"
_SCHEMES = 4  # in one word; whoever writes more of them names no address, and each would be looked for to the word's end
_APART = re.compile(r"""([\s"'<>]+)""")
_LOGIN = re.compile(rf"""({_SCHEME})(?:[^/\s"'<>]+|[^/\s:@"'<>]+:(?!\d{{1,5}}/)[^\s"'<>?\#]*)@""", re.IGNORECASE)
_QUERY = re.compile(rf"""({_SCHEME}[^\s?\#"'<>]+[?\#])[^\s"'<>]+""", re.IGNORECASE)
_BEARER = re.compile(r"\b(Bearer|Basic|Digest)\s+[A-Za-z0-9+/._|~=-]{6,}", re.IGNORECASE)
_TOKEN = re.compile(r"\bsignage_[A-Za-z0-9_-]{20,}")
_HEADER = re.compile(
    r"""(\b(?:set-cookie|cookie|(?:proxy-)?authorization)(?:\\?["'])?\s*[=:]\s*(?:\\?["'])?)"""
    r"""(?!\s|(?:Bearer|Basic|Digest)\s\(removed\))[^\n"'\\]+""",
    re.IGNORECASE,
)
_NAMES = (
    r"pass(?:word|wd|phrase)?|psk|wep_?key\d?|sae_?password|secret|token|licen[sc]e[_-]?key|api[_-]?key|private[_-]?key|lock_pin|pin"
    r"|sig|signature|session_?id|input_value"
)
_VALUE = r"""(\\?"(?:[^"\\]|\\.)*"|\\?'[^']*'|[^\s,;&}]+)"""
_NAMED = re.compile(rf"""((?<![a-z])(?:{_NAMES})(?:\\?["'])?\s*[=:]\s*){_VALUE}""", re.IGNORECASE)
_ASSIGNED = re.compile(rf"""((?<![a-z])(?:{_NAMES})(?:\\?["']\s*:|\s*=)\s*){_VALUE}""", re.IGNORECASE)


def printable(text: str, keep: str = "") -> str:
    r"""The text; what would steer a terminal or begin a line is written as JSON writes it (`\u001b`), but for what is in `keep`.

    Of a JSON text it is the same value.
    """
    return _STEERS.sub(lambda found: found[0] if found[0] in keep else f"\\u{ord(found[0]):04x}", text)


def cell(text: str) -> str:
    """The text for a table's cell: printable, and quoted where a spreadsheet would take it for a formula."""
    shown = printable(text)
    return "'" + shown if text.startswith(("\t", "\r")) or shown.lstrip().startswith(FORMULA) else shown


def without_logins(text: str) -> str:
    """The text without what addresses, headers and assignments in it carry in secret; sentences such as "token: expired" stay."""
    return _ASSIGNED.sub(_hide_value, _without_addresses_secrets(text))


def without_secrets(text: str) -> str:
    """The same for what leaves the box, where a word after "token:" goes as well."""
    return _NAMED.sub(_hide_value, _without_addresses_secrets(text))


def _without_addresses_secrets(text: str) -> str:
    if text.count("://") > _SCHEMES:
        text = "".join(map(_of_few_schemes, _APART.split(text)))
    text = _LOGIN.sub(rf"\1{HIDDEN}@", text)
    text = _QUERY.sub(rf"\1{HIDDEN}", text)
    text = _BEARER.sub(rf"\1 {HIDDEN}", text)
    text = _HEADER.sub(rf"\1{HIDDEN}", text)
    return _TOKEN.sub(HIDDEN, text)


def _of_few_schemes(word: str) -> str:
    first, mark, _ = word.partition("://")
    return f"{first}{mark}{HIDDEN}" if word.count("://") > _SCHEMES else word


def _hide_value(found: re.Match[str]) -> str:
    value = found[2]
    quotes = re.match(r"\\?[\"']", value)
    mark = quotes[0] if quotes else ""
    if value[len(mark) : len(value) - len(mark)] in ("", "(set)", HIDDEN):
        return found[0]
    return f"{found[1]}{mark}{HIDDEN}{mark}"
