"""Faults: the table of every code, and the book in which a daemon keeps the faults that there are (pure).

A code is stable, since servers and operators filter by it; the sentence of a fault says which thing, the table what such a fault
means and what to do about it. The README's page of codes and `signage-player doctor` are this table.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from enum import IntEnum

LEAVING = 100  # more are of no use to anybody, and a heartbeat stays small


@dataclass(frozen=True, slots=True)
class Fault:
    """A problem an operator should know of: a stable `code`, a sentence, the item, and when it began (seconds since the epoch).

    `count`: how often it happened, or how many things it happened to.
    """

    code: str
    message: str
    since: float
    item_id: str | None = None
    content_id: str | None = None
    count: int = 1


class Gravity(IntEnum):
    """How much a fault costs. The graver one is told first."""

    MINOR = 1  # something is shown, but not quite as asked for
    MAJOR = 2  # an item or an ability is missing
    CRITICAL = 3  # the whole screen, its proof of play or its control suffers


MINOR, MAJOR, CRITICAL = Gravity.MINOR, Gravity.MAJOR, Gravity.CRITICAL


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a code means to an operator, and what to do, and where."""

    gravity: Gravity
    meaning: str
    remedy: str


_AGAIN = "upload the file again"
_EXPORT = "export the file again, and upload it"
_PAGE = "open the address in a browser; correct it, or mend its server"

