"""Everything that reads what others wrote: what it is given, what it may refuse with, and what has to hold of what it makes.

What a reader makes goes on: into the manifest, the journals and the heartbeat, so it has to be writable, and the programme is asked
what is on air.
"""

from __future__ import annotations

import base64
import json
import tempfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urljoin
from zoneinfo import ZoneInfo

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import strategies as st
from yarl import URL

from player import messages
from player.cms.adcast.heartbeat import read_heartbeat, read_registration
from player.cms.adcast.planned import Planned, with_plan
from player.cms.adcast.programme import Reader
from player.cms.folder.files import FolderFile
from player.cms.folder.programme import FolderReader
from player.cms.folder.signature import SIGNED, NotSigned, checked
from player.cms.screenzzie.programme import ReadLibrary, ScreenzzieReader, is_within, media_of, problem_of, reaches, standing
from player.cms.screenzzie.words import WireMedia, WireSchedule, WireScreen
from player.cms.spot.api import command_of
from player.cms.spot.programme import SpotReader
from player.cms.spot.pusher import channels_of, heard
from player.cms.wire import rows, table, text
from player.core import commands
from player.core.address_policy import Call
from player.core.assemble import addressed, needs_of
from player.core.bundle import parse as parse_bundle
from player.core.content import Programme
from player.core.feed import lines_of, plain
from player.core.kinds import Kind
from player.core.onair import Listings
from player.core.plaintext import printable
from player.core.ports.server import Command
from player.core.proof import verify
from player.core.proofcheck import check
from player.core.settings import SETTINGS
from player.core.streams import opened_at, rtmp_application
from player.core.urls import check_url, written_out
from player.core.wall import answer_head, read_request
from player.errors import CommandRejected, ConfigError, ContentError, ServerError, ServerNonsense, SettingRefused, StorageError
from player.journal_reader import line_of, pack, read_journal
from player.layout_file import Hosts, Taken, read_layout
from player.media.fetch.egress import _next_hop, shown
from player.stage.video.gate import read_end
from tests.core.test_feed import ATOM, RDF, RSS
from tests.core.test_proof import chain
from tests.core.test_proofcheck import export
from tests.fuzz import samples
from tests.fuzz.spoil import ODD, WORDS, spoiled, torn

INSTANTS = tuple(datetime(year, 3, 29, 1, 30, tzinfo=UTC) for year in (1970, 2026, 2999))
FACTS = ({}, {"away": "adcast-1", "weather": 5.0, "holidays": "2026-03-29"}, {"weather": "rain"})
KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))
PUBLIC = base64.b64encode(KEY.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)).decode()
HOSTS = Hosts(("youtube.com",), ())


@dataclass(frozen=True, slots=True)
class Target:
    """A reader: what it is `given`, and the errors with which it may refuse that."""

    name: str
    given: st.SearchStrategy[Any]
    read: Callable[[Any], object]
    refuses: tuple[type[Exception], ...] = ()

    def judge(self, given: Any) -> None:
        """Any other error is its mistake, and so is what cannot be written down."""
        try:
            made = self.read(given)
        except self.refuses:
            return
        if isinstance(made, Programme):
            goes_on(made)
        msgspec.json.encode(made, enc_hook=repr)


def goes_on(programme: Programme) -> None:
    """As the agent and the stage go on from it."""
    for instant in INSTANTS:
        listings = Listings(programme, ZoneInfo("Europe/Warsaw"))
        for facts in FACTS:
            listings.at(instant, facts)
        needs_of(programme, listings.order(instant))
    for item in addressed(programme).items:
        check_url(item.url, item.kind, youtube_hosts=(), stream_hosts=())


def sent(*documents: Any) -> st.SearchStrategy[bytes]:
    """As they come over the network."""
    return spoiled(*documents).map(lambda value: json.dumps(value).encode())


def of_json(read: Callable[[Any], object]) -> Callable[[bytes], object]:
    """What reads an answer once it was JSON, which `cms.http` sees to."""

    def decoded(body: bytes) -> object:
        try:
            value = msgspec.json.decode(body)
        except (ValueError, RecursionError):
            return None
        return read(value)

    return decoded


def absolute(url: str) -> str:
    return urljoin("http://cms.example.com/", url)


def adcast(answer: Any) -> Programme:
    return Reader("playlist", 1.0, absolute, lambda content: f"http://cms.example.com/{content}", "adcast-1").programme(answer)


