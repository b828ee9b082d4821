"""What a file is, by its first bytes. Pure.

Names and types from a server are only words; these bytes decide what may open the file.
"""

from __future__ import annotations

import re

HEAD_BYTES = 65536  # a drawing's root may stand behind a long licence
_TEXT_HEAD, _PDF_HEAD = 4096, 1024

PICTURES = frozenset({"jpeg", "png", "gif", "webp", "avif", "heif", "bmp", "tiff"})
VIDEOS = frozenset({"mp4", "matroska", "mpegts", "avi", "mpeg", "mpegvideo", "asf", "ogg", "flv"})
SOUNDS = frozenset({"mp3", "aac", "flac", "wav", "oga", "m4a"})
MEDIA = PICTURES | VIDEOS | SOUNDS | {"svg", "pdf", "zip"}
# What else turns up, in words for the operator.
WORDS = {
    "svg": "an SVG drawing",
    "html": "a web page",
    "playlist": "a playlist of other files",
    "xml": "an XML document",
    "sdp": "a description of a network stream",
    "zip": "a zip archive",
    "archive": "an archive",
    "pdf": "a PDF document",
    "text": "text",
    "script": "a program",
}
_BRANDS = {b"avif": "avif", b"avis": "avif", b"heic": "heif", b"heix": "heif", b"hevc": "heif", b"mif1": "heif", b"msf1": "heif"}
_BOXES = (b"ftyp", b"moov", b"mdat", b"free", b"wide", b"skip", b"pnot", b"styp", b"sidx", b"moof", b"uuid")
_STARTS = (
    (b"\xff\xd8\xff", "jpeg"),
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"GIF87a", "gif"),
    (b"GIF89a", "gif"),
    (b"BM", "bmp"),
    (b"II*\0", "tiff"),
    (b"MM\0*", "tiff"),
    (b"\x1aE\xdf\xa3", "matroska"),
    (b"\x00\x00\x01\xba", "mpeg"),
    (b"\x00\x00\x01\xb3", "mpegvideo"),
    (bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c"), "asf"),
    (b"FLV\x01", "flv"),
    (b"%PDF-", "pdf"),
    (b"PK\x03\x04", "zip"),
    (b"PK\x05\x06", "zip"),
    (b"Rar!", "archive"),
    (b"7z\xbc\xaf", "archive"),
    (b"\x1f\x8b", "archive"),
    (b"BZh", "archive"),
    (b"\xfd7zXZ", "archive"),
    (b"ID3", "mp3"),  # a tag, before whatever it is of: mostly that
    (b"fLaC", "flac"),
    (b"\x7fELF", "script"),
    (b"#!", "script"),
)
# What a stream of Ogg begins with that is seen, and one that is heard.
_SEEN, _HEARD = (b"\x80theora", b"BBCD\0", b"OVP80"), (b"\x01vorbis", b"OpusHead", b"\x7fFLAC", b"Speex   ")
_OGG_HEAD = 1024  # every stream of it has begun by then
_ROOTS = {
    b"svg": "svg",
    b"html": "html",
    b"head": "html",
    b"body": "html",
    b"mpd": "playlist",
    b"asx": "playlist",
    b"smil": "playlist",
}
_BEFORE_ROOT = re.compile(rb"\s+|<\?.*?\?>|<!--.*?-->|<!doctype[^>\[]*(?:\[.*?\]\s*)?>", re.IGNORECASE | re.DOTALL)
_ROOT = re.compile(rb"<(?:[\w.-]+:)?([a-z][\w.-]*)", re.IGNORECASE)
_TEXTS = (
    (re.compile(rb"#EXTM3U|\[playlist\]|# ?mpv EDL|ffconcat version|<asx|<smil|\[Reference\]", re.IGNORECASE), "playlist"),
    (re.compile(rb"<MPD[\s>]"), "playlist"),
    (re.compile(rb"\Av=0\r?\n"), "sdp"),
    (re.compile(rb"<!doctype html|<html[\s>]", re.IGNORECASE), "html"),
    (re.compile(rb"\A\s*<\?xml", re.IGNORECASE), "xml"),
)


