"""A youtube address -> one that mpv can play, by yt-dlp as a library in a short-lived child without state or credentials.

Resolved just before play, since the answers expire. Only allow-listed hosts are asked, and the answer is of http or https, which
goes through the wall. The child has limits on memory and time, ends with the stage, and knows nothing that could be stolen.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import json
import os
import resource
import signal
import sys
from typing import Any

from player.core.egress import WayOut
from player.core.kinds import Kind
from player.core.urls import check_url
from player.errors import ContentError
from player.runtime.systemd import child_environment

LIMIT_S = 30.0
_PR_SET_PDEATHSIG = 1  # prctl(2)
MEMORY = 1024**3
FORMAT = "best[height<=1080][protocol^=http]/best[height<=1080]/best"
OPTIONS: dict[str, Any] = {
    "format": FORMAT, "noplaylist": True, "quiet": True, "no_warnings": True, "cachedir": False, "skip_download": True,
    "socket_timeout": 8, "retries": 1, "extractor_retries": 1, "ignoreconfig": True, "allowed_extractors": ["default"],
    "compat_opts": {"no-certifi"},  # trusts whom the player trusts, and nobody else
}  # fmt: skip


class Resolver:
    """`hosts` are the allowed ones, subdomains included; an answer that takes longer than `limit_s` is not waited for."""

    def __init__(self, hosts: tuple[str, ...], way_out: WayOut, *, limit_s: float = LIMIT_S) -> None:
        self._hosts, self._way_out, self._limit_s = hosts, way_out, limit_s

    async def __call__(self, url: str) -> str:
        """The playable address. Raises ContentError."""
        refusal = check_url(url, Kind.YOUTUBE, youtube_hosts=self._hosts, stream_hosts=())
        if refusal:
            raise ContentError("bad_url", url, refusal)
        return _answer(url, await self._asked(url))

    async def _asked(self, url: str) -> bytes:
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-I", "-m", "player.stage.video.youtube", url, str(os.getpid()), self._way_out.user_agent,
            env=child_environment(self._way_out),
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        try:
            async with asyncio.timeout(self._limit_s):
                output, _ = await child.communicate()
        except TimeoutError as error:
            raise ContentError("unresolved", url, f"no playable address was found within {self._limit_s:.0f} s") from error
        finally:
            if child.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    child.kill()
                await child.wait()
        return output


def _answer(url: str, output: bytes) -> str:
    try:
        answer = json.loads(output)
    except ValueError as error:
        raise ContentError("unresolved", url, "the resolver gave no answer") from error
    if "error" in answer:
        raise ContentError("unresolved", url, str(answer["error"])[:300])
    found = str(answer["url"])
    refusal = check_url(found, Kind.WEB, youtube_hosts=(), stream_hosts=())
    if refusal:
        raise ContentError("unresolved", url, f"what the resolver found cannot be used: {refusal}")
    return found


def _die_with(parent: int) -> None:
    """This process is killed when `parent` ends, and does not begin when that has ended already."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
    if os.getppid() != parent:
        sys.exit(1)


def main(url: str, parent: int, user_agent: str) -> None:
    """The child of `parent`, with which it dies: prints {"url": …} or {"error": …}. Says `user_agent` beside a browser's name."""
    _die_with(parent)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (25, 25))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    import yt_dlp
    from yt_dlp.utils.networking import random_user_agent

    try:
        browser = {"http_headers": {"User-Agent": f"{random_user_agent()} {user_agent}"}}  # other names are led astray
        with yt_dlp.YoutubeDL(OPTIONS | browser) as resolver:
            found = resolver.extract_info(url, download=False)
            entry = found["entries"][0] if "entries" in found else found
            print(json.dumps({"url": entry["url"]}))
    except Exception as error:  # noqa: BLE001 - whatever went wrong is the answer
        print(json.dumps({"error": str(error)}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3])
