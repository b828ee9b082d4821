"""What stands between a screen and its content: how the agent judges it, and what the stage makes of it as time passes. Pure.

The agent tells its `Outlook` again and again; a stage that hears nothing for `SILENT_S` says so of itself. One that has never heard
of it says that the player is starting, until it should have come. A screen with content shows no more than a small card, and only
of what lasts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from player.core.contact import Contact, Standing
from player.core.faults import Fault, gravest

SILENT_S = 30.0
STARTING_S = 180.0  # the agent starts after the stage, and slowly on a small box
CODE_STAYS_S = 20.0  # somebody may be reading the pairing code while one call fails
_WITHOUT_A_WAY = frozenset({"no_internet", "name_unknown"})


@dataclass(frozen=True, slots=True)
class Problem:
    """`code` is one of the fault book's; `sentence` tells of this case, "" where the code says it all."""

    code: str
    sentence: str = ""


@dataclass(frozen=True, slots=True)
class Outlook:
    """Where content is to come from, as the agent sees it: what hinders it, and how many of its files are here."""

    problem: Problem | None = None
    ready: int = 0
    total: int = 0


@dataclass(frozen=True, slots=True)
class ContentStanding:
    """How it stands with the programme. `items`: how many the server wants, None before it was asked; `faults` of content alone."""

    on_air: bool
    items: int | None
    fetching: bool
    ready: int
    total: int
    faults: Sequence[Fault] = ()


def outlook(contact: Contact, content: ContentStanding, *, has_address: bool, paired: bool | None) -> Outlook:
    """What the agent tells the stage."""
    found = _of_contact(contact, has_address=has_address)
    if found is None and paired and contact.standing is Standing.ONLINE and not content.on_air:
        found = _of_content(content)
    return Outlook(found, content.ready, content.total) if paired else Outlook(found)


def _of_contact(contact: Contact, *, has_address: bool) -> Problem | None:
    if contact.standing is Standing.NONE:
        return Problem("no_server")
    if contact.error is None:
        return None
    if not has_address and contact.error.code in _WITHOUT_A_WAY:
        return Problem("no_network")
    return Problem(contact.error.code, contact.error.reason)


def _of_content(content: ContentStanding) -> Problem | None:
    if content.items == 0:
        return Problem("no_content")
    if content.faults and not content.fetching:
        worst = gravest(content.faults, 1)[0]
        return Problem(worst.code, worst.message)
    return None


@dataclass(frozen=True, slots=True)
class SafeMode:
    """The stage shows a still, and nothing that moves. `since`: monotonic seconds; `stills`: files of pictures, the best first."""

    since: float
    stills: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Trouble:
    """What is wrong at the moment, and for how long it has been (seconds); the files of what is being fetched.

    `heard`: the agent has told how it stands; `safe`: what safe mode shows, None outside of it.
    """

    problem: Problem | None = None
    lasted_s: float = 0.0
    ready: int = 0
    total: int = 0
    heard: bool = False
    safe: SafeMode | None = None


@dataclass(slots=True)
class TroubleWatch:
    """What the stage knows of trouble. Times are monotonic seconds; `began` is when it started.

    `own` holds whatever the agent says: the configuration cannot be read, say.
    """

    began: float
    own: Problem | None = None
    safe: SafeMode | None = None
    _heard: Outlook | None = field(default=None, init=False)
    _heard_at: float = field(default=0.0, init=False)
    _since: float | None = field(default=None, init=False)

    def hear(self, told: Outlook, at: float) -> None:
        """The agent told how it stands."""
        self._heard, self._heard_at = told, at

    def look(self, at: float, shown_faults: Sequence[Fault] = ()) -> Trouble:
        """How it is at `at`. `shown_faults` are of items that should be on screen while none of them is."""
        if self.safe is not None:
            return Trouble(Problem("safe_mode"), at - self.safe.since, safe=self.safe)
        heard = self._heard or Outlook()
        worst = gravest(shown_faults, 1)
        failed = Problem(worst[0].code, worst[0].message) if worst else None
        silence = self._silence(at)
        found = self.own or failed or silence or heard.problem
        if found is None:
            self._since = None
            return Trouble(None, 0.0, heard.ready, heard.total, self._heard is not None)
        if self._since is None:
            self._since = self._heard_at if silence and self._heard is not None else at
        return Trouble(found, at - self._since, heard.ready, heard.total, self._heard is not None)

    def _silence(self, at: float) -> Problem | None:
        silent_s = at - (self.began if self._heard is None else self._heard_at)
        if silent_s < SILENT_S:
            return None
        return Problem("agent_starting" if self._heard is None and silent_s < STARTING_S else "agent_away")
