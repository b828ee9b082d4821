"""ffprobe and ffmpeg, as films and sounds are looked at with them (in the child only).

They are told which readers there are by the file's own bytes, may read this one file and nothing it refers to, and have a deadline
each.
"""

from __future__ import annotations

import math
import re
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from player.errors import BoxError, ContentError

PROBE_S, DECODE_S = 20.0, 40.0
_LONGEST_S = 7 * 86400.0


@dataclass(frozen=True, slots=True)
class Opened:
    """One file as they open it.

    `readers`: FFmpeg's names of those that it may be, with commas; `reader`: the one that it is, "" for whichever of them takes it.
    `name` and `better` (what to export instead) are for messages; `before` runs in each process started here. Every method raises
    ContentError when the file is refused, BoxError when the program is not installed.
    """

    source: Path
    name: str
    readers: str
    reader: str
    before: Callable[[], None]
    better: str

    def probe(self) -> dict[str, Any]:
        """ffprobe's account of it: `format`, `streams`."""
        limits = ("-probesize", "16M", "-analyzeduration", "10M")
        shown = ("-show_format", "-show_streams", "-print_format", "json")
        out = self._run(("ffprobe", "-v", "error", *self._only(), *limits, *shown, *self._input()), PROBE_S)
        told = msgspec.json.decode(out) if out.strip() else {}
        if not isinstance(told, dict):
            raise ContentError("damaged", self.name, "ffprobe gives no account of it; export it again", transient=False)
        return told

    def decode(self, *only: str) -> list[bytes]:
        """Decodes `only` that (ffmpeg's words), and answers a line with a checksum for each frame."""
        out = self._ffmpeg(*only, "-f", "framecrc")
        return [line for line in out.splitlines() if line and not line.startswith(b"#")]

    def copied(self, index: int) -> bytes:
        """The first packet of a stream, as it stands in the file."""
        return self._ffmpeg("-map", f"0:{index}", "-c", "copy", "-frames:v", "1", "-f", "rawvideo")

    def _ffmpeg(self, *words: str) -> bytes:
        command = ("ffmpeg", "-v", "error", "-nostdin", "-threads", "1", *self._only(), *self._input(), *words, "-")
        return self._run(command, DECODE_S)

    def _only(self) -> Sequence[str]:
        return ("-protocol_whitelist", "file", "-format_whitelist", self.readers)

    def _input(self) -> Sequence[str]:
        return (*(("-f", self.reader) if self.reader else ()), "-i", f"file:{self.source}")

    def _run(self, command: Sequence[str], deadline_s: float) -> bytes:
        """What the program wrote."""
        try:
            done = subprocess.run(
                command, stdin=subprocess.DEVNULL, capture_output=True, timeout=deadline_s, check=False, preexec_fn=self.before
            )
        except FileNotFoundError as error:
            raise BoxError("video check", f"{command[0]} is not installed; install the package ffmpeg") from error
        except subprocess.TimeoutExpired as error:
            reason = f"{command[0]} found no end to it within {deadline_s:.0f} s; export it again"
            raise ContentError("damaged", self.name, reason, transient=False) from error
        if done.returncode != 0:
            raise self._refused(done.stderr)
        return done.stdout

    def _refused(self, stderr: bytes) -> ContentError:
        lines = stderr.decode(errors="replace").strip().splitlines() or ["no reason given"]
        last = re.sub(r"^\[[^\]]*\] ", "", lines[0])[:200]
        if "moov atom not found" in last or "partial file" in last:
            return ContentError("truncated", self.name, "a part of it is missing; upload it again", transient=False)
        if "Cannot allocate memory" in last:
            words = "decoding it takes more memory than a box has to spare; export it smaller"
            return ContentError("too_large", self.name, words, transient=False)
        if "not currently supported" in last or "Decoder" in last:
            words = f"this box cannot decode it ({last}); export it as {self.better}"
            return ContentError("unsupported", self.name, words, transient=False)
        return ContentError("damaged", self.name, f"it cannot be decoded ({last}); export it again", transient=False)


def duration_of(told: dict[str, Any], stream: dict[str, Any]) -> float | None:
    """Seconds, as the file says it, or else the stream; None where neither says a sensible length."""
    for given in (told.get("format", {}).get("duration"), stream.get("duration")):
        try:
            seconds = float(given or "")
        except (TypeError, ValueError):
            continue
        if math.isfinite(seconds) and 0 < seconds < _LONGEST_S:
            return seconds
    return None