def sniff(head: bytes) -> str:
    """The kind of file that begins with `head` (`HEAD_BYTES` are enough): one of the names above, or "" for nothing known."""
    for start, name in _STARTS:
        if head.startswith(start):
            return name
    if head[:4] in (b"RIFF", b"RF64"):
        return {b"WEBP": "webp", b"AVI ": "avi", b"WAVE": "wav"}.get(head[8:12], "")
    if head[:4] == b"OggS":
        return _ogg(head[:_OGG_HEAD])
    if found := _frame_of_sound(head):
        return found
    if head[4:8] in _BOXES:
        return _iso(head)
    if _is_transport_stream(head):
        return "mpegts"
    if head[257:262] == b"ustar":
        return "archive"
    return _text(head)


def described(kind: str) -> str:
    """ "a picture (jpeg)", "a web page": for a sentence."""
    if kind in PICTURES:
        return f"a picture ({kind})"
    if kind in VIDEOS:
        return f"a video ({kind})"
    if kind in SOUNDS:
        return f"a sound file ({kind})"
    return WORDS.get(kind, "no kind of file that this player knows")


def _iso(head: bytes) -> str:
    """A file of ISO boxes: its brand tells pictures from films, its compatible brands where the first says little."""
    if head[4:8] != b"ftyp":
        return "mp4"
    end = min(int.from_bytes(head[:4], "big"), 256)
    brands = [head[8:12], *(head[at : at + 4] for at in range(16, end, 4))]
    if brands[0] in (b"M4A ", b"M4B "):
        return "m4a"
    if brands[0] in (b"mif1", b"msf1") and b"avif" in brands:
        return "avif"
    return _BRANDS.get(brands[0], "mp4")


def _ogg(head: bytes) -> str:
    heard = any(word in head for word in _HEARD)
    return "oga" if heard and not any(word in head for word in _SEEN) else "ogg"


def _frame_of_sound(head: bytes) -> str:
    """Of MP3 (layer III) or AAC (ADTS), which may begin without a tag; the header's other bits must make sense as well."""
    if len(head) < 4 or head[0] != 0xFF:
        return ""
    if head[1] & 0xF6 == 0xF0:
        return "aac" if head[2] >> 2 & 0xF < 13 else ""  # a rate that there is
    layer_3, version = head[1] & 0xE6 == 0xE2, head[1] >> 3 & 3
    sane = version != 1 and head[2] >> 4 not in (0, 15) and head[2] >> 2 & 3 != 3
    return "mp3" if layer_3 and sane else ""


def _is_transport_stream(head: bytes) -> bool:
    """Sync bytes, packets apart: 188 bytes, 192 with a time stamp, 204 with a checksum. One may begin in mid-packet."""
    begins = any(_in_step(head, first, step, 3) for first, step in ((0, 188), (4, 192)))
    return begins or any(_in_step(head, first, step, 8) for step in (188, 192, 204) for first in range(step))


def _in_step(head: bytes, first: int, step: int, count: int) -> bool:
    return len(head) > first + (count - 1) * step and all(head[first + n * step] == 0x47 for n in range(count))


def _text(head: bytes) -> str:
    plain = _as_utf8(head)
    found = _ROOTS.get(_root(plain)) or next((name for pattern, name in _TEXTS if pattern.search(plain, 0, _TEXT_HEAD)), None)
    if found:
        return found
    if b"%PDF-" in head[:_PDF_HEAD]:  # what stands before it, a web server's warning or a printer's words, every reader passes over
        return "pdf"
    try:
        words = plain[:1024].decode("utf-8", errors="strict" if len(plain) <= 1024 else "ignore")
    except UnicodeDecodeError:
        return ""
    return "text" if words and all(char.isprintable() or char in "\r\n\t" for char in words) else ""


def _as_utf8(head: bytes) -> bytes:
    """Without its byte order mark, which tells the encoding."""
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return head.decode("utf-16", errors="ignore").encode("utf-8", errors="ignore")
    return head.removeprefix(b"\xef\xbb\xbf")


def _root(text: bytes) -> bytes:
    """The first element in small letters, without its prefix and whatever stands before it; b"" where there is none."""
    at = 0
    while found := _BEFORE_ROOT.match(text, at):
        if re.match(rb"<!doctype\s+html", found[0], re.IGNORECASE):
            return b"html"
        at = found.end()
    root = _ROOT.match(text, at)
    return root[1].lower() if root else b""
