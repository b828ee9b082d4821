"""What an item is: every kind, and all that the player decides by it. A kind that is to be added is described here alone.

A drawing is never asked of a server: it comes as a picture and is found to be one (`asked`).
"""

from __future__ import annotations

from enum import StrEnum


class Kind(StrEnum):
    """What an item is. The values stand in manifests, plays and layouts."""

    VIDEO = "video"
    IMAGE = "image"
    AUDIO = "audio"  # heard for its length, over its region's background or its file's cover
    WEB = "web"
    LIVESTREAM = "livestream"
    YOUTUBE = "youtube"
    PACKAGE = "package"  # a zip of HTML, unpacked below the cache folder
    PDF = "pdf"
    SVG = "svg"
    TICKER = "ticker"  # a line of text that runs
    CLOCK = "clock"

    @property
    def has_file(self) -> bool:
        """Whether it is shown from a file that is fetched, checked and kept; others have an address, or a text."""
        return self in (Kind.VIDEO, Kind.AUDIO, Kind.IMAGE, Kind.PACKAGE, Kind.PDF, Kind.SVG)

    @property
    def asked(self) -> Kind:
        """As what its file is asked for and prepared."""
        return Kind.IMAGE if self is Kind.SVG else self

    @property
    def per_panel(self) -> bool:
        """Whether its file (of a sound: its cover) is prepared for one panel's size; others are shown on any from the same file."""
        return self in (Kind.IMAGE, Kind.AUDIO, Kind.PDF, Kind.SVG)

    @property
    def is_page(self) -> bool:
        """Whether the browser shows it."""
        return self in (Kind.WEB, Kind.PACKAGE, Kind.SVG)

    @property
    def keeps(self) -> bool:
        """Whether it may keep something in the browser: it runs scripts."""
        return self in (Kind.WEB, Kind.PACKAGE)

    @property
    def is_drawn(self) -> bool:
        """Whether the player draws it itself, from the item's text, the hour or a feed."""
        return self in (Kind.TICKER, Kind.CLOCK)

    @property
    def is_heard(self) -> bool:
        """Whether it may have sound."""
        return self in (Kind.VIDEO, Kind.AUDIO, Kind.YOUTUBE, Kind.LIVESTREAM, Kind.WEB, Kind.PACKAGE)

    @property
    def is_unseen(self) -> bool:
        """Whether it is all there without a place on the screen."""
        return self is Kind.AUDIO

    @property
    def is_recorded(self) -> bool:
        """Whether it is a file with a beginning and an end, which can be gone to from anywhere in it."""
        return self in (Kind.VIDEO, Kind.AUDIO)

    @property
    def is_stream(self) -> bool:
        """Whether it shows the present: it has no beginning and no end, and what is loaded early is late on screen."""
        return self is Kind.LIVESTREAM

    @property
    def ages(self) -> bool:
        """Whether time passes in it while it waits: prepared early it is old when it is shown."""
        return self.is_stream or self in (Kind.WEB, Kind.PACKAGE)

    @property
    def ends_by_itself(self) -> bool:
        """Whether it has a length of its own."""
        return self.is_recorded or self is Kind.YOUTUBE

    @property
    def can_begin_later(self) -> bool:
        """Whether it can be shown from a moment in it on, or what is left of its time; an address has its own beginning."""
        return self is not Kind.YOUTUBE

    @property
    def needs_duration(self) -> bool:
        """Whether somebody must say how long it stays; for others 0 means: as long as it lasts."""
        return not (self.ends_by_itself or self.is_stream)

    @property
    def is_watched(self) -> bool:
        """Whether it may end or break while it is on screen; what is not watched stands as it was drawn."""
        return self.ends_by_itself or self.is_stream or self.is_page

    @property
    def moves(self) -> bool:
        """Whether its picture may be another one while it is on screen."""
        return self.is_drawn or (self.is_watched and not self.is_unseen)
