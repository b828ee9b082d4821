"""The table [spotwatch] of the configuration."""

from __future__ import annotations

from typing import Literal

from player.config import TriggerSourceConfig, first_words
from player.config_reader import no_zone


class Keys(TriggerSourceConfig, frozen=True):
    """`receive`: whether its queue is asked, or it calls here; `zone`: the key's, of times that name none."""

    key: str = ""
    key_file: str = ""
    receive: Literal["queue", "webhook"] = "queue"
    zone: str = "Europe/Berlin"

    def secret(self) -> str:
        """The key, or the text of its file. Raises ConfigError."""
        return first_words(self.key_file, "spotwatch.key_file") if self.key_file else self.key

    def mistake(self, public_url: str) -> tuple[str, str] | None:
        """What is missing, and a zone that does not exist."""
        if not (self.key or self.key_file):
            return "spotwatch.key", "Spotwatch cannot be asked without it"
        if self.receive == "webhook" and not public_url:
            words = 'spotwatch.receive = "webhook" needs the address at which Spotwatch reaches this box'
            return "control.public_url", words
        problem = no_zone(self.zone)
        return ("spotwatch.zone", problem) if problem else None
