"""`update BUNDLE`. Nothing is installed that the configured key did not sign (fault U1); without a key the answer is always no."""

from __future__ import annotations

import argparse
from pathlib import Path

from player.config import Config, Dirs
from player.errors import SignageError


class UpdateRefused(SignageError):
    """The bundle is not installed. Exit code 1."""

    code = "update_refused"


def main(chosen: argparse.Namespace, config: Config, _: Dirs) -> int:
    """Refuses with the reason."""
    bundle = Path(chosen.bundle)
    if not bundle.is_file():
        raise UpdateRefused(f"{bundle}: there is no such file")
    if not config.update.public_key:
        raise UpdateRefused(f"{bundle} is refused: no key is configured that could have signed it; set update.public_key")
    raise UpdateRefused(f"{bundle} is refused: it carries no signature that this version can check; update with scripts/install")
