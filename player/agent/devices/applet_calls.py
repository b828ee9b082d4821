"""Applets, their versions and the tests of these. What is uploaded of files is on another page (`applet_file_calls`)."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from typing import Any
from uuid import uuid4

from aiohttp import web

from player.agent.control.access import Scope
from player.agent.devices import applet_bodies as bodies
from player.agent.devices import wire
from player.agent.devices.applet_folder import AppletFolder
from player.agent.devices.applet_records import AppletRecord, AppletShelf, AppletTestRecord, VersionRecord
from player.agent.devices.call import ApiAnswer, ApiCall, Row, fields_of, read_as
from player.agent.devices.plan_keeper import PlanKeeper
from player.agent.devices.refusals import bad_body, bad_field, conflict, too_large
from player.core.applet_files import clean_path, with_file
from player.core.ports.box import Clock

APPLET = "/v1/applet"
VERSION = f"{APPLET}/{{applet}}/version"
LARGEST_PAGE = 2 * 1024 * 1024  # an applet that is one page, with all that is in it
MOST_TESTS = 4
CHUNK = 256 * 1024


class AppletCalls:
    """`shelf` is what is known of applets, `folder` their bytes."""

    def __init__(self, shelf: AppletShelf, folder: AppletFolder, plan: PlanKeeper, clock: Clock) -> None:
        self._shelf, self._folder, self._plan, self._clock = shelf, folder, plan, clock

    def rows(self) -> Sequence[Row]:
        """What leads to these calls."""
        read, admin, one = Scope.READ, Scope.ADMIN, f"{VERSION}/{{version}}"
        test = f"{one}/test/{{test}}"
        return (
            Row("GET", APPLET, self.applets, read),
            Row("POST", APPLET, self.make, admin),
            Row("GET", f"{APPLET}/{{applet}}", self.applet, read),
            Row("DELETE", f"{APPLET}/{{applet}}", self.remove, admin),
            Row("GET", VERSION, self.versions, read),
            Row("POST", VERSION, self.make_version, admin, reads_itself=True),
            Row("GET", one, self.version, read),
            Row("PUT", one, self.change_version, admin, reads_itself=True),
            Row("POST", f"{one}/publish", self.publish, admin),
            Row("POST", f"{one}/deprecate", self.deprecate, admin),
            Row("POST", f"{one}/renew", self.renew, admin),
            Row("GET", f"{one}/test", self.tests, read),
            Row("POST", f"{one}/test", self.make_test, admin),
            Row("GET", test, self.test, read),
            Row("PUT", test, self.change_test, admin),
            Row("DELETE", test, self.remove_test, admin),
        )

    async def applets(self, call: ApiCall) -> ApiAnswer:
        """By pages."""
        return call.paged(self._shelf.applets.all(), lambda one: one.created_at, _applet)

    async def make(self, call: ApiCall) -> ApiAnswer:
        """{name}. The client takes the uid out of a Link with nothing after its bracket."""
        applets = self._shelf.applets
        made = AppletRecord(uuid4().hex, applets.next_at(self._clock.now().timestamp()), call.read(bodies.AppletBody).name)
        applets.put(made)
        return ApiAnswer(wire.OK, 201, {"Link": f"<{call.base}{APPLET}/{made.uid}>"})

    async def applet(self, call: ApiCall) -> ApiAnswer:
        """The one of that uid."""
        return ApiAnswer(_applet(self._shelf.applets.get(call.pieces["applet"])))

    async def remove(self, call: ApiCall) -> ApiAnswer:
        """With its versions, unless it is wanted on the screen."""
        applet = self._shelf.applets.get(call.pieces["applet"])
        if self._plan.is_used(applet.uid):
            raise conflict(f"the applet {applet.name} has a timing or is assigned: delete that first")
        self._shelf.remove(applet.uid)
        await self._plan.tell()
        return ApiAnswer()

    # --- versions

    async def versions(self, call: ApiCall) -> ApiAnswer:
        """By pages; `frontAppletVersion` picks."""
        front = call.text("frontAppletVersion")
        found = [one for one in self._shelf.versions(call.pieces["applet"]) if front in (None, one.front)]
        return call.paged(found, lambda one: one.created_at, _version)

    async def make_version(self, call: ApiCall) -> ApiAnswer:
        """{version, frontAppletVersion, entryFile, binary}, one of the latter two at the least: with both, the page is the file of
        that name. Or the page itself, and the rest in the query."""
        given, page = await _given(call)
        wanted = read_as(bodies.AppletVersionBody, given)
        binary, entry = page if page is not None else wanted.binary, _entry(wanted.entry)
        if binary is None and entry is None:
            raise bad_field("entryFile", "either it or the page itself is needed")
        made = self._shelf.make(call.pieces["applet"], wanted.version, _front(wanted.front), entry)
        self._shelf.keep(await self._with_page(made, binary, entry))
        await self._plan.tell()
        return ApiAnswer(wire.OK, 201, {"Location": f"{call.base}{APPLET}/{made.applet}/version/{made.version}"})

    async def version(self, call: ApiCall) -> ApiAnswer:
        """The one of that number; `binary` is its page where it was given as one, which lists leave out."""
        version = self._of(call)
        page = self._folder.read(version.files[0]).decode() if version.is_page else None
        return ApiAnswer(_version(version) | {"binary": page})

    async def change_version(self, call: ApiCall) -> ApiAnswer:
        """What is given changes, and the version is built of the files that are there."""
        given, page = await _given(call)
        held, wanted = self._of(call), read_as(bodies.VersionChangeBody, given)
        front = held.front if wanted.front is None else _front(wanted.front)
        changed = replace(held, front=front, entry=_entry(wanted.entry) or held.entry)
        named = _entry(wanted.entry) or (held.entry if held.is_page else None)
        changed = await self._with_page(changed, page if page is not None else wanted.binary, named)
        self._shelf.keep(built(changed, self._folder, self._clock))
        await self._plan.tell()
        return ApiAnswer()

    async def publish(self, call: ApiCall) -> ApiAnswer:
        """It is for use; that is said of it, and nothing else."""
        self._shelf.keep(replace(self._of(call), published_at=self._clock.now().timestamp()))
        return ApiAnswer()

    async def deprecate(self, call: ApiCall) -> ApiAnswer:
        """It is not for use any more; where it runs it runs on."""
        self._shelf.keep(replace(self._of(call), deprecated_at=self._clock.now().timestamp()))
        return ApiAnswer()

    async def renew(self, call: ApiCall) -> ApiAnswer:
        """It is for use again."""
        self._shelf.keep(replace(self._of(call), deprecated_at=None))
        return ApiAnswer()

    # --- tests

    async def tests(self, call: ApiCall) -> ApiAnswer:
        """All of a version."""
        version = self._of(call)
        return ApiAnswer([_test(version, one) for one in version.tests])

    async def make_test(self, call: ApiCall) -> ApiAnswer:
        """{identifier, binary}."""
        version, wanted = self._of(call), call.read(bodies.TestBody)
        if any(one.identifier == wanted.identifier for one in version.tests):
            raise conflict(f"the version has a test {wanted.identifier}")
        if len(version.tests) >= MOST_TESTS:
            raise conflict(f"a version has {MOST_TESTS} tests at most")
        self._shelf.keep(replace(version, tests=(*version.tests, AppletTestRecord(wanted.identifier, wanted.binary))))
        return call.made(call.path, wanted.identifier)

    async def test(self, call: ApiCall) -> ApiAnswer:
        """The one of that name."""
        version = self._of(call)
        return ApiAnswer(_test(version, version.test(call.pieces["test"])))

    async def change_test(self, call: ApiCall) -> ApiAnswer:
        """{binary}."""
        version, binary = self._of(call), call.read(bodies.TestChangeBody).binary
        held = version.test(call.pieces["test"])
        tests = tuple(replace(one, binary=binary) if one is held else one for one in version.tests)
        self._shelf.keep(replace(version, tests=tests))
        return ApiAnswer()

    async def remove_test(self, call: ApiCall) -> ApiAnswer:
        """It is no test of that version any more."""
        version = self._of(call)
        held = version.test(call.pieces["test"])
        self._shelf.keep(replace(version, tests=tuple(one for one in version.tests if one is not held)))
        return ApiAnswer()

    def _of(self, call: ApiCall) -> VersionRecord:
        return self._shelf.version(call.pieces["applet"], call.pieces["version"])

    async def _with_page(self, version: VersionRecord, binary: str | None, entry: str | None) -> VersionRecord:
        """The version with its page as its only file, where one was given, under the name that was."""
        if binary is None:
            return version
        page = binary.encode()
        md5 = hashlib.md5(page, usedforsecurity=False).hexdigest()
        file = await self._folder.take(entry or "index.html", "text/html", md5, _chunks(page))
        return built(replace(version, entry=entry, is_page=True, files=with_file((), file)), self._folder, self._clock)


def built(version: VersionRecord, folder: AppletFolder, clock: Clock) -> VersionRecord:
    """The version built of its files; one whose first page is not there yet stays as it was built before. Raises StorageError."""
    if not any(file.path == version.page for file in version.files):
        return version
    return replace(version, built=folder.build(version.files), built_at=round(clock.now().timestamp(), 3))


async def _chunks(page: bytes) -> AsyncIterator[bytes]:
    yield page


async def _given(call: ApiCall) -> tuple[dict[str, Any], str | None]:
    """The body's fields; or those of the query, and the page that is the body. Raises Declined."""
    assert call.incoming is not None  # noqa: S101 - the row says so
    request = call.incoming.clone(client_max_size=LARGEST_PAGE)
    try:
        raw = await request.read()
    except web.HTTPRequestEntityTooLarge:
        raise too_large(LARGEST_PAGE) from None
    if request.content_type == "text/html":
        try:
            page = raw.decode() if raw else None
        except UnicodeError:
            raise bad_body("the page is not UTF-8") from None
        names = ("version", "frontAppletVersion")
        return {name: value for name in names if (value := call.text(name)) is not None}, page
    return dict(fields_of(raw, request.content_type)), None


def _front(given: str) -> str:
    """The client writes what it was not given as a word."""
    return "" if given == "undefined" else given


def _entry(given: str | None) -> str | None:
    try:
        return None if given is None else clean_path(given)
    except ValueError as error:
        raise bad_field("entryFile", str(error)) from None


def _applet(one: AppletRecord) -> dict[str, Any]:
    return {"uid": one.uid, "name": one.name, "createdAt": wire.instant(one.created_at)}


def _version(one: VersionRecord) -> dict[str, Any]:
    return {
        "appletUid": one.applet, "version": one.version, "createdAt": wire.instant(one.created_at),
        "updatedAt": wire.instant_or_none(one.updated_at), "binary": None, "frontAppletVersion": one.front,
        "entryFile": one.entry, "publishedSince": wire.instant_or_none(one.published_at),
        "deprecatedSince": wire.instant_or_none(one.deprecated_at), "builtSince": wire.instant_or_none(one.built_at),
    }  # fmt: skip


def _test(version: VersionRecord, one: AppletTestRecord) -> dict[str, Any]:
    return {
        "appletUid": version.applet, "appletVersion": version.version, "identifier": one.identifier, "binary": one.binary,
    }  # fmt: skip
