"""What is measured on a machine that others share: again where it was too much, and each time more is said at the end of the tests.

Other work adds to a measurement and takes nothing from it, so that the least of a few is the nearest to the truth, and what is too
much every time is too much. `for _ in processor_at_most(1.0): …` runs what stands in the loop once, or up to `TIMES`.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator

TIMES = 3
AGAIN: list[str] = []  # the tests that measured more than once


def processor_at_most(limit_s: float) -> Iterator[int]:
    """Of this process's processor time, in seconds. Fails with all measurements where none is within the limit."""
    return at_most(limit_s, time.process_time)


def seconds_at_most(limit_s: float) -> Iterator[int]:
    """Of everyone's time."""
    return at_most(limit_s, time.monotonic)


def say_again(found: str) -> None:
    """The test that runs measures once more, after it found this."""
    AGAIN.append(f"{os.environ.get('PYTEST_CURRENT_TEST', '').partition(' ')[0]}: {found}")


def at_most(limit_s: float, clock: Callable[[], float]) -> Iterator[int]:
    """By a clock of the test's own, such as another process's processor time."""
    took: list[float] = []
    for number in range(TIMES):
        began = clock()
        yield number
        took.append(clock() - began)
        if took[-1] <= limit_s:
            return
        say_again(f"{took[-1]:.3g} s and not {limit_s:g}")
    raise AssertionError(f"at most {limit_s:g} s, and it took {', '.join(f'{each:.3g}' for each in took)} s")
