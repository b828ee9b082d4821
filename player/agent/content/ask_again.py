"""Files that nothing but their address tells apart are asked about now and then: unchanged ones cost a 304, others are fetched.

A failed question costs nothing: what is here stays, and is asked about again in a later round.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence

from player.core.ask_again import Validators, due, is_changed, is_same
from player.core.assemble import Need
from player.core.filehash import asset_key
from player.errors import ContentError, ServerError, ServerUnreachable
from player.media.fetch.download import Downloader
from player.media.store.cache import Cache

log = logging.getLogger(__name__)


class AskAgain:
    """Asks about what is in `cache`."""

    def __init__(self, cache: Cache, downloader: Downloader) -> None:
        self._cache, self._downloader = cache, downloader
        self._round, self._asked = 0, dict[str, int]()

    async def look(self, needs: Sequence[Need]) -> None:
        """One round: an address with other bytes is forgotten, so that it is fetched; one with known bytes is learned."""
        self._round += 1
        open_ = {asset_key(need.asset.content_id, None, need.asset.url): need for need in needs if not need.asset.file_hash}
        held = {key: need for key, need in open_.items() if self._cache.files.find(key)}
        self._asked = {key: number for key, number in self._asked.items() if key in held}
        now = due(tuple(held), self._asked)
        self._asked |= dict.fromkeys(now, self._round)
        questions = [*((self._ask, key) for key in now), *((self._recognise, key) for key in open_.keys() - held.keys())]
        for question, key in questions:
            try:
                await question(key, open_[key])
            except ServerUnreachable:
                return  # so are the others, as a rule
            except (ServerError, ContentError) as error:
                log.debug("it is asked again later whether it has changed: %s", error)

    async def _ask(self, key: str, need: Need) -> None:
        stored, known = self._cache.files.find(key), self._cache.files.validators(key)
        answer = await self._downloader.ask(need.asset, known)
        if stored is None or answer is None:
            return
        if is_changed(known, answer.validators, stored.size, answer.length):
            log.info("%s: other bytes lie behind its address; they are fetched", need.asset.name)
            self._cache.files.forget_name(key)
        elif known == Validators():
            self._cache.files.name_validators(key, answer.validators)

    async def _recognise(self, key: str, need: Need) -> None:
        """Whether a new address holds what the same content had at another."""
        for sha256, known in self._earlier(need.asset.content_id).items():
            answer = await self._downloader.ask(need.asset, known)
            if answer is None or is_same(known, answer.validators):
                self._cache.files.call(key, sha256, need.asset.content_id)
                self._cache.files.name_validators(key, known)
                return

    def _earlier(self, content_id: str) -> Mapping[str, Validators]:
        found = self._cache.files.tagged(content_id)
        return {sha256: known for sha256, known in found.items() if is_same(known, known)}