CODES: Mapping[str, Meaning] = {
    # the screen, proof of play, and control
    "no_display": Meaning(CRITICAL, "no panel is connected; playback goes on unseen", "check the panel's cable and its power"),
    "stage_away": Meaning(
        CRITICAL, "what draws the screen is not running", "it is started again by itself; if it stays away: `signage-player doctor`"
    ),
    "agent_away": Meaning(
        CRITICAL, "the player's agent is not running", "it is started again by itself; if it stays away: `signage-player doctor`"
    ),
    "agent_starting": Meaning(CRITICAL, "the player is starting", "wait a moment; a small box takes some minutes"),
    "config": Meaning(CRITICAL, "the configuration cannot be read", "mend the key in the file; the player takes it up by itself"),
    "compositor_hung": Meaning(
        CRITICAL,
        "what draws the screen hung within the last hour",
        "it is ended and comes back by itself; if it stays: set `stage.renderer`",
    ),
    "safe_mode": Meaning(
        CRITICAL, "safe mode: the player crashed too often", "it tries again after an hour; at once: restart it by a command"
    ),
    "storage": Meaning(CRITICAL, "the disk is full, read-only or damaged", "make room, or replace the disk"),
    "commands_refused": Meaning(CRITICAL, "commands cannot be kept, so none is carried out", "make room, or replace the disk"),
    "proof_degraded": Meaning(CRITICAL, "proof of play waits in memory; a power cut loses it", "make room, or replace the disk"),
    "proof_dropped": Meaning(
        CRITICAL,
        "plays were lost: no server, or no disk, took them in time",
        "mend the way to the server, or the disk; raise `proof.keep_size`",
    ),
    # the server
    "no_server": Meaning(MAJOR, "no server is configured", "set `cms.url` in the configuration, and restart the player"),
    "no_network": Meaning(MAJOR, "this box is not connected to a network", "plug in the network cable, or join it to the Wi-Fi"),
    "no_internet": Meaning(MAJOR, "the network has no way out", "check the router, its line and its name service"),
    "name_unknown": Meaning(MAJOR, "the server's name is not known", "correct `cms.url`, or mend the network's name service"),
    "server_unreachable": Meaning(MAJOR, "the server does not answer", "check the network, and `cms.url`"),
    "no_folder": Meaning(MAJOR, "there is no folder with content", "plug in the stick, or correct `folder.path`"),
    "not_signed": Meaning(MAJOR, "a folder is not signed", "sign it with the key that `folder.public_key` belongs to"),
    "proxy": Meaning(MAJOR, "the proxy does not let the player through", "check `network.proxy` and its password file"),
    "portal": Meaning(MAJOR, "the network shows a log-in page", "log this box in, or have the network let it through"),
    "server_moved": Meaning(MAJOR, "the server has moved", "set `cms.url` to the address in its sentence"),
    "network_file": Meaning(
        MAJOR,
        "a file of the network's settings cannot be read",
        "let the player read `cms.ca_file`, `network.proxy_password_file`",
    ),
    "server_untrusted": Meaning(
        MAJOR, "the server's certificate cannot be trusted", "renew it, or name its authority: `cms.ca_file`"
    ),
    "clock_untrusted": Meaning(MAJOR, "the server's certificate is not valid yet", "set the clock of this box"),
    "server_busy": Meaning(MAJOR, "the server cannot answer now", "it is asked again by itself; if it stays: ask who runs it"),
    "server_refused": Meaning(MAJOR, "the server refuses", "ask who runs it whether this box still belongs to it"),
    "server_nonsense": Meaning(MAJOR, "what answers is not the server's API", "check `cms.url`; is there a log-in page between?"),
    "no_content": Meaning(MAJOR, "paired, but nothing to show", "give this screen a playlist on the server"),
    "fields_refused": Meaning(
        MAJOR, "the server takes only what its document names", "ask who runs it to ignore fields that it does not know"
    ),
    "programme": Meaning(MAJOR, "the programme cannot be renewed", "see its sentence; what is here plays on"),
    "play_refused": Meaning(MAJOR, "the server refused plays for good", "give the named file to whoever runs the server"),
    "not_there": Meaning(MAJOR, "a layout or playlist that is assigned does not exist", "assign another on the server"),
    "list_cut": Meaning(MAJOR, "a list of the server is not read to its end", "tidy it up; ask who runs the server"),
    "push": Meaning(
        MAJOR, "the push does not work; commands are fetched instead", "see its sentence; check the push's address and key"
    ),
    "no_plan": Meaning(
        MINOR, "the schedules for when the server is away cannot be read", "see its sentence; `cms.token` is an operator's token"
    ),
    "bad_setting": Meaning(MINOR, "the server wants a setting that does not exist", "correct it on the server"),
    "bad_command": Meaning(MAJOR, "a command cannot be read", "give it again; report it to whoever runs the server"),
    "bad_alert": Meaning(MAJOR, "an alert has no text", "give it a title or a message"),
    "bad_update": Meaning(MAJOR, "a notice of an update is not complete", "report it to whoever runs the server"),
    # the box
    "panel_missing": Meaning(MAJOR, "the panel of a region is not connected", "connect it, or give the region another `output`"),
    "no_audio": Meaning(MAJOR, "there is no sound device, or it cannot be opened", "check the device, and `stage.audio_device`"),
    "sound_crashed": Meaning(
        MAJOR, "playing sound crashed what draws the screen", "check the sound device, or name another: `stage.audio_device`"
    ),
    "disk_worn": Meaning(MAJOR, "the disk is near the end of its life", "replace it before it fails"),
    "disk_errors": Meaning(MAJOR, "the file system found errors on the disk", "check it (fsck) at the next visit, or replace it"),
    "setting": Meaning(MAJOR, "a setting is not in effect", "`signage-player settings` says why; it is tried again by itself"),
    "wrong_pin": Meaning(MAJOR, "wrong PINs were entered at the box", "ask who was there; set another PIN on the server"),
    "box": Meaning(MAJOR, "the box lacks what an item needs", "`signage-player doctor` names it, and the remedy"),
    # items that are not shown, or not in their latest form
    "no_file": Meaning(MAJOR, "the server lists no file for an item", _AGAIN),
    "no_space": Meaning(MAJOR, "a file has no room beside the others", "remove content, or raise `storage.cache_limit`"),
    "bad_url": Meaning(MAJOR, "an address may not be opened", "correct it on the server; hosts: `stage.stream_hosts`"),
    "forbidden_address": Meaning(
        MAJOR,
        "a file, page or stream lies on a private address",
        "move it to the server or to a public address, or name its net: `network.allow_private`",
    ),
    "redirects": Meaning(MAJOR, "an address is redirected in a circle", "name the last address on the server"),
    "unverified": Meaning(MAJOR, "the server gives no hash for a file", "upload it again, or set `cache.require_hash` to false"),
    "hash_mismatch": Meaning(MAJOR, "a file is not what its hash promises", f"it is tried again; if it stays: {_AGAIN}"),
    "integrity": Meaning(MAJOR, "a file was wrong at every try", _AGAIN),
    "size_mismatch": Meaning(MAJOR, "a file is not as long as announced", _AGAIN),
    "truncated": Meaning(MAJOR, "a file ends too early", _AGAIN),
    "empty": Meaning(MAJOR, "an item has no content", f"{_AGAIN}, or give it a text"),
    "missing": Meaning(MAJOR, "a file is not here", "it is fetched again by itself at the next contact"),
    "wrong_type": Meaning(MAJOR, "a file is of another kind than the server says", "upload it as what it is"),
    "unsupported": Meaning(MAJOR, "a file is in a format that cannot be shown", "export it as H.264, MP3, JPEG, PNG or open PDF"),
    "too_large": Meaning(MAJOR, "an item is too large for a box", "make it smaller, and upload it again"),
    "shortened": Meaning(MAJOR, "only a part of an item or a list is shown", "do what its sentence says"),
    "damaged": Meaning(MAJOR, "a file cannot be read", _EXPORT),
    "unplayable": Meaning(MAJOR, "an item cannot be played", _EXPORT),
    "no_picture": Meaning(MAJOR, "a video contains only sound", "list it as audio, or export it with its picture"),
    "timeout": Meaning(MAJOR, "an item took too long to be made ready", "export it with less detail; a stream: mend its server"),
    "stalled": Meaning(MAJOR, "the picture of an item stood still", f"a stream: mend its server; else: {_EXPORT}"),
    "hung": Meaning(MAJOR, "the decoder of an item does not answer", _EXPORT),
    "quarantined": Meaning(MAJOR, "an item is kept off for a while: the stage crashed with it", f"{_EXPORT}; or clear the cache"),
    "stream_ended": Meaning(MAJOR, "a stream ended", "start it again; it is tried by itself"),
    "unresolved": Meaning(MAJOR, "a YouTube address leads to no video", "check that it is public; correct it on the server"),
    "bad_item": Meaning(MAJOR, "an entry of the playlist is not complete", "mend it on the server"),
    "bad_rule": Meaning(MAJOR, "a schedule cannot be followed", "mend its times or its target on the server"),
    "bad_trigger": Meaning(MAJOR, "what a trigger is to show is not there", "correct its `show`, or put it there"),
    "bad_layout": Meaning(MAJOR, "a layout or a schedule in a folder cannot be read", "mend the key that its sentence names"),
    "bad_region": Meaning(MAJOR, "a region has no place on the screen", "give it a size and a position on the server"),
    "unsupported_type": Meaning(MAJOR, "an item is of a kind that no player shows", "choose another kind, or update the player"),
    "page_unreachable": Meaning(MAJOR, "a page cannot be opened", _PAGE),
    "page_error": Meaning(MAJOR, "a page's server answers with an error", _PAGE),
    "page_refused": Meaning(MAJOR, "a page leads to something that is not http or https", "correct its address on the server"),
    "page_endless": Meaning(MAJOR, "a page leads from page to page without end", "mend the page, or leave it out"),
    "page_hangs": Meaning(MAJOR, "a page does not answer", "make it lighter, or leave it out"),
    "page_crashed": Meaning(MAJOR, "a page crashed", "it is loaded again; if it stays: make it lighter, or leave it out"),
    "page_memory": Meaning(MAJOR, "a page takes more memory than it may", "make it lighter, or raise `stage.page_memory`"),
    "page_closed": Meaning(MAJOR, "a page closed itself", "it is loaded again; if it stays: mend the page"),
    "browser_gone": Meaning(MAJOR, "the browser ended, or is not there", "`sudo apt install chromium`; it is started by itself"),
    "browser_no_sandbox": Meaning(
        MAJOR,
        "pages are not shown: this system does not let the browser have a sandbox",
        "allow user namespaces; or set `stage.browser_sandbox` to false",
    ),
    "browser_unit": Meaning(
        MAJOR,
        "pages are not shown: the browser's unit does not start",
        "`sudo scripts/install` mends it; why: `journalctl -b -u 'signage-browser*'`",
    ),
    "page_storage": Meaning(MAJOR, "a page keeps more than it may", "it starts empty again; if it stays: have the page keep less"),
    "page_authority": Meaning(
        MAJOR, "pages do not trust the authority in `cms.ca_file`", "`sudo apt install libnss3-tools`, and start the player again"
    ),
    "no_browser": Meaning(MAJOR, "pages are not shown by this backend", 'set `stage.backend` to "auto"'),
    "no_compositor": Meaning(MAJOR, "an item of this kind is not shown by this backend", 'set `stage.backend` to "auto"'),
    "no_zones": Meaning(MAJOR, "this backend shows only one region", 'set `stage.backend` to "auto"'),
    # shown, but not quite as asked for
    "fallback": Meaning(MINOR, "the fallback's content is shown", "give this screen content on its server"),
    "bad_broadcast": Meaning(
        MINOR, "a message about television cannot be read", "report it to whoever runs the source of triggers"
    ),
    "trigger_name": Meaning(
        MINOR, "a trigger waits for a brand or a channel that is not known", "correct the name in its [[trigger]], or take it out"
    ),
    "broadcast_flood": Meaning(
        MINOR,
        "broadcasts come faster than they can be looked at",
        "report it to whoever runs the source of triggers; is the box's address open to others?",
    ),
    "page_offline": Meaning(MINOR, "a page is replaced by its last picture", "it comes back with its server; check the address"),
    "feed_unreachable": Meaning(MINOR, "a feed cannot be fetched; its last text stays", "correct its address, or mend its server"),
    "feed_unreadable": Meaning(MINOR, "a feed cannot be read; its last text stays", "name an RSS or Atom feed of at most 1 MB"),
    "display_mode": Meaning(
        MINOR, "a panel does not take its mode, scale or turn", "set `stage.mode` or `stage.scale` to one it has"
    ),
    "decoder_walls": Meaning(
        MINOR,
        "files are decoded with less protection",
        "use a kernel with Landlock and seccomp, as Debian 12 has",
    ),
    "stream_gate": Meaning(MINOR, "addresses that streams lead to are not checked", "use a kernel with seccomp, as Debian 12 has"),
    "browser_island": Meaning(
        MINOR,
        "the browser is not shut into a network of its own: only its flags confine it",
        "allow user namespaces",
    ),
    "too_many_regions": Meaning(MINOR, "a layout has more regions than are shown", "use fewer"),
    "too_many_files": Meaning(MINOR, "there are more files in a folder, or to fetch ahead, than are taken", "list fewer there"),
    "no_calendar": Meaning(
        MINOR, "the public holidays here are not known", "set `time.country` to two letters such as AT, and a part: DE-BY"
    ),
    "bad_duration": Meaning(MINOR, "a duration makes no sense; a usual one is used", "correct it on the server"),
    "unsupported_transition": Meaning(MINOR, "a transition is not known; a cut is used", "choose another on the server"),
}
UNKNOWN = Meaning(MAJOR, "this version does not know the code", "update the player")


