"""What to keep, fetch, evict or refuse, so that the cache holds what a programme wants (pure; house rule 7: plan, then act).

Laws: nothing on screen, in the manifest that plays, or wanted next is ever evicted; what the server asked to delete goes first,
then what was used longest ago; the reserve is never touched; what cannot fit is refused by name and costs nothing else.
Sizes are bytes; keys are opaque. A size that is not known counts as `GUESS` until the server tells it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

GUESS = 32 * 1024**2
NO_SPACE = "no_space"


@dataclass(frozen=True, slots=True)
class Wanted:
    """An asset of the programme. `turn`: the smaller, the earlier it is needed and fetched."""

    key: str
    name: str
    size: int | None = None
    turn: int = 0


@dataclass(frozen=True, slots=True)
class Held:
    """An asset in the cache; `used_at` in seconds since the epoch."""

    key: str
    size: int
    used_at: float = 0.0


@dataclass(frozen=True, slots=True)
class Keep:
    """It is here already."""

    key: str

    def __str__(self) -> str:
        return f"keep   {self.key}"


@dataclass(frozen=True, slots=True)
class Evict:
    """It goes: the server asked for that, or its room is needed."""

    key: str
    size: int
    reason: str

    def __str__(self) -> str:
        return f"evict  {self.key} ({shown_size(self.size)}, {self.reason})"


@dataclass(frozen=True, slots=True)
class Fetch:
    """It is downloaded; `room` is the most that it may take."""

    key: str
    size: int | None
    room: int

    def __str__(self) -> str:
        return f"fetch  {self.key} ({'size unknown' if self.size is None else shown_size(self.size)})"


@dataclass(frozen=True, slots=True)
class Refuse:
    """It cannot fit; `reason` is a sentence for the operator."""

    key: str
    code: str
    reason: str

    def __str__(self) -> str:
        return f"refuse {self.key}: {self.reason}"


Step = Keep | Evict | Fetch | Refuse


@dataclass(frozen=True, slots=True)
class Plan:
    """The steps, in the order in which they are carried out."""

    steps: tuple[Step, ...]

    @property
    def evictions(self) -> tuple[Evict, ...]:
        """The files that make room."""
        return tuple(step for step in self.steps if isinstance(step, Evict))

    @property
    def refusals(self) -> tuple[Refuse, ...]:
        """The files that find no room."""
        return tuple(step for step in self.steps if isinstance(step, Refuse))

    def __str__(self) -> str:
        return "\n".join(str(step) for step in self.steps)


def plan(
    wanted: Sequence[Wanted],
    held: Sequence[Held],
    *,
    pinned: Collection[str],
    delete: Collection[str],
    limit_bytes: int,
    reserve_bytes: int,
    free_bytes: int,
) -> Plan:
    """The steps that bring `held` to `wanted`.

    `pinned`: keys on screen or in the manifest that plays. `delete`: keys the server no longer needs. `limit_bytes`: the cache's
    own limit; `free_bytes` of the file system now, of which `reserve_bytes` stay free.
    """
    have, needed = {h.key for h in held}, {w.key for w in wanted}
    idle = [h for h in held if h.key not in needed and h.key not in pinned]
    room = _Room(
        min(limit_bytes - sum(h.size for h in held), free_bytes - reserve_bytes),
        deque(sorted((h for h in idle if h.key not in delete), key=lambda h: h.used_at)),
    )
    steps: list[Step] = [room.evict(h, "the server deleted it") for h in idle if h.key in delete]
    steps += room.make(0)
    for asset in sorted(_distinct(wanted), key=lambda w: w.turn):
        steps += [Keep(asset.key)] if asset.key in have else _fetch(asset, room, limit_bytes)
    return Plan(tuple(steps))


def _distinct(wanted: Iterable[Wanted]) -> list[Wanted]:
    found: dict[str, Wanted] = {}
    for asset in wanted:
        if asset.key not in found or asset.turn < found[asset.key].turn:
            found[asset.key] = asset
    return list(found.values())


def _fetch(asset: Wanted, room: _Room, limit_bytes: int) -> list[Step]:
    need = GUESS if asset.size is None else asset.size
    if asset.size is None:
        need = max(1, min(need, room.possible))
    if need > room.possible:
        return [Refuse(asset.key, NO_SPACE, _sentence(asset, need, room.possible, limit_bytes))]
    steps: list[Step] = [*room.make(need), Fetch(asset.key, asset.size, room.bytes)]
    room.bytes -= need
    return steps


def _sentence(asset: Wanted, need: int, possible: int, limit_bytes: int) -> str:
    if need > limit_bytes:
        return (
            f"{asset.name} takes {shown_size(need)} and the cache may hold {shown_size(limit_bytes)}: "
            "raise storage.cache_limit, or make the file smaller"
        )
    return (
        f"{asset.name} takes {shown_size(need)} and only {shown_size(max(0, possible))} can be made free "
        "beside what is playing: use a larger disk, raise storage.cache_limit, or shorten the playlist"
    )


class _Room:
    """Bytes that may still be filled, and what may be evicted for more."""

    def __init__(self, size: int, idle: deque[Held]) -> None:
        self.bytes, self._idle = size, idle
        self._idle_bytes = sum(h.size for h in idle)

    @property
    def possible(self) -> int:
        """The room after evicting everything that may go."""
        return self.bytes + self._idle_bytes

    def evict(self, held: Held, reason: str) -> Evict:
        self.bytes += held.size
        return Evict(held.key, held.size, reason)

    def make(self, need: int) -> list[Evict]:
        """Evicts the longest unused until `need` fits, or nothing is left to evict."""
        evicted = []
        while self.bytes < need and self._idle:
            held = self._idle.popleft()
            self._idle_bytes -= held.size
            evicted.append(self.evict(held, "unused longest"))
        return evicted


def shown_size(size: int) -> str:
    """Bytes for people: "1.5 GiB"."""
    amount = float(size)
    for unit in ("B", "KiB", "MiB"):
        if amount < 1024:
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1024
    return f"{amount:.1f} GiB"
