"""Files that call themselves videos and are something else, and a witness of what they reach for. Faults C9 and C10."""

from __future__ import annotations

import asyncio
import ctypes
import io
import os
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

IN_OPEN = 0x20
_libc = ctypes.CDLL(None, use_errno=True)


class Witness:
    """Sees every opening of the watched files (inotify) and every connection to `port` on loopback."""

    def __init__(self) -> None:
        self._handle = _libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        self._names: dict[int, str] = {}
        self._server: asyncio.Server | None = None
        self.connections = 0
        self.port = 0

    async def listen(self) -> None:
        self._server = await asyncio.start_server(self._met, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _met(self, _: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        writer.close()

    def watch(self, path: Path) -> None:
        number = _libc.inotify_add_watch(self._handle, os.fsencode(path), IN_OPEN)
        assert number > 0, os.strerror(ctypes.get_errno())
        self._names[number] = path.name

    def opened(self) -> set[str]:
        """Names of the watched files that were opened since the last look."""
        found = set()
        try:
            seen = io.BytesIO(os.read(self._handle, 65536))
        except BlockingIOError:
            return found
        while head := seen.read(16):
            number, length = int.from_bytes(head[:4], "little"), int.from_bytes(head[12:16], "little")
            found.add(self._names[number])
            seen.read(length)
        return found

    def close(self) -> None:
        os.close(self._handle)
        if self._server:
            self._server.close()


# What each names: {file} the absolute path of a good clip outside the cache, {up} a relative path to it, {beside} a good clip that
# lies in the same folder, {http} an address on loopback.
_TEXTS = {
    "m3u-file-url": "#EXTM3U\n#EXTINF:5,x\nfile://{file}\n",
    "m3u-absolute": "#EXTM3U\n{file}\n",
    "m3u-plain": "{file}\n",
    "m3u-up": "#EXTM3U\n{up}\n",
    "m3u-edl": "#EXTM3U\nedl://{file}\n",
    "m3u-http": "#EXTM3U\n{http}/a.mp4\n",
    "pls-file": "[playlist]\nNumberOfEntries=1\nFile1={file}\n",
    "pls-http": "[playlist]\nNumberOfEntries=1\nFile1={http}/a.mp4\n",
    "asx-http": '<asx version="3.0"><entry><ref href="{http}/a.mp4"/></entry></asx>\n',
    "edl-file": "# mpv EDL v0\n{file}\n",
    "edl-http": "# mpv EDL v0\n{http}/a.mp4\n",
    "hls-file-url": "#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\nfile://{file}\n#EXT-X-ENDLIST\n",
    "hls-absolute": "#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\n{file}\n#EXT-X-ENDLIST\n",
    "hls-up": "#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\n{up}\n#EXT-X-ENDLIST\n",
    "hls-http": "#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\n{http}/a.ts\n#EXT-X-ENDLIST\n",
    "hls-key": '#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXT-X-KEY:METHOD=AES-128,URI="file://{file}"\n#EXTINF:5,\n{beside}\n#EXT-X-ENDLIST\n',
    "hls-variant": "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n{http}/v.m3u8\n",
    "dash-file": (
        '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" mediaPresentationDuration="PT5S"><Period>'
        '<AdaptationSet mimeType="video/mp4"><Representation id="1" bandwidth="1"><BaseURL>file://{file}</BaseURL></Representation>'
        "</AdaptationSet></Period></MPD>"
    ),
    "dash-http": (
        '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" mediaPresentationDuration="PT5S"><Period>'
        '<AdaptationSet mimeType="video/mp4"><Representation id="1" bandwidth="1"><BaseURL>{http}/a.mp4</BaseURL></Representation>'
        "</AdaptationSet></Period></MPD>"
    ),
    "ffconcat-file": "ffconcat version 1.0\nfile {file}\n",
    "ffconcat-beside": "ffconcat version 1.0\nfile {beside}\n",
    "ffconcat-http": "ffconcat version 1.0\nfile {http}/a.mp4\n",
    "sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 45678 RTP/AVP 96\na=rtpmap:96 H264/90000\n",
    "svg": '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><image href="{http}/a.png" width="9" height="9"/></svg>',
    "html": "<!doctype html><meta http-equiv=refresh content='0;url={http}/'>",
    "empty": "",
    "zeros": "\0" * 5000,
}


def _zip(outside: Path) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.write(outside, "inner.mp4")
    return out.getvalue()


def _tar(outside: Path) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        archive.add(outside, "inner.mp4")
    return out.getvalue()


_PACKED: dict[str, Callable[[Path], bytes]] = {"zip": _zip, "tar": _tar}
NAMES = (*_TEXTS, *_PACKED)


def write(name: str, path: Path, *, outside: Path, beside: Path, port: int) -> None:
    """Writes the payload `name` as `path`."""
    if name in _PACKED:
        path.write_bytes(_PACKED[name](outside))
        return
    up = os.path.relpath(outside, path.parent)
    path.write_text(_TEXTS[name].format(file=outside, up=up, beside=beside.name, http=f"http://127.0.0.1:{port}"))


# Addresses that mpv would open and an item may not name.
ADDRESSES = (
    "file:///etc/passwd", "/etc/passwd", "../../etc/passwd", "lavf://file:/etc/passwd", "ffmpeg:///etc/passwd", "lavf://concat:/etc/passwd",
    "lavf://subfile,,start,0,end,9,,:/etc/passwd", "edl:///etc/passwd", "EDL://%11%/etc/passwd", "memory://#EXTM3U", "hex://2345",
    "null://", "fd://0", "fdclose://0", "slice://0-9@/etc/passwd", "archive:///etc/passwd", "mf:///etc/*.png", "mf://@/etc/passwd",
    "av://lavfi:testsrc", "av://v4l2:/dev/video0", "av://x11grab::0", "appending:///etc/passwd", "bd://", "dvd://", "cdda://",
    "dvb://", "tv://", "tcp://127.0.0.1:1", "tls://127.0.0.1:1", "gopher://127.0.0.1/", "ftp://127.0.0.1/", "sftp://127.0.0.1/",
    "smb://127.0.0.1/", "unix:/run/x", "pipe:0", "data:video/mp4;base64,AAAA", "ytdl://abc", "-", "", "--vo=null", "://x",
)  # fmt: skip