def meaning_of(code: str) -> Meaning:
    """What is known of `code`; of one that another version reports, that it is not known."""
    return CODES.get(code, UNKNOWN)


def gravest(faults: Iterable[Fault], limit: int = LEAVING) -> tuple[Fault, ...]:
    """At most `limit` of them, the graver first, and of those the older."""
    return tuple(sorted(faults, key=lambda fault: (-meaning_of(fault.code).gravity, fault.since))[:limit])


Key = tuple[str, str]  # who tells of it, and the thing it is about: each author has one fault a thing


class FaultBook:
    """The faults that one daemon knows of. Every change answers with what began or ended, for a line in the log."""

    def __init__(self) -> None:
        self._kept: dict[Key, Fault] = {}

    def __repr__(self) -> str:
        return ", ".join(fault.code for fault in self.faults) or "no faults"

    @property
    def faults(self) -> tuple[Fault, ...]:
        """All of them, the gravest first."""
        return gravest(self._kept.values(), len(self._kept))

    def of(self, author: str) -> dict[str, Fault]:
        """What one author told, by the thing."""
        return {thing: fault for (by, thing), fault in self._kept.items() if by == author}

    def report(self, key: Key, fault: Fault, *, once_more: bool) -> bool:
        """Whether it began. What goes on keeps its `since`; `once_more` adds one to its count, else that is as told."""
        before = self._kept.get(key)
        if before is None or before.code != fault.code:
            self._kept[key] = fault
            return True
        self._kept[key] = replace(fault, since=before.since, count=before.count + 1 if once_more else fault.count)
        return False

    def clear(self, key: Key) -> Fault | None:
        """It is over; answers with what ended."""
        return self._kept.pop(key, None)

    def keep_only(self, author: str, things: Collection[str]) -> tuple[Fault, ...]:
        """The author has nothing to tell of other things any more; answers with what ended."""
        ended = [key for key in self._kept if key[0] == author and key[1] not in things]
        return tuple(self._kept.pop(key) for key in ended)
