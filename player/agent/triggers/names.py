"""Asks the source now and then which brands and channels there are: a rule that waits for another one waits in vain."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence

from player.core.triggers import TriggerRule
from player.core.vocabulary import Vocabulary, never_told
from player.errors import ServerError
from player.runtime.fault_page import FaultPage
from player.runtime.tasks import jittered

log = logging.getLogger(__name__)
DAY_S, AGAIN_S = 86_400.0, 3600.0


class NameWatch:
    """`vocabulary` is what the source has told of, asked anew."""

    def __init__(self, rules: Sequence[TriggerRule], vocabulary: Callable[[], Awaitable[Vocabulary]], faults: FaultPage) -> None:
        self._rules, self._vocabulary, self._faults = rules, vocabulary, faults

    async def run(self) -> None:
        """Asks once a day, for ever; sooner again where the source was away, or a name may have come since."""
        while True:
            try:
                pause_s = await self._look()
            except ServerError as error:
                log.debug("the names that triggers wait for are not compared: %s", error)
                pause_s = AGAIN_S
            await asyncio.sleep(jittered(pause_s))

    async def _look(self) -> float:
        """How long to rest."""
        told = await self._vocabulary()
        unheard = await asyncio.to_thread(lambda: list(never_told(self._rules, told)))
        self._faults.keep_only(unheard)
        for sentence in unheard:
            self._faults.report(sentence, "trigger_name", sentence, count=1)
        return AGAIN_S if unheard else DAY_S
