"""What comes in about applets: each call's body, checked, in the client's form and in the document's flat one."""

from __future__ import annotations

import json
from typing import Annotated, Any

from pydantic import AliasChoices, BeforeValidator, Field, model_validator

from player.agent.devices.bodies import CallBody, Name, Rank, Uid, Url, Words
from player.core.applet_host import DEEPEST, is_shallow
from player.core.applets import FinishKind

LARGEST_CONFIGURATION = 8 * 1024  # bytes of JSON: a hundred timings are read by the stage at once
LARGEST_COMMAND = 16 * 1024
Version = Annotated[str, Field(max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9.+-]*$")]
Md5 = Annotated[str, Field(pattern=r"^[0-9a-fA-F]{32}$")]
FilePath = Annotated[str, Field(min_length=1, max_length=400)]
Type = Annotated[str, Field(max_length=127, pattern=r"^[A-Za-z0-9.+-]+/[A-Za-z0-9.+-]+(; ?charset=[A-Za-z0-9-]+)?$")]


def _bounded(given: Any, largest: int) -> Any:
    """An object of `largest` bytes at most; a form writes it as JSON."""
    found = json.loads(given) if isinstance(given, str) else given
    if isinstance(found, dict) and len(json.dumps(found).encode()) > largest:
        raise ValueError(f"it has {largest} bytes at most")
    if not is_shallow(found):
        raise ValueError(f"it has {DEEPEST} levels at most")
    return found


Configuration = Annotated[dict[str, Any], BeforeValidator(lambda given: _bounded(given, LARGEST_CONFIGURATION))]


class AppletBody(CallBody):
    """An applet's name."""

    name: Name


class AppletVersionBody(CallBody):
    """A version given by its first page's path, or as that page."""

    version: Version
    front: Words = Field("", alias="frontAppletVersion")
    entry: FilePath | None = Field(None, alias="entryFile")
    binary: str | None = None


class VersionChangeBody(CallBody):
    """What is given changes."""

    front: Words | None = Field(None, alias="frontAppletVersion")
    entry: FilePath | None = Field(None, alias="entryFile")
    binary: str | None = None


class FileBody(CallBody):
    """A file that is to be uploaded; its path may be in the address."""

    path: FilePath | None = None
    type: Type = "application/octet-stream"
    hash: Md5


class TestBody(CallBody):
    """A test of a version."""

    identifier: Uid
    binary: Annotated[str, Field(max_length=32_000)]


class TestChangeBody(CallBody):
    """Another script."""

    binary: Annotated[str, Field(max_length=32_000)]


class TestsBody(CallBody):
    """Which tests are to run."""

    tests: Annotated[tuple[Uid, ...], Field(max_length=100)] = ()


class FinishBody(CallBody):
    """What ends a turn."""

    type: FinishKind
    data: Any = None


class TimingChangeBody(CallBody):
    """What is given changes. The document's form is flat."""

    version: Version | None = Field(None, alias="appletVersion")
    starts_at: str | int | None = Field(None, alias="startsAt")
    ends_at: str | int | None = Field(None, alias="endsAt")
    configuration: Configuration | None = None
    position: Rank | None = None
    finish: FinishBody | None = Field(None, alias="finishEvent")

    @model_validator(mode="before")
    @classmethod
    def _unflat(cls, given: Any) -> Any:
        if isinstance(given, dict) and "finishEventType" in given and "finishEvent" not in given:
            data = {"data": given["finishEventData"]} if "finishEventData" in given else {}
            return {**given, "finishEvent": {"type": given["finishEventType"], **data}}
        return given


class TimingBody(TimingChangeBody):
    """A timing for a device."""

    device: Uid = Field(alias="deviceUid")
    applet: Uid = Field(alias="appletUid")
    version: Version = Field(alias="appletVersion")
    starts_at: str | int = Field(alias="startsAt")
    ends_at: str | int = Field(alias="endsAt")
    configuration: Configuration = Field(default_factory=dict)


class AssignmentChangeBody(CallBody):
    """What is given changes."""

    version: Version | None = Field(None, alias="appletVersion")
    configuration: Configuration | None = None
    active: bool | None = None


class AssignmentBody(CallBody):
    """An applet for this device."""

    applet: Uid = Field(alias="appletUid")
    version: Version = Field(alias="appletVersion")
    configuration: Configuration = Field(default_factory=dict)
    active: bool = True


class BundledAppletItem(CallBody):
    """A policy's applet."""

    applet: Uid = Field(alias="appletUid")
    version: Version = Field(alias="appletVersion")
    configuration: Configuration = Field(default_factory=dict, validation_alias=AliasChoices("config", "configuration"))


class ConnectBody(CallBody):
    """An applet where its developer serves it."""

    applet: Uid = Field(alias="appletUid")
    url: Url = Field(alias="appletPublicUrl")
    version: Version = Field("0.0.0", alias="appletVersion")


def _command(given: Any) -> Any:
    found = _bounded(given, LARGEST_COMMAND)
    kind = found.get("type") if isinstance(found, dict) else None
    if not isinstance(kind, str) or not 0 < len(kind) <= 100:
        raise ValueError("expected an object with a type")
    return found


class AppletCommandBody(CallBody):
    """A command for an applet; `commandPayload` is its earlier name."""

    command: Annotated[dict[str, Any], BeforeValidator(_command)]

    @model_validator(mode="before")
    @classmethod
    def _renamed(cls, given: Any) -> Any:
        if isinstance(given, dict) and "commandPayload" in given and "command" not in given:
            return {**given, "command": given["commandPayload"]}
        return given
