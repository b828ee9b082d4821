"""Small pictures of content for the operator's page, made when they are first looked at; a file that cannot be drawn has none."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from pathlib import Path

from player.demo.files import Files

log = logging.getLogger(__name__)
SIZE = (384, 216)
DEADLINE_S = 20.0


class Thumbnails:
    """Thumbnails of stored files, kept beside them by the same names."""

    def __init__(self, folder: Path, files: Files) -> None:
        self._folder, self._files = Files(folder), files
        self._one_at_a_time = asyncio.Lock()

    async def of(self, kind: str, file_hash: str) -> Path | None:
        """The thumbnail's path; None where there cannot be one."""
        path = self._folder.path(file_hash)
        async with self._one_at_a_time:
            if not path.exists():
                await self._make(kind, self._files.path(file_hash), path)
        return path if path.stat().st_size else None

    async def _make(self, kind: str, source: Path, path: Path) -> None:
        temporary = path.with_suffix(".part")
        temporary.write_bytes(b"")  # an empty one says "cannot be drawn", so that it is tried once
        try:
            if kind == "image":
                await asyncio.to_thread(_shrink, source, temporary)
            elif kind == "video":
                await _first_frame(source, temporary)
        except (OSError, ValueError, TimeoutError) as error:
            log.info("no thumbnail of %s: %s", source.name[:12], error)
        temporary.replace(path)


def _shrink(source: Path, target: Path) -> None:
    from PIL import Image, ImageOps

    with Image.open(source, formats=("JPEG", "PNG", "GIF", "WEBP")) as picture:
        if picture.width * picture.height > 100_000_000:
            raise ValueError(f"{picture.width}x{picture.height} is too large")
        picture.draft("RGB", (SIZE[0] * 2, SIZE[1] * 2))
        ImageOps.fit(ImageOps.exif_transpose(picture).convert("RGB"), SIZE).save(target, "JPEG", quality=82)


async def _first_frame(source: Path, target: Path) -> None:
    scale = f"scale={SIZE[0]}:{SIZE[1]}:force_original_aspect_ratio=increase,crop={SIZE[0]}:{SIZE[1]}"
    process = await asyncio.create_subprocess_exec(
        *("ffmpeg", "-v", "error", "-y", "-protocol_whitelist", "file", "-sseof", "-1", "-i", f"file:{source}", "-an", "-sn"),
        *("-frames:v", "1", "-threads", "1", "-vf", scale, "-f", "mjpeg", f"file:{target}"),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        async with asyncio.timeout(DEADLINE_S):
            await process.wait()
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
