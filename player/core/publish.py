"""What goes on air while files are missing (pure): from what is wanted, what is here and what was on air, to what is published.

- A layout goes on air when each of its files is here or has been given up; until then it stays as it was.
- One that was never on air is published with what there is of it, so that its hour never finds nothing; but what plays is not
  taken off for it: while the layout whose time it is now is unfinished, all stays as it was.
- A screen that has nothing finished to show is given more as more comes.
- Where a later revision of a file cannot be had, the earlier one stays; and no failure ever takes off air what plays.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

from player.core.assemble import Content, Ready, assemble, filled
from player.core.content import Layout, Manifest, Programme


@dataclass(frozen=True, slots=True)
class Supply:
    """What there is. `kept`: earlier revisions that are still here; `given_up`: files that nobody waits for any more.

    `left_out`: ids of items that are not to be shown.
    """

    ready: Mapping[Content, Ready] = field(default_factory=dict)
    kept: Mapping[Content, Ready] = field(default_factory=dict)
    given_up: Collection[Content] = ()
    left_out: Collection[str] = ()


@dataclass(frozen=True, slots=True)
class Published:
    """A manifest, its version not given yet in a decision; `unfinished`: ids of the layouts that lack files which are to come."""

    manifest: Manifest
    unfinished: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Decision:
    """What is to be published (None: all stays as it is), and the reason in words."""

    published: Published | None
    why: str


def decide(programme: Programme, now: str | None, supply: Supply, before: Published | None, *, is_over: bool) -> Decision:
    """What to publish. `now`: the id of the layout whose time it is; `is_over`: nothing more comes in this round."""
    chosen = [_choose(layout, supply, before) for layout in programme.layouts]
    layouts = tuple(layout for layout, _ in chosen)
    unfinished = frozenset(layout.id for layout, is_whole in chosen if not is_whole)
    shown, showed = count(layouts), count(before.manifest.layouts) if before else 0
    if not shown and count(programme.layouts):
        return Decision(None, "nothing of it can be shown: what plays stays")
    if now in unfinished and before and showed:
        if now not in before.unfinished and any(layout.id not in before.unfinished for layout in before.manifest.layouts):
            return Decision(None, f"files of {now} are still to come: what plays stays")
        if not is_over and shown <= showed:
            return Decision(None, f"no more of {now} has come")
    here = {**supply.kept, **supply.ready}
    stand_by = tuple(replace(one, items=filled(one.items, here, supply.left_out)) for one in programme.stand_by)
    manifest = Manifest("", layouts, programme.rules, programme.default, stand_by, programme.watermark)
    why = "what is here of it is shown, the rest is to come" if unfinished else "all of it is here, or given up"
    return Decision(Published(manifest, unfinished), why)


def _choose(wanted: Layout, supply: Supply, before: Published | None) -> tuple[Layout, bool]:
    """The layout as it is published, and whether it is finished."""
    held = next((layout for layout in before.manifest.layouts if layout.id == wanted.id), None) if before else None
    if before is None or wanted.id in before.unfinished:
        held = None
    if _waits(wanted, supply):
        return (held, True) if held and count([held]) else (assemble(wanted, supply.ready, supply.left_out), False)
    whole = assemble(wanted, {**supply.kept, **supply.ready}, supply.left_out)
    return (held, True) if held and count([wanted]) and not count([whole]) else (whole, True)


def _waits(layout: Layout, supply: Supply) -> bool:
    contents = {
        (item.content_id, item.kind)
        for region in layout.regions
        for item in region.playlist.items
        if item.kind.has_file and item.id not in supply.left_out
    }
    return any(content not in supply.ready and content not in supply.given_up for content in contents)


def count(layouts: Collection[Layout]) -> int:
    """How many items they hold."""
    return sum(len(region.playlist.items) for layout in layouts for region in layout.regions)