def adcast_planned(answer: Any) -> Programme:
    """Schedules beside a good answer, as its operator calls hand them over: lists of objects."""
    told = table(answer)
    playlists = {name: table(raw) for name, raw in table(told.get("playlists")).items()}
    content = {name: table(raw) for name, raw in table(told.get("content")).items()}
    planned = Planned(tuple(map(table, rows(told.get("schedules")) or ())), playlists, text(told.get("default")), content)
    reader = Reader("playlist", 1.0, absolute, lambda content: f"http://cms.example.com/{content}", "adcast-1")
    return with_plan(reader.answered(samples.ADCAST), "1", planned, reader)


def adcast_register(answer: Any) -> object:
    return read_registration("register", answer)


def adcast_heartbeat(answer: Any) -> object:
    found = read_heartbeat("heartbeat", answer, 1.0, absolute)
    return [found, [understood(command) for command in found.commands]]


def understood(command: Command | None) -> object:
    """A command as it is taken from a server and written down, and what it asks for."""
    if command is None:
        return None
    try:
        return commands.parse(command.type, command.payload)
    except CommandRejected as error:
        return str(error)


def spot(player: Any) -> Programme:
    return SpotReader("players", 1.0, absolute, "spot-1").programme(table(player))


def spot_command(row: Any) -> object:
    found = command_of(row)
    return [found, understood(found)]


def spot_push(message: Any) -> object:
    return heard(message, channels_of("4", "9")) if isinstance(message, dict) else None


def screenzzie_programme(given: Any) -> Programme:
    """As its adapter hands over what it asked for, each part an object with an id."""
    told = table(given)
    on = WireScreen.model_validate(table(told.get("screen")))
    playlists, sequences = (
        {name: table(raw) for name, raw in table(told.get(kind)).items()} for kind in ("playlists", "sequences")
    )
    held = {name: WireMedia.model_validate(table(raw)) for name, raw in table(told.get("media")).items()}
    for raw in playlists.values():
        media_of(raw)
    standing(on)
    listed = told.get("schedules")
    rows = [WireSchedule.model_validate(table(row)) for row in (listed if isinstance(listed, list) else [])]
    ruled = [one for one in rows if is_within(one, on) and not problem_of(one) and reaches(one, on, ())]
    return ScreenzzieReader(on, ReadLibrary(playlists, sequences, held), 1.0, absolute, "key").programme(ruled)


def folder(content: bytes) -> Programme:
    texts = {
        "playlist.toml": content.decode("utf-8", "replace"),
        "news.txt": "Fresh bread",
        "site.url": "[InternetShortcut]\nURL=https://x/",
    }
    entries = {name: FolderFile(name, 3, 7) for name in (*texts, "film.mp4", "evening/1.jpg", "2.png")}
    return FolderReader(entries, texts, {}, 1.0, "key").programme()


def signature(manifest: bytes) -> object:
    """Names are looked up and go nowhere."""
    return [*checked("stick", manifest, base64.b64encode(KEY.sign(SIGNED + manifest)), PUBLIC).values()]


def layout(content: bytes) -> object:
    def take_in(path: Path, kind: Kind | None) -> Taken:
        if not path.suffix:
            raise StorageError(str(path), "cannot be read")
        return Taken(kind or Kind.IMAGE, f"media/{path.name}", "ab" * 32)

    with tempfile.NamedTemporaryFile(suffix=".toml") as file:
        Path(file.name).write_bytes(content)
        return read_layout(Path(file.name), take_in, HOSTS)


def journal(lines: list[bytes]) -> object:
    with tempfile.TemporaryDirectory() as at:
        (Path(at) / "1.log").write_bytes(b"".join(lines[:2]))
        (Path(at) / "3.log").write_bytes(b"".join(lines[2:]))
        found = list(read_journal(Path(at)))
    numbers = [number for number, _ in found]
    assert numbers == sorted(set(numbers)), "each once, in order"
    return found


def proof_file(content: bytes) -> str:
    return printable(str(check(content.splitlines(keepends=True), lambda record: record.get("signature") == record.get("hash"))))


def proof_records(records: Any) -> str:
    """Whoever altered them is not held up by JSON's own rules: the lines are whole."""
    lines = [json.dumps(record).encode() for record in records] if isinstance(records, list) else []
    verify([record for record in records if isinstance(record, dict)] if isinstance(records, list) else [])
    return printable(str(check(lines, lambda record: record.get("signature") == record.get("hash"))))


def setting(given: tuple[str, Any]) -> object:
    return SETTINGS[given[0]].value(given[1])


def command(given: tuple[str, Any]) -> object:
    return commands.parse(given[0], table(given[1]))


