"""What a Spot player shows, read: layouts in units and per cent, playlists, assets, dates; and what is wrong costs itself alone."""

from __future__ import annotations

from typing import Any
from urllib.parse import urljoin

import pytest

from player.cms.spot.programme import ITEMS, SpotReader
from player.core.content import CUT, Fit, Item, Programme, Rect, Region, Transition, TransitionKind
from player.core.geometry import NOWHERE
from player.core.kinds import Kind

NOW = 1_775_044_800.0  # 2026-04-01 12:00 UTC


def read(player: dict[str, Any]) -> Programme:
    return reader().programme(player)


def reader() -> SpotReader:
    return SpotReader("players", NOW, lambda url: urljoin("https://spot.example/", url), "spot-1")


def asset(**fields: Any) -> dict[str, Any]:
    return {"id": 3, "name": "Promo", "type": "image", "url": "/f/3?signature=a", "size": 100, "checksum": "ab" * 32} | fields


def entry(**fields: Any) -> dict[str, Any]:
    return {"id": 30, "asset": asset(), "duration": 7} | fields


def playlist(*items: Any, **fields: Any) -> dict[str, Any]:
    return {"id": 1, "name": "Day", "items": list(items)} | fields


def zone(**fields: Any) -> dict[str, Any]:
    return {"id": 8, "name": "Main", "x": 0, "y": 0, "width": 960, "height": 540, "playlist": playlist(entry())} | fields


def layout(*zones: Any, **fields: Any) -> dict[str, Any]:
    return {"layout": {"id": 5, "width": 960, "height": 540, "regions": list(zones)} | fields}


def only_item(**fields: Any) -> tuple[Item, Programme]:
    programme = read({"playlist": playlist(entry(**fields))})
    (item,) = programme.items
    return item, programme


def only_region(**fields: Any) -> Region:
    (region,) = read(layout(zone(**fields))).layouts[0].regions
    return region


def codes(programme: Programme) -> list[str]:
    return [fault.code for fault in programme.faults]


def test_a_playlist_alone_fills_the_screen():
    item, programme = only_item(weight=3, campaign_id=9)
    assert (item.id, item.content_id, item.name, item.kind, item.duration_s) == ("30", "3", "Promo", Kind.IMAGE, 7.0)
    assert (item.weight, item.campaign_id, item.server, item.file_hash) == (3, "9", "spot-1", "ab" * 32)
    assert set(item.numbers) == {"item_id", "content_id", "campaign_id", "playlist_id"}
    (file,) = programme.assets
    assert (file.content_id, file.url, file.size) == ("3", "https://spot.example/f/3?signature=a", 100)
    assert programme.layouts[0].regions[0].playlist.id == "1"


def test_a_layout_goes_before_a_playlist():
    programme = read(layout(zone()) | {"playlist": playlist(entry(id=99))})
    assert [item.id for item in programme.items] == ["30"]
    assert programme.layouts[0].id == "5"


def test_without_either_nothing_is_on_air():
    assert read({"id": 1}).items == ()


@pytest.mark.parametrize(
    ("place", "rect"),
    [
        ({"x": "25%", "y": "50%", "width": "75%", "height": "50%"}, Rect(240, 270, 720, 270)),
        ({"x": "10", "y": 20.4, "width": "30", "height": 40}, Rect(10, 20, 30, 40)),
        ({"x": None, "y": None, "width": "100%", "height": " 100 % "}, Rect(0, 0, 960, 540)),
        ({"x": -10, "y": "-5%", "width": 2000, "height": 2000}, Rect(-10, -27, 2000, 2000)),
    ],
)
def test_places_are_units_or_per_cent(place: dict[str, Any], rect: Rect):
    assert only_region(**place).rect == rect


@pytest.mark.parametrize(
    "place", [{"x": 960}, {"y": "100%"}, {"width": 0}, {"height": None}, {"x": -960}, {"width": "wide"}, {"width": float("nan")}]
)
def test_a_region_without_a_place_on_the_canvas_costs_that_region(place: dict[str, Any]):
    programme = read(layout(zone(), zone(id=9, **place)))
    assert ([region.id for region in programme.layouts[0].regions], codes(programme)) == (["8"], ["bad_region"])


def test_a_region_without_a_place_is_heard_where_it_plays_sounds_alone():
    song = entry(asset=asset(id=4, type="audio", duration=180), duration=None)
    music = zone(id=9, width=0, height=0, playlist=playlist(song), volume=40)
    programme = read(layout(zone(), music, zone(id=10, width=0, playlist=playlist(song, entry()))))
    assert codes(programme) == ["bad_region"]
    found = programme.layouts[0].regions[1]
    assert (found.rect, found.volume, found.audible) == (NOWHERE, 40, True)
    assert [(item.kind, item.duration_s) for item in found.playlist.items] == [(Kind.AUDIO, 0.0)], "for its own length"


def test_a_region_is_shown_as_its_fields_say():
    region = only_region(
        z_index=4, fit="cover", muted=True, volume="30", background="#AABBCC", transition="fade", transition_duration="1.5"
    )
    assert (region.z, region.fit, region.audible, region.volume, region.background) == (4, Fit.COVER, False, 30, "#aabbcc")
    assert region.playlist.transition == Transition(TransitionKind.CROSSFADE, 1.5)
    assert len(region.playlist.items) == 1


def test_regions_may_be_called_zones_and_are_at_most_eight():
    raw = {"layout": {"id": 5, "zones": [zone(id=n) for n in range(10)]}}
    programme = read(raw)
    assert (len(programme.layouts[0].regions), codes(programme)) == (8, ["too_many_regions"])
    assert (programme.layouts[0].width, programme.layouts[0].height) == (1920, 1080)


