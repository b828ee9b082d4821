"""Whether the server is away, as a fact that the stage goes by and that is kept."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from player.agent.settings.absence import LOOK_S, Absence
from player.agent.settings.brief_store import BriefStore
from player.brief_file import BriefFile
from player.core.brief import StageBrief
from player.core.contact import Contact
from player.core.ports.stage import Reread
from player.core.schedule import Facts
from player.errors import DeviceForgotten, ServerBusy, ServerDenied, ServerUnreachable
from player.runtime.tasks import Latest
from tests.fakes.clock import FakeClock
from tests.fakes.running import eventually, running
from tests.fakes.stage import FakeStage

GONE = ServerUnreachable("http://cms.example", "no answer")


@dataclass
class Bench:
    path: Path
    contact: Latest[Contact]
    stage: FakeStage
    clock: FakeClock
    absence: Absence

    @property
    def facts(self) -> Facts:
        return BriefFile(self.path).read_or(StageBrief()).facts

    def reached(self) -> None:
        self.contact.set(self.contact.value.reached(self.clock.now().timestamp(), None))

    def missed(self, error: Exception = GONE) -> None:
        self.contact.set(self.contact.value.missed(error))  # type: ignore[arg-type]


def bench_in(folder: Path) -> Bench:
    path, stage, clock, contact = folder / "orders.json", FakeStage(), FakeClock(), Latest(Contact())
    return Bench(path, contact, stage, clock, Absence(BriefStore(path, stage), contact, clock, "k", after_s=60))


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return bench_in(tmp_path)


async def test_a_server_that_does_not_answer_for_long_is_away_until_it_answers(bench: Bench):
    bench.reached()
    assert await bench.absence.look() == LOOK_S
    bench.missed()
    assert await bench.absence.look() == LOOK_S
    bench.clock.forward(50)
    bench.missed(ServerBusy("http://cms.example", "502"))
    assert await bench.absence.look() == 10
    assert bench.facts == {}
    bench.clock.forward(10)
    assert await bench.absence.look() == LOOK_S
    assert bench.facts == {"away": "k"}
    told = list(bench.stage.asked)
    await bench.absence.look()
    assert bench.stage.asked == told == [Reread()]
    bench.reached()
    await bench.absence.look()
    assert bench.facts == {}


async def test_one_that_is_back_in_between_is_waited_for_anew(bench: Bench):
    for _ in range(3):
        bench.missed()
        await bench.absence.look()
        bench.clock.forward(50)
        bench.reached()
        await bench.absence.look()
    assert bench.facts == {}


@pytest.mark.parametrize("kind", [ServerDenied, DeviceForgotten])
async def test_one_that_refuses_this_box_is_there(bench: Bench, kind: type[Exception]):
    bench.missed(kind("http://cms.example", "no"))  # type: ignore[call-arg]
    await bench.absence.look()
    bench.clock.forward(600)
    await bench.absence.look()
    assert bench.facts == {}


async def test_a_box_that_starts_without_a_network_goes_on_by_what_held_before(tmp_path: Path):
    before = bench_in(tmp_path)
    before.missed()
    await before.absence.look()
    before.clock.forward(60)
    await before.absence.look()
    after = bench_in(tmp_path)
    await after.absence.look()
    assert after.facts == {"away": "k"}, "nothing was heard yet"
    after.missed()
    await after.absence.look()
    assert after.facts == {"away": "k"}
    after.reached()
    await after.absence.look()
    assert after.facts == {}


async def test_another_servers_absence_is_not_this_ones(tmp_path: Path):
    bench = bench_in(tmp_path)
    brief = BriefStore(bench.path, bench.stage)
    await brief.change_facts({"away": "another", "holidays": "2026-12-25"})
    absence = Absence(brief, bench.contact, bench.clock, "k", after_s=0)
    bench.missed()
    await absence.look()
    assert bench.facts == {"away": "k", "holidays": "2026-12-25"}


async def test_a_disk_that_refuses_is_tried_again(tmp_path: Path):
    (tmp_path / "state").write_text("")
    bench = bench_in(tmp_path / "state")
    bench.missed()
    await bench.absence.look()
    bench.clock.forward(60)
    await bench.absence.look()
    assert bench.stage.asked == [], "there is no such folder"
    (tmp_path / "state").unlink()
    await bench.absence.look()
    assert bench.facts == {"away": "k"}


async def test_it_looks_whenever_something_is_heard(tmp_path: Path):
    bench = bench_in(tmp_path)
    absence = Absence(BriefStore(bench.path, bench.stage), bench.contact, bench.clock, "k", after_s=0)
    async with running(absence.run()):
        await eventually(lambda: not bench.facts, 20)
        bench.missed()
        await eventually(lambda: bench.facts == {"away": "k"}, 20)
        bench.reached()
        await eventually(lambda: not bench.facts, 20)
