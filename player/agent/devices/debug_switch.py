"""Whether the agent's log says everything. A restart returns to what the configuration says."""

from __future__ import annotations

import logging


class DebugSwitch:
    """The root logger's level: DEBUG, or what it was when this was made."""

    def __init__(self) -> None:
        self._before = logging.getLogger().level

    @property
    def is_on(self) -> bool:
        """Whether it says everything now."""
        return logging.getLogger().getEffectiveLevel() <= logging.DEBUG

    def set(self, on: bool) -> None:
        """Whether everything is said from now on."""
        logging.getLogger().setLevel(logging.DEBUG if on else self._before)