def test_an_unknown_transition_is_a_cut_and_told():
    programme = read(layout(zone(transition="warp")))
    assert (programme.layouts[0].regions[0].playlist.transition, codes(programme)) == (CUT, ["unsupported_transition"])


def test_positions_order_items():
    rows = [entry(id=1, position=2), entry(id=2, position=None), entry(id=3, position="0")]
    assert [item.id for item in read({"playlist": playlist(*rows)}).items] == ["3", "2", "1"]


@pytest.mark.parametrize(
    ("fields", "version"),
    [
        ({"checksum": None, "md5": "c" * 32}, "c" * 32),
        ({"checksum": None, "sha256": "d" * 64, "md5": "c" * 32}, "d" * 64),
        ({"checksum": None, "updated_at": "2026-01-01"}, "100@2026-01-01"),
        ({"checksum": None, "size": None, "updated_at": "2026-01-01"}, "2026-01-01"),
        ({"checksum": None}, "100"),
        ({"checksum": None, "size": None}, None),
    ],
)
def test_what_tells_one_revision_of_a_file_from_another(fields: dict[str, Any], version: str | None):
    item, programme = only_item(asset=asset(**fields))
    assert (item.file_hash, programme.assets[0].file_hash) == (version, version)


@pytest.mark.parametrize(
    ("fields", "seconds", "told"),
    [
        ({"duration": None}, 10.0, []),
        ({"duration": None, "asset": asset(duration=4)}, 4.0, []),
        ({"duration": 0.2}, 1.0, []),
        ({"duration": "soon"}, 10.0, ["bad_duration"]),
        ({"duration": -1}, 1.0, ["bad_duration"]),
        ({"duration": None, "asset": asset(type="video", duration=4)}, 0.0, []),
        ({"duration": 5, "asset": asset(type="video")}, 5.0, []),
    ],
)
def test_how_long_an_item_stays(fields: dict[str, Any], seconds: float, told: list[str]):
    item, programme = only_item(**fields)
    assert (item.duration_s, codes(programme)) == (seconds, told)


@pytest.mark.parametrize(
    ("row", "code"),
    [
        ({"id": 1}, "bad_item"),
        ({"id": 1, "asset_id": 77}, "bad_item"),
        (None, "bad_item"),
        ("x", "bad_item"),
        (entry(asset=asset(type="hologram")), "unsupported_type"),
        (entry(asset=asset(type=None, mime_type="application/pdf")), "unsupported_type"),
        (entry(asset=asset(url="file:///etc/passwd")), "bad_item"),
        (entry(asset=asset(url="//[")), "bad_item"),
        (entry(asset=asset(url=None)), "bad_item"),
        (entry(asset=asset(id=None)), "bad_item"),
    ],
)
def test_a_bad_item_costs_that_item(row: Any, code: str):
    programme = read({"playlist": playlist(row, entry())})
    assert ([item.id for item in programme.items], codes(programme)) == (["30"], [code])


def test_of_an_endless_playlist_the_first_items_are_shown_and_it_is_told():
    programme = read({"playlist": playlist(*(entry(id=number) for number in range(ITEMS + 1)))})
    assert (len(programme.items), codes(programme)) == (ITEMS, ["shortened"])


def test_an_asset_without_a_type_is_what_its_media_type_says():
    item, _ = only_item(asset=asset(type=None, mime_type="video/mp4"))
    assert item.kind is Kind.VIDEO


def test_the_download_address_goes_first():
    _, programme = only_item(asset=asset(download_url="https://cdn.example/3"))
    assert programme.assets[0].url == "https://cdn.example/3"


def test_ids_stay_text_where_they_came_as_text():
    item, _ = only_item(id="a", asset=asset(id="b"))
    assert (item.id, item.content_id, item.numbers) == ("a", "b", ("playlist_id",))


def test_dates_make_rules():
    rows = [entry(), entry(id=31, asset=asset(id=4), starts_at="2026-04-01T13:00:00Z", ends_at="2026-04-01T16:00:00+02:00")]
    programme = read(layout(zone(playlist=playlist(*rows))))
    assert [[item.id for item in one.regions[0].playlist.items] for one in programme.layouts] == [["30"], ["30", "31"], ["30"]]
    assert [rule.layout for rule in programme.rules] == [one.id for one in programme.layouts]
    assert {file.content_id for file in programme.assets} == {"3", "4"}


def test_dates_that_cannot_be_read_are_none_and_told():
    item, programme = only_item(starts_at="soon")
    assert (item.id, len(programme.rules), codes(programme)) == ("30", 1, ["bad_item"])


def test_a_region_knows_its_layout_and_numbers_are_known():
    one = reader()
    one.programme(layout(zone()))
    assert (one.layouts, one.numbered) == ({"8": 5}, {"3"})


@pytest.mark.parametrize("value", [None, [], "x", 3, {"a": 1}, [[]], True])
@pytest.mark.parametrize("name", ["layout", "playlist"])
def test_wrong_types_are_survived(name: str, value: Any):
    read({name: value})
    read({"layout": {"id": value, "width": value, "regions": value, "background": value}})
    read(layout(zone(**dict.fromkeys(("id", "x", "width", "z_index", "fit", "volume", "playlist", "transition"), value))))
    read({"playlist": playlist(entry(**dict.fromkeys(("id", "asset", "duration", "weight", "starts_at"), value)), shuffle=value)})
    read({"playlist": playlist(entry(asset=dict.fromkeys(("id", "name", "type", "url", "size", "checksum"), value)))})
