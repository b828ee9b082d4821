"""Tags of the organization, of the device and of places; places, and where the device stands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

from player.agent.control.access import Scope
from player.agent.devices import bodies, wire
from player.agent.devices.about import AboutFile
from player.agent.devices.call import ApiAnswer, ApiCall, Row
from player.agent.devices.labels import Attachment, Location, Tag
from player.agent.devices.refusals import bad_body, bad_field, conflict, not_found
from player.agent.devices.shelf import RecordShelf
from player.core.ports.box import Clock
from player.store import write_atomically

MOST_TAGS, MOST_LOCATIONS, MOST_PICTURES = 500, 100, 8
TAG, PLACE, DEVICE = "/v1/organization-tag", "/v1/location", "/v1/device/{device}"
_MAGIC = {b"\x89PNG\r\n\x1a\n": "image/png", b"\xff\xd8\xff": "image/jpeg", b"GIF8": "image/gif"}


class LabelCalls:
    """`folder` keeps all of it. `organization` is the one that everything belongs to."""

    def __init__(self, folder: Path, about: AboutFile, clock: Clock, organization: str) -> None:
        self._about, self._clock, self._organization = about, clock, organization
        self._tags = RecordShelf(folder / "tags.json", Tag, "tag", MOST_TAGS)
        self._places = RecordShelf(folder / "locations.json", Location, "location", MOST_LOCATIONS)
        self._pictures = folder / "attachments"

    def rows(self) -> Sequence[Row]:
        """What leads to these calls."""
        read, control = Scope.READ, Scope.CONTROL
        return (
            Row("GET", TAG, self.tags, read),
            Row("POST", TAG, self.make_tag, control),
            Row("GET", f"{TAG}/{{tag}}", self.tag, read),
            Row("PUT", f"{TAG}/{{tag}}", self.change_tag, control),
            Row("DELETE", f"{TAG}/{{tag}}", self.remove_tag, control),
            Row("GET", f"{DEVICE}/organization-tag", self.own_tags, read),
            Row("PUT", f"{DEVICE}/organization-tag/{{tag}}", self.take_tag, control),
            Row("DELETE", f"{DEVICE}/organization-tag/{{tag}}", self.drop_tag, control),
            Row("GET", PLACE, self.places, read),
            Row("POST", PLACE, self.make_place, control),
            Row("GET", f"{PLACE}/{{place}}", self.place, read),
            Row("PUT", f"{PLACE}/{{place}}", self.change_place, control),
            Row("DELETE", f"{PLACE}/{{place}}", self.remove_place, control),
            Row("PUT", f"{PLACE}/{{place}}/add-attachment", self.add_picture, control),
            Row("PUT", f"{PLACE}/{{place}}/remove-attachments", self.remove_pictures, control),
            Row("GET", f"{PLACE}/{{place}}/attachment/{{picture}}", self.picture, read),
            Row("PUT", f"{PLACE}/{{place}}/organization-tag/{{tag}}", self.tag_place, control),
            Row("DELETE", f"{PLACE}/{{place}}/organization-tag/{{tag}}", self.untag_place, control),
            Row("GET", f"{DEVICE}/location/{{place}}", self.own_place, read),
            Row("PUT", f"{DEVICE}/location/{{place}}", self.stand, control),
            Row("DELETE", f"{DEVICE}/location/{{place}}", self.leave, control),
        )

    # --- tags

    async def tags(self, call: ApiCall) -> ApiAnswer:
        """By pages."""
        return call.paged(self._tags.all(), lambda one: one.created_at, self._tag)

    async def make_tag(self, call: ApiCall) -> ApiAnswer:
        """{name, color, parentTagUid}."""
        wanted = call.read(bodies.TagBody)
        self._check_parent(wanted.parent)
        made = Tag(uuid4().hex, self._tags.next_at(self._now()), wanted.name, wanted.color, wanted.parent)
        self._tags.put(made)
        return call.made(TAG, made.uid)

    async def tag(self, call: ApiCall) -> ApiAnswer:
        """The one of that uid."""
        return ApiAnswer(self._tag(self._tags.get(call.pieces["tag"])))

    async def change_tag(self, call: ApiCall) -> ApiAnswer:
        """What is given changes."""
        held, wanted = self._tags.get(call.pieces["tag"]), call.read(bodies.TagBody)
        self._check_parent(wanted.parent, held.uid)
        self._tags.put(replace(
            held, name=wanted.name, color=wanted.color if "color" in call.body else held.color,
            parent=wanted.parent if "parentTagUid" in call.body else held.parent,
        ))  # fmt: skip
        return ApiAnswer()

    async def remove_tag(self, call: ApiCall) -> ApiAnswer:
        """It is taken off everything as well."""
        uid = self._tags.get(call.pieces["tag"]).uid
        self._tags.remove(uid)
        for below in self._tags.all():
            if below.parent == uid:
                self._tags.put(replace(below, parent=None))
        for place in self._places.all():
            if uid in place.tags:
                self._places.put(replace(place, tags=tuple(tag for tag in place.tags if tag != uid)))
        self._keep_own_tags({tag: at for tag, at in self._about.current.tags.items() if tag != uid})
        return ApiAnswer()

    async def own_tags(self, call: ApiCall) -> ApiAnswer:
        """Those of this device."""
        own = [tag for tag in self._tags.all() if tag.uid in self._about.current.tags]
        return call.paged(own, lambda one: one.created_at, self._tag)

    async def take_tag(self, call: ApiCall) -> ApiAnswer:
        """The device gets it."""
        uid = self._tags.get(call.pieces["tag"]).uid
        self._keep_own_tags({**self._about.current.tags, uid: self._now()})
        return ApiAnswer()

    async def drop_tag(self, call: ApiCall) -> ApiAnswer:
        """The device loses it."""
        uid = self._tags.get(call.pieces["tag"]).uid
        self._keep_own_tags({tag: at for tag, at in self._about.current.tags.items() if tag != uid})
        return ApiAnswer()

    def _keep_own_tags(self, tags: Mapping[str, float]) -> None:
        if tags.keys() != self._about.current.tags.keys():
            self._about.change(tags=tags)

    def _check_parent(self, uid: str | None, own: str = "") -> None:
        """A parent is there, and not below the tag itself."""
        seen = {own}
        while uid is not None:
            if uid in seen:
                raise bad_field("parentTagUid", "a tag cannot stand below itself")
            seen.add(uid)
            uid = self._tags.get(uid).parent

    def _tag(self, tag: Tag) -> dict[str, Any]:
        return {
            "uid": tag.uid, "name": tag.name, "organizationUid": self._organization, "color": tag.color, "parentTagUid": tag.parent,
            "createdAt": wire.instant(tag.created_at),
        }  # fmt: skip

    # --- places

    async def places(self, call: ApiCall) -> ApiAnswer:
        """By pages."""
        return call.paged(self._places.all(), lambda one: one.created_at, lambda one: self._place(one, call.base))

    async def make_place(self, call: ApiCall) -> ApiAnswer:
        """{name, coordinates or address, customId, description}."""
        wanted = call.read(bodies.LocationBody)
        if wanted.name is None:
            raise bad_field("name", "it is missing")
        if wanted.coordinates is None and wanted.address is None:
            raise bad_field("coordinates", "either these or an address are needed")
        at = self._places.next_at(self._now())
        self._places.put(_changed(Location(uuid4().hex, at, at, wanted.name), wanted, at))
        return call.made(PLACE, self._places.all()[-1].uid)

    async def place(self, call: ApiCall) -> ApiAnswer:
        """The one of that uid."""
        return ApiAnswer(self._place(self._found(call), call.base))

    async def change_place(self, call: ApiCall) -> ApiAnswer:
        """What is given changes."""
        self._places.put(_changed(self._found(call), call.read(bodies.LocationBody), self._now()))
        return ApiAnswer()

    async def remove_place(self, call: ApiCall) -> ApiAnswer:
        """With its pictures."""
        place = self._found(call)
        self._places.remove(place.uid)
        for picture in place.attachments:
            (self._pictures / picture.uid).unlink(missing_ok=True)
        if self._about.current.location == place.uid:
            self._about.change(location=None)
        return ApiAnswer()

    async def tag_place(self, call: ApiCall) -> ApiAnswer:
        """The place gets a tag."""
        place, tag = self._found(call), self._tags.get(call.pieces["tag"]).uid
        self._places.put(replace(place, tags=tuple(dict.fromkeys((*place.tags, tag)))))
        return ApiAnswer()

    async def untag_place(self, call: ApiCall) -> ApiAnswer:
        """The place loses it."""
        place, tag = self._found(call), self._tags.get(call.pieces["tag"]).uid
        self._places.put(replace(place, tags=tuple(held for held in place.tags if held != tag)))
        return ApiAnswer()

    async def add_picture(self, call: ApiCall) -> ApiAnswer:
        """The body is the picture; what it is says its beginning."""
        place = self._found(call)
        kind = next((kind for magic, kind in _MAGIC.items() if call.raw.startswith(magic)), None)
        if kind is None:
            raise bad_body("the body is neither PNG nor JPEG nor GIF")
        if len(place.attachments) >= MOST_PICTURES:
            raise conflict(f"a place keeps {MOST_PICTURES} pictures at most")
        made = Attachment(uuid4().hex, kind)
        write_atomically(self._pictures / made.uid, call.raw)
        self._places.put(replace(place, attachments=(*place.attachments, made), updated_at=self._now()))
        return ApiAnswer()

    async def remove_pictures(self, call: ApiCall) -> ApiAnswer:
        """By the addresses that the place names them by, or by the last pieces of these."""
        place, named = self._found(call), {name.rpartition("/")[2] for name in call.read(bodies.RemoveAttachmentsBody).names}
        kept = tuple(picture for picture in place.attachments if picture.uid not in named)
        self._places.put(replace(place, attachments=kept, updated_at=self._now()))
        for picture in set(place.attachments) - set(kept):
            (self._pictures / picture.uid).unlink(missing_ok=True)
        return ApiAnswer()

    async def picture(self, call: ApiCall) -> ApiAnswer:
        """Its bytes."""
        picture = next((one for one in self._found(call).attachments if one.uid == call.pieces["picture"]), None)
        if picture is None:
            raise not_found("picture of that name")
        return ApiAnswer((self._pictures / picture.uid).read_bytes(), content_type=picture.kind)

    # --- where the device stands

    async def own_place(self, call: ApiCall) -> ApiAnswer:
        """The place, where the device stands there."""
        place = self._found(call)
        if self._about.current.location != place.uid:
            raise not_found("device at that location")
        return ApiAnswer(self._place(place, call.base))

    async def stand(self, call: ApiCall) -> ApiAnswer:
        """The device stands there from now on."""
        self._about.change(location=self._found(call).uid)
        return ApiAnswer()

    async def leave(self, call: ApiCall) -> ApiAnswer:
        """It does not any more."""
        if self._about.current.location == self._found(call).uid:
            self._about.change(location=None)
        return ApiAnswer()

    def _found(self, call: ApiCall) -> Location:
        return self._places.get(call.pieces["place"])

    def _place(self, place: Location, base: str) -> dict[str, Any]:
        point = None
        if place.latitude is not None and place.longitude is not None:
            point = {"type": "Point", "coordinates": [place.longitude, place.latitude]}
        return {
            "uid": place.uid, "name": place.name,
            "feature": {"type": "Feature", "geometry": point, "properties": {"address": place.address}},
            "organizationUid": self._organization, "customId": place.custom_id, "description": place.description,
            "attachments": [f"{base}{PLACE}/{place.uid}/attachment/{picture.uid}" for picture in place.attachments],
            "tagUids": list(place.tags), "createdAt": wire.instant(place.created_at), "updatedAt": wire.instant(place.updated_at),
        }  # fmt: skip

    def _now(self) -> float:
        return self._clock.now().timestamp()


def _changed(place: Location, wanted: bodies.LocationBody, at: float) -> Location:
    changed = replace(
        place, name=wanted.name or place.name, updated_at=at,
        custom_id=place.custom_id if wanted.custom_id is None else wanted.custom_id,
        description=place.description if wanted.description is None else wanted.description,
    )  # fmt: skip
    if wanted.address is not None:
        return replace(changed, address=wanted.address, latitude=None, longitude=None)
    if wanted.coordinates is not None:
        return replace(changed, address=None, latitude=wanted.coordinates.lat, longitude=wanted.coordinates.long)
    return changed
