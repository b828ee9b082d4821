"""Places with their pictures and tags, and where this device stands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

from player.agent.control.access import Scope
from player.agent.devices import bodies, wire
from player.agent.devices.about import AboutFile
from player.agent.devices.call import ApiAnswer, ApiCall, Row
from player.agent.devices.labels import Attachment, Labels, Location
from player.agent.devices.refusals import bad_body, bad_field, conflict, not_found
from player.core.ports.box import Clock
from player.errors import StorageError
from player.store import write_atomically

MOST_PICTURES = 8  # of one place
PLACE, OWN = "/v1/location", "/v1/device/{device}/location/{place}"
_MAGIC = {b"\x89PNG\r\n\x1a\n": "image/png", b"\xff\xd8\xff": "image/jpeg", b"GIF8": "image/gif"}


class LocationCalls:
    """`pictures` is the folder of the places' pictures, `organization` the one that everything belongs to."""

    def __init__(self, labels: Labels, pictures: Path, about: AboutFile, clock: Clock, organization: str) -> None:
        self._tags, self._places, self._pictures = labels.tags, labels.places, pictures
        self._about, self._clock, self._organization = about, clock, organization

    def rows(self) -> Sequence[Row]:
        """What leads to these calls."""
        read, control, one = Scope.READ, Scope.CONTROL, f"{PLACE}/{{place}}"
        return (
            Row("GET", PLACE, self.places, read),
            Row("POST", PLACE, self.make_place, control),
            Row("GET", one, self.place, read),
            Row("PUT", one, self.change_place, control),
            Row("DELETE", one, self.remove_place, control),
            Row("PUT", f"{one}/add-attachment", self.add_picture, control),
            Row("PUT", f"{one}/remove-attachments", self.remove_pictures, control),
            Row("GET", f"{one}/attachment/{{picture}}", self.picture, read),
            Row("PUT", f"{one}/organization-tag/{{tag}}", self.tag_place, control),
            Row("DELETE", f"{one}/organization-tag/{{tag}}", self.untag_place, control),
            Row("GET", OWN, self.own_place, read),
            Row("PUT", OWN, self.stand, control),
            Row("DELETE", OWN, self.leave, control),
        )

    async def places(self, call: ApiCall) -> ApiAnswer:
        """The places that there are, by pages."""
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
        """Takes a place away, with its pictures."""
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
        """A picture of the place, as it was given."""
        picture = next((one for one in self._found(call).attachments if one.uid == call.pieces["picture"]), None)
        if picture is None:
            raise not_found("picture of that name")
        path = self._pictures / picture.uid
        try:
            return ApiAnswer(path.read_bytes(), content_type=picture.kind)
        except OSError as error:
            raise StorageError(str(path), f"cannot be read: {error.strerror}") from error

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
