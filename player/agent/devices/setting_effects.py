"""A setting as an effect: asked of the registry, then read back until it is so.

What nobody can read back was sent, and is not confirmed. A policy that holds a setting outranks a single request, which then fails
with the policy's name.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from player.agent.devices.effects import Effect, EffectOutcome
from player.agent.settings.registry import SettingsRegistry
from player.core.actions import is_confirmed
from player.core.settings import SETTINGS, Asker, Value, find
from player.errors import BoxError

LOOK_S, LOOKS = 0.1, 30  # what the stage does is seen a moment later


class SettingEffects:
    """`held_by` names the policy that holds a setting, or a kind of its items as a whole, "" where none does."""

    def __init__(self, settings: SettingsRegistry, held_by: Callable[[str], str]) -> None:
        self._settings, self._held_by = settings, held_by

    def of(self, wanted: Sequence[tuple[str, Value]], by: str) -> Effect:
        """Settings by name, asked for in that order in the name of `by`; None returns one to the configuration."""

        async def effect() -> EffectOutcome:
            for name, _ in wanted:
                self.check_free(name)
            return joined([await self.ask(name, value, Asker.MANAGEMENT, by) for name, value in wanted])

        return effect

    async def found(self, name: str) -> Value:
        """As it is found, else as it is wanted; None: nobody can say, or there is no such setting."""
        if name not in SETTINGS:
            return None
        row = await self._settings.row(name)
        return row.wanted if row.found is None else row.found

    async def is_so(self, name: str, value: Value) -> bool:
        """Whether that is wanted of a setting, and found as far as anybody can say. Raises SettingRefused."""
        row, value = await self._settings.row(name), find(name).value(value)
        return is_confirmed(value, row.wanted) and (row.found is None or is_confirmed(value, row.found))

    async def refusal(self, name: str) -> str:
        """Why a setting is not in effect, though it is wanted: its device refuses, and is told again; "" where it is."""
        row = await self._settings.row(name)
        return "" if row.in_effect else row.outcome

    async def ask(self, name: str, value: Any, by: Asker, who: str) -> EffectOutcome:
        """One setting. Raises SettingRefused, StorageError, BoxError."""
        return await self.read_back(name, await self._settings.ask(name, value, by=by, who=who))

    def check_free(self, name: str) -> None:
        """Raises BoxError where a policy holds a setting, or a kind of its items."""
        if policy := self._held_by(name):
            raise BoxError(name, f'the policy "{policy}" holds it')

    async def read_back(self, name: str, words: str) -> EffectOutcome:
        """How a setting that was asked for is found, once it is as it is wanted. Raises BoxError where it does not become so."""
        row = await self._settings.row(name)
        for _ in range(LOOKS):
            if None in (row.wanted, row.found) or is_confirmed(row.wanted, row.found):
                break
            await asyncio.sleep(LOOK_S)
            row = await self._settings.row(name)
        else:
            raise BoxError(name, f"it was set to {row.wanted}, and is found to be {row.found}")
        known = None not in (row.wanted, row.found)
        return EffectOutcome(words, confirmed=known and row.confirmed is not False)


def joined(outcomes: Sequence[EffectOutcome]) -> EffectOutcome:
    """Several as one, which is confirmed where all of them are."""
    return EffectOutcome("; ".join(one.words for one in outcomes), confirmed=all(one.confirmed for one in outcomes))