def stream(content: bytes) -> object:
    url = written_out(content.decode("utf-8", "replace"))
    for kind in (Kind.WEB, Kind.LIVESTREAM):
        if check_url(url, kind, youtube_hosts=(), stream_hosts=()) is None:
            opened = opened_at(url, "10.0.0.1")
            assert not url.startswith("srt:") or "mode=caller" in opened
            if url.startswith("rtmp:"):
                rtmp_application(url)
    return url


def redirect(content: bytes) -> object:
    """Where a server leads on, as a header of HTTP has it: what is asked of an address next has to be answered."""
    for scheme in ("http", "https"):
        following = _next_hop(URL(f"{scheme}://a.example/x?y"), content.decode("utf-8", "surrogateescape"), "a")
        Call(following.host or "", following.port or 0, stream=False)
        printable(shown(following)).encode()
        following.raw_path_qs.encode()
    return None


def with_checksum(text: bytes) -> bytes:
    return b"%08x %s\n" % (zlib.crc32(text), text)


def records(texts: list[Any]) -> list[bytes]:
    """Lines of a journal whose checksums hold, whatever is in them."""
    return [
        line_of(number, text) if number % 2 else pack([line_of(number, text), line_of(number + 1, text)])
        for number, text in enumerate(texts, 1)
    ]


GOOD_LINES = records([{"kind": "begun", "id": "c1"}, {"n": 1}, ["a"]])
KINDS_OF_COMMANDS = st.sampled_from([*commands.KINDS, "", "format_disk"])
TARGETS = (
    Target("adcast playlist", sent(samples.ADCAST, samples.ADCAST_LAYOUT), of_json(adcast), (ServerError,)),
    Target("adcast schedules", sent(samples.PLANNED), of_json(adcast_planned), (ServerError,)),
    Target("adcast heartbeat", sent(samples.HEARTBEAT), of_json(adcast_heartbeat), (ServerError,)),
    Target("adcast register", sent(samples.REGISTRATION), of_json(adcast_register), (ServerError,)),
    Target("spot player", sent(samples.SPOT, samples.SPOT_DATED), of_json(spot)),
    Target("spot command", sent(samples.SPOT_COMMAND), of_json(spot_command)),
    Target("spot push", sent(*samples.PUSHED), of_json(spot_push)),
    Target("screenzzie", sent(samples.SCREENZZIE), of_json(screenzzie_programme)),
    Target("folder", torn(samples.FOLDER), folder),
    Target("folder signature", torn(json.dumps({"files": {"a.jpg": "ab" * 32}}).encode()), signature, (NotSigned,)),
    Target("layout file", torn(samples.LAYOUT), layout, (ConfigError,)),
    Target("feed", torn(RSS.encode(), ATOM.encode(), RDF.encode(), b'{"items": [{"title": "A"}]}'), lines_of, (ValueError,)),
    Target(
        "ticker", torn(b"<b>Fresh</b> bread &amp; more<script>x</script>").map(lambda raw: raw.decode("utf-8", "replace")), plain
    ),
    Target("proof file", torn(b"".join(json.dumps(record).encode() + b"\n" for record in export(chain(3)))), proof_file),
    Target("proof records", spoiled(export(chain(3))), proof_records),
    Target("journal bytes", st.lists(torn(*GOOD_LINES), max_size=5), journal),
    Target("journal", st.lists(torn(b'[1,{"a":1}]', b'[2,{"packed":"eJw="}]', b'["x",1]').map(with_checksum), max_size=5), journal),
    Target("bundle", torn(json.dumps(samples.BUNDLE).encode()), parse_bundle, (ValueError,)),
    Target("bundle values", sent(samples.BUNDLE), parse_bundle, (ValueError,)),
    Target("words of the seam", torn(*samples.SEAM), messages.decode, (ContentError,)),
    Target("values of the seam", sent(*map(json.loads, samples.SEAM)), messages.decode, (ContentError,)),
    Target("command", st.tuples(KINDS_OF_COMMANDS, spoiled(*samples.PAYLOADS)), command, (CommandRejected,)),
    Target("setting", st.tuples(st.sampled_from([*SETTINGS]), ODD), setting, (SettingRefused,)),
    Target("address", torn(*samples.ADDRESSES, *(word.encode("utf-8", "replace") for word in WORDS[:30])), stream),
    Target("redirect", torn(*samples.ADDRESSES, *samples.REDIRECTS), redirect, (ContentError, ServerNonsense)),
    Target("proxy request", torn(*samples.REQUESTS), read_request, (ValueError,)),
    Target("proxy answer", torn(*samples.REQUESTS), answer_head),
    Target("socket address", st.binary(max_size=130), read_end),
)
