"""The table [folder] of the configuration."""

from __future__ import annotations

from player.config import Section


class Keys(Section, frozen=True):
    """`path`: the folder; or `usb`: any stick that is plugged in. `copy`: what was shown stays when the folder goes.

    `public_key`: Ed25519, base64; only a folder whose manifest.json is signed by it is shown.
    """

    path: str = ""
    usb: bool = False
    copy: bool = False
    public_key: str = ""

    @property
    def place(self) -> str:
        """Where it is, for people."""
        return "a USB stick" if self.usb else self.path

    def __post_init__(self) -> None:
        """Raises ValueError where no folder is named, or two are."""
        if bool(self.path) == self.usb:
            raise ValueError("set either path, or usb = true")
