"""What makes each setting take effect, and what says how it is: the device behind each row of `core.settings`.

The stage needs no word here: it reads its brief. Where a device is told besides, its silence is no failure: the stage keeps quiet
without a sound server, and a picture that is off is dark on a panel that hears neither CEC nor DDC.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from player.core.ports.box import Absent, Audio, Host, InputSource, Panel, Switch, Switches, Told
from player.core.ports.stage import StagePort, StageStatus
from player.core.settings import Value
from player.errors import BoxError

A = TypeVar("A")  # an ability


async def _nobody() -> Value:
    return None


@dataclass(frozen=True, slots=True)
class Applier:
    """`words(value)`: what is so when it is done. `tell(value)` tells a device, and answers what it says; it raises BoxError.

    `found` reads the value back; None where nobody can say. It raises BoxError.
    """

    words: Callable[[Any], str]
    tell: Callable[[Any], Awaitable[Told]] | None = None
    found: Callable[[], Awaitable[Value]] = _nobody


def build_appliers(
    *, stage: StagePort, audio: Audio | Absent, panel: Panel | Absent, host: Host | Absent, switches: Switches | Absent
) -> Mapping[str, Applier]:
    """One for each row of `core.settings.SETTINGS`."""
    return {
        "volume": Applier(
            lambda v: f"the volume is {v}", _telling(audio, lambda a, v: a.set_volume(v)), _reading(audio, lambda a: a.volume())
        ),
        "muted": Applier(
            lambda v: f"the sound is {_on(not v)}", _telling(audio, lambda a, v: a.set_muted(v)),
            _reading(audio, lambda a: a.muted()),
        ),
        "screen_on": Applier(
            lambda v: f"the screen is {_on(v)}", _telling(panel, lambda p, v: p.set_power(v)), _seen(stage, lambda s: s.screen_on)
        ),
        "brightness": Applier(
            lambda v: f"the brightness is {v}", _telling(panel, lambda p, v: p.set_brightness(v)),
            _reading(panel, lambda p: p.brightness()),
        ),
        "orientation": Applier(lambda v: f"the picture is turned to {v}", None, _seen(stage, lambda s: s.orientation)),
        "mode": Applier(lambda v: f"the panel's mode is {v}", None, _seen(stage, lambda s: s.mode or None)),
        "input_source": Applier(
            lambda v: f"the panel shows {v}", _telling(panel, lambda p, v: p.set_input(InputSource(v))),
            _reading(panel, lambda p: p.input_source()),
        ),
        "locked": Applier(lambda v: f"local controls are {'locked' if v else 'open'}", None, _seen(stage, lambda s: s.locked)),
        "time_zone": Applier(
            lambda v: f"the time zone is {v}", _telling(host, lambda h, v: h.set_timezone(v)),
            _reading(host, lambda h: h.timezone()),
        ),
        "ntp_server": Applier(
            lambda v: f"the clock follows {v}", _telling(host, lambda h, v: h.set_ntp_server(v)),
            _reading(host, lambda h: h.ntp_server()),
        ),
        **{str(switch): _switching(switches, switch) for switch in Switch},
        "heartbeat_interval": Applier(lambda v: f"the server is called every {v:g} s"),
    }  # fmt: skip


def _on(value: bool) -> str:
    return "on" if value else "off"


def _switching(switches: Switches | Absent, switch: Switch) -> Applier:
    return Applier(
        lambda v: f"{switch.replace('_', ' ')} is {_on(v)}", _telling(switches, lambda s, v: s.set(switch, v)),
        _reading(switches, lambda s: s.is_on(switch)),
    )  # fmt: skip


def _telling(ability: A | Absent, act: Callable[[A, Any], Awaitable[Told | None]]) -> Callable[[Any], Awaitable[Told]]:
    """A device that says nothing when it has obeyed has confirmed it: it raises where it has not."""

    async def tell(value: Any) -> Told:
        return await act(_there(ability), value) or Told("", confirmed=True)

    return tell


def _reading(ability: A | Absent, read: Callable[[A], Awaitable[Value]]) -> Callable[[], Awaitable[Value]]:
    async def found() -> Value:
        return await read(_there(ability))

    return found


def _there(ability: A | Absent) -> A:
    """The ability, or its absence as an error."""
    if isinstance(ability, Absent):
        raise BoxError(ability.ability, ability.reason)
    return ability


def _seen(stage: StagePort, read: Callable[[StageStatus], Value]) -> Callable[[], Awaitable[Value]]:
    async def found() -> Value:
        return None if stage.status is None else read(stage.status)

    return found
