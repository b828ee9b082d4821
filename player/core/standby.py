"""What stands by for triggers: which items, over which region, and which of them are worth being kept ready (pure)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from player.core.content import Item, Layout, Playlist, Programme, StandBy, WantedAsset, full_screen
from player.core.faults import Fault
from player.core.kinds import Kind
from player.core.plaintext import without_logins
from player.core.triggers import TriggerRule

OWNER = "triggers"  # whose plays of files and addresses are that the configuration names: no server's
STAYS_S = 10.0  # of what somebody must say how long it stays


@dataclass(frozen=True, slots=True)
class _Found:
    items: tuple[Item, ...]
    playlist: str = ""
    assets: tuple[WantedAsset, ...] = ()


def with_stand_by(programme: Programme, rules: Iterable[TriggerRule], files: Mapping[str, WantedAsset], now: float) -> Programme:
    """The programme with what the rules, the likeliest first, may show; one that names what is not there is a fault, begun `now`.

    `files`: those of this machine that rules name, by the name that they give.
    """
    stand_by, assets, faults = [], {asset.content_id: asset for asset in programme.assets}, list(programme.faults)
    for rule in rules:
        found = _found(rule, programme, files)
        if isinstance(found, str):
            faults.append(Fault("bad_trigger", f"the trigger {rule.name}: {found}", now))
            continue
        items = tuple(replace(item, id=f"trigger {rule.name} {n}", weight=1) for n, item in enumerate(found.items, 1))
        if len(items) == 1 and items[0].kind is not Kind.PDF:
            items = (replace(items[0], duration_s=rule.seconds or items[0].duration_s),)
        stand_by.append(StandBy(rule.name, items, rule.zone or None, rule.seconds, rule.priority, found.playlist))
        assets |= {asset.content_id: asset for asset in found.assets}
    return replace(programme, stand_by=tuple(stand_by), assets=tuple(assets.values()), faults=tuple(faults))


def _found(rule: TriggerRule, programme: Programme, files: Mapping[str, WantedAsset]) -> _Found | str:
    """What the rule shows, or why there is nothing."""
    kind, _, name = rule.show.partition(":")
    if kind == "content":
        return _content(name, programme) or f'there is no content "{name}" in the programme'
    if kind == "playlist":
        return _playlist(name, programme) or f'there is no playlist "{name}" with items in the programme'
    if kind == "file":
        asset = files.get(name)
        item = _of_asset(asset, OWNER) if asset else None
        return _Found((item,), OWNER, (asset,)) if asset and item else f'there is no file "{name}" that can be shown'
    if kind == "url":
        plain = without_logins(name)  # what it is called is told
        return _Found((Item(plain, plain, plain, Kind.WEB, STAYS_S, url=name, server=OWNER),), OWNER)
    return f'show is "{rule.show}"; it begins with content:, playlist:, file: or url:'


def _content(name: str, programme: Programme) -> _Found | None:
    """The first item of that content; where none is in a playlist, the file that the server lists to be fetched ahead."""
    for layout in programme.layouts:
        for region in layout.regions:
            for item in region.playlist.items:
                if item.content_id == name:
                    return _Found((item,), region.playlist.id)
    server = next((item.server for item in programme.items), None)
    for asset in programme.assets:
        if asset.content_id == name and (made := _of_asset(asset, server)):
            return _Found((made,))
    return None


def _of_asset(asset: WantedAsset, server: str | None) -> Item | None:
    """The item that shows a file; None for what has none."""
    if asset.kind not in tuple(Kind) or not Kind(asset.kind).has_file:
        return None
    kind = Kind(asset.kind)
    stays_s = STAYS_S if kind.needs_duration else 0.0
    return Item(asset.content_id, asset.content_id, asset.name, kind, stays_s, file_hash=asset.file_hash, server=server)


def _playlist(name: str, programme: Programme) -> _Found | None:
    for layout in programme.layouts:
        for region in layout.regions:
            if region.playlist.id == name and region.playlist.items:
                return _Found(region.playlist.items, name)
    return None


def over(layout: Layout | None, stand_by: StandBy) -> Layout:
    """The layout with one region alone: the place over which `stand_by` is shown, which plays its items once."""
    playlist = Playlist(stand_by.playlist, stand_by.trigger, stand_by.items, repeats=False)
    if layout is None or not layout.regions:
        return full_screen(playlist)
    place = max(layout.regions, key=lambda region: (region.id == stand_by.zone, region.rect.width * region.rect.height))
    return replace(layout, regions=(replace(place, playlist=playlist),))


def likeliest(stand_by: Iterable[StandBy], shown: Mapping[str, int], most: int) -> Sequence[StandBy]:
    """At most so many, those shown most often first, of equal ones the first told. What shows the present cannot be kept ready."""
    keepable = [one for one in stand_by if one.items and not one.items[0].kind.is_stream]
    return sorted(keepable, key=lambda one: -shown.get(one.trigger, 0))[:most]
