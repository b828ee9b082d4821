"""Applets among what is on air: each as a layout of its own over the whole screen, and where it stands to the programme (pure).

The configuration (devices.content) decides: "above" before every rule of the server's, "below" where the server has nothing to
show. A page above that cannot be shown gives way to the programme, until it is tried again (`core.applet_pauses`). Alerts, the lock
pad and the other cards lie over either, as over all content (`core.cover`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from player.core.applets import AppletOn, AppletPlace, AppletPlan, AppletRun
from player.core.content import Item, Layout, Manifest, Playlist, full_screen
from player.core.kinds import Kind
from player.core.onair import Because, OnAir, Source

BUILT = "applets/built"  # below the cache folder
OWNER = "applets"  # whose plays they are: no server's
STAYS_S = 24 * 3600.0  # a page that runs for days is told of in the proof of play each day


def applet_item(run: AppletRun, uid: str, beginning: int) -> Item:
    """The page as an item. Other files, another configuration or another `beginning` make another one, which begins anew."""
    said = repr((run.applet, run.version, run.files, run.url, sorted(run.configuration.items(), key=repr), run.scope, beginning))
    return Item(
        f"applet/{uid}/{hashlib.sha256(said.encode()).hexdigest()[:12]}", run.applet, str(run),
        Kind.WEB if run.url else Kind.PACKAGE, STAYS_S, file=None if run.url else f"{BUILT}/{run.files}/{run.entry}",
        url=run.url or None, applet=run, server=OWNER,
    )  # fmt: skip


def applet_layout(run: AppletRun, uid: str, beginning: int) -> Layout:
    """The whole screen for one page. Its name is the item's, so that the layout is another one where the page is."""
    item = applet_item(run, uid, beginning)
    return replace(full_screen(Playlist(item.id, "applet", (item,))), id=item.id)


def named_layouts(plan: AppletPlan) -> tuple[tuple[AppletRun, Layout], ...]:
    """Every run that the plan names, and the layout for its page, whether or not that may be shown or is here."""
    runs = [(timing.run, timing.uid) for timing in plan.timings]
    runs += [(plan.assigned.run, plan.assigned.uid)] if plan.assigned else []
    runs += [(plan.connected, "connected")] if plan.connected else []
    return tuple((run, applet_layout(run, uid, plan.round)) for run, uid in runs)


def applet_layouts(plan: AppletPlan) -> tuple[Layout, ...]:
    """One for each page that the plan may put on air."""
    wanted = plan.enabled and plan.place is not AppletPlace.OFF
    return tuple(layout for run, layout in named_layouts(plan) if wanted and run.is_here)


def with_applets(manifest: Manifest | None, plan: AppletPlan) -> Manifest | None:
    """What the stage may have to show: the programme, and the applets' pages beside it."""
    layouts: Sequence[Layout] = applet_layouts(plan)
    if not layouts:
        return manifest
    return replace(manifest or Manifest("", ()), layouts=(*(manifest.layouts if manifest else ()), *layouts))


def page_of(layout: Layout | None) -> Item | None:
    """The applet's page that the layout was made for; None: it is one of the programme's."""
    items = [item for region in layout.regions for item in region.playlist.items] if layout else []
    return items[0] if items and items[0].applet is not None else None


def beside(found: OnAir, plan: AppletPlan, on: AppletOn, failed: Collection[str]) -> OnAir:
    """What is on air of the programme (`found`) and the applets (`on`) together; `failed` pages, by their items' ids, are not."""
    until = _earlier(found.until, None if on.until is None else datetime.fromtimestamp(on.until, UTC))
    shows = found.layout is not None and any(region.playlist.items for region in found.layout.regions)
    if on.run is None or (shows and plan.place is not AppletPlace.ABOVE):
        return replace(found, until=until)
    layout = applet_layout(on.run, on.uid, plan.round)
    if shows and layout.id in failed:
        return replace(found, until=until)
    where = "before the programme" if plan.place is AppletPlace.ABOVE else "the programme has nothing to show"
    return OnAir(layout, until, Because(Source.APPLET, applet=f"{on.why}; {where}"))


def _earlier(one: datetime | None, other: datetime | None) -> datetime | None:
    return min((at for at in (one, other) if at is not None), default=None)
