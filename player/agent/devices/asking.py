"""The pattern that most calls follow: PUT writes a request down and answers at once, GET lists the requests and how they ended."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from player.agent.devices import wire
from player.agent.devices.about import AboutFile
from player.agent.devices.action_log import ActionLog
from player.agent.devices.call import ApiAnswer, ApiCall, Handler
from player.agent.devices.effects import Effect, EffectOutcome, Effects
from player.core.actions import ActionKind, Ends
from player.core.ports.box import Absent
from player.errors import BoxError

log = logging.getLogger(__name__)


class Asking:
    """`device` is the uid that entries carry."""

    def __init__(self, log: ActionLog, effects: Effects, device: str) -> None:
        self._log, self._effects, self._device = log, effects, device

    def ask(
        self, call: ApiCall, kind: ActionKind, asked: Mapping[str, Any], effect: Effect, *, ends: Ends = Ends.NOTHING,
        deadline_s: float | None = None,
    ) -> ApiAnswer:  # fmt: skip
        """Writes down what the caller asks for; it is carried out after this answer. Raises Declined, StorageError."""
        action = self._effects.ask(kind, asked, call.token.name, effect, ends=ends, deadline_s=deadline_s)
        return ApiAnswer(action=action.uid)

    def note(self, call: ApiCall, kind: ActionKind, asked: Mapping[str, Any], words: str) -> None:
        """Writes down what was done while the caller waited. Raises StorageError."""
        action = self._log.ask(kind, asked, call.token.name, Ends.NOTHING)
        self._log.succeeded(action, words, confirmed=True)
        log.info("%s, says the management (%s)", words, call.token.name)

    def entries(self, kind: ActionKind) -> Handler:
        """Every request of that kind that is remembered, newest first."""

        async def handle(_: ApiCall) -> ApiAnswer:
            return ApiAnswer([wire.entry(action, self._device) for action in self._log.of_kind(kind)])

        return handle

    async def history(self, call: ApiCall) -> ApiAnswer:
        """Every request of every kind, by pages."""
        return call.paged(self._log.all(), lambda one: one.created_at, lambda one: wire.logged(one, self._device))


def lacking(absent: Absent) -> Effect:
    """What this box cannot do: the request fails with the reason."""

    async def effect() -> Any:
        raise BoxError(absent.ability, absent.reason)

    return effect


def leading_to(about: AboutFile, url: str | None) -> Effect:
    """Another management of this box is kept at `url`, for whoever stands before it: the local page leads there. None: nowhere."""

    async def effect() -> EffectOutcome:
        about.change(extended_management=url or "")
        return EffectOutcome("the local page leads there" if url else "the local page leads nowhere else", confirmed=True)

    return effect


def saying(words: str) -> Effect:
    """It is so already."""

    async def effect() -> EffectOutcome:
        return EffectOutcome(words, confirmed=True)

    return effect
