"""An update that was cut off: whichever link the power left, one version runs in the end, and it is one that stays up."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import pytest

from player.cli.trial import Releases, judge, start_again
from player.core.trial import MOST_STARTS, PATIENCE_S, TrialEnd, UnitSeen

UP = [UnitSeen(True, 7, 0), UnitSeen(True, 8, 0), UnitSeen(True, 9, 0)]


class Box:
    """A version that an update replaces, units that are at each look as `looks` has them, and a clock that only waiting moves."""

    def __init__(self, base: Path) -> None:
        self.base, self.now, self.restarts = base, 0.0, 0
        for name in ("one", "two"):
            (base / "releases" / name).mkdir(parents=True)
        (base / "venv").symlink_to("releases/one")
        self.releases = Releases(base)

    def update(self, to: str = "two") -> None:
        """As far as the power lets the installer come: the link is moved, nothing is known."""
        self.releases.begin()
        (self.base / "next").symlink_to(f"releases/{to}")
        (self.base / "next").replace(self.base / "venv")

    def judge(self, looks: Iterable[Sequence[UnitSeen]]) -> TrialEnd:
        seen = iter(looks)
        last: list[Sequence[UnitSeen]] = []

        def look() -> Sequence[UnitSeen]:
            last[:] = [next(seen, last[-1] if last else [])]
            return last[0]

        def restart() -> None:
            assert self.runs == "one", "what is started is the version that is to run"
            self.restarts += 1

        def wait(seconds: float) -> None:
            self.now += seconds

        return judge(self.releases, look, restart, now=lambda: self.now, wait=wait)

    @property
    def runs(self) -> str:
        return (self.base / "venv").resolve().name


@pytest.fixture
def box(tmp_path: Path) -> Box:
    return Box(tmp_path)


def test_a_version_that_stays_up_stays_and_is_on_trial_no_more(box: Box) -> None:
    box.update()
    assert box.releases.on_trial
    assert box.judge([[], UP[:2], UP]) is TrialEnd.STAYS
    assert (box.runs, box.restarts, box.releases.on_trial) == ("two", 0, False)
    assert not box.releases.kept.is_symlink(), "no boot asks again"
    assert box.now >= 30


def test_a_version_of_which_a_unit_was_started_again_is_looked_at_anew(box: Box) -> None:
    box.update()
    assert box.judge([*[UP] * 10, [*UP[:2], UnitSeen(True, 10, 1)]]) is TrialEnd.STAYS
    assert box.now >= 10 * 2 + 30


def test_u4_a_version_that_keeps_ending_is_taken_back_and_started(box: Box) -> None:
    box.update()
    assert box.judge([[*UP[:2], UnitSeen(True, 100 + count, count)] for count in range(MOST_STARTS + 1)]) is TrialEnd.GOES
    assert (box.runs, box.restarts, box.releases.on_trial) == ("one", 1, False)
    assert box.now < 30


def test_u4_a_version_that_never_comes_up_is_taken_back(box: Box) -> None:
    box.update()
    assert box.judge([[*UP[:2], UnitSeen(False, 0, 0)]]) is TrialEnd.GOES
    assert (box.runs, box.now >= PATIENCE_S) == ("one", True)


def test_where_the_link_had_not_moved_there_is_nothing_to_judge(box: Box) -> None:
    box.update(to="one")
    assert not box.releases.on_trial
    assert box.judge([]) is TrialEnd.STAYS
    assert (box.runs, box.now, box.releases.kept.is_symlink()) == ("one", 0.0, False)


def test_where_the_version_before_is_gone_the_verdict_was_known(box: Box) -> None:
    """The installer removes it as its last deed, when the new one has stayed up."""
    box.update()
    (box.base / "releases/one").rmdir()
    assert not box.releases.on_trial
    box.releases.judged()
    assert (box.runs, box.releases.kept.is_symlink()) == ("two", False)


def test_a_link_that_a_cut_left_half_made_is_no_obstacle(box: Box) -> None:
    for name in ("venv.next", "venv.before.next"):
        (box.base / name).symlink_to("nowhere")
    box.update()
    box.releases.take_back()
    assert box.runs == "one"


def test_where_nothing_is_installed_nothing_is_on_trial(tmp_path: Path) -> None:
    releases = Releases(tmp_path)
    releases.begin()
    releases.judged()
    assert (releases.running, releases.on_trial, list(tmp_path.iterdir())) == (None, False, [])


def test_what_is_started_again_does_not_wait_for_the_ends_of_another_version(tmp_path: Path) -> None:
    (tmp_path / "agent.starts").write_text("5 1.0")
    (tmp_path / "brief.json").write_text("{}")
    start_again([tmp_path], ["true"])
    assert [path.name for path in tmp_path.iterdir()] == ["brief.json"]
