"""What is on screen in all regions together, as the decisions about what lies behind them want it."""

from __future__ import annotations

from collections.abc import Sequence

from player.core.backdrop import RegionGround, fades
from player.core.cover import View
from player.core.curtain import Scene
from player.stage.regions.driver import RegionDriver


def scene_of(drivers: Sequence[RegionDriver], view: View, *, listed: frozenset[str], passing: bool) -> Scene:
    """The regions under the cards of `view`; `listed`: the ids of all items of the programme."""
    seen = [(driver.region.id, showing) for driver in drivers if (showing := driver.machine.on_screen)]
    return Scene(
        view,
        showings=frozenset((name, showing.token) for name, showing in seen),
        items=frozenset(showing.item.id for _, showing in seen),
        listed=listed,
        steady=all(driver.steady for driver in drivers),
        moves=any(showing.item.kind.moves for _, showing in seen),
        passing=passing,
    )


def grounds_of(drivers: Sequence[RegionDriver]) -> list[RegionGround]:
    """What each region takes of the screen."""
    return [
        RegionGround(
            driver.pool.rect,
            shown=driver.shown.is_set() and driver.machine.on_screen is not None,
            settled=driver.machine.settled,
            fades=fades(driver.region.playlist),
        )
        for driver in drivers
    ]
