"""What the items of policies say of settings, checked: as telemetry has it."""

from __future__ import annotations

from typing import Annotated

from pydantic import AliasChoices, Field

from player.agent.devices.bodies import CallBody, Number, PanelTurn, Percent, PlanBody, PowerWord, Rate, Side


class BrightnessItem(CallBody):
    """A policy's brightness."""

    brightness: Percent


class OrientationItem(CallBody):
    """A policy's orientation."""

    orientation: PanelTurn


class ResolutionItem(CallBody):
    """A policy's size and rate."""

    width: Side
    height: Side
    framerate: Rate | None = None


class DatetimeItem(CallBody):
    """A policy's zone."""

    timezone: Annotated[str, Field(max_length=100)]
    ntp_server: Annotated[str, Field(max_length=253)] | None = Field(None, alias="ntpServer")


class TemperatureItem(CallBody):
    """The hottest that a policy lets the processor be, in degrees Celsius."""

    temperature: Annotated[float, Field(ge=0, le=150), Number]


class PlanItem(PlanBody):
    """A policy's plan, by the telemetry's name for the action or by the call's."""

    power: PowerWord = Field(validation_alias=AliasChoices("powerType", "powerAction"))
