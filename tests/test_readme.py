"""What the README says of formats and commands is what the suite plays, and what the command line has."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from player.agent.commands.runner import PATIENCE_S
from player.agent.control.api import MANAGED
from player.cli.arguments import make_parser
from player.cms.triggers.spotwatch.source import HOOK
from player.config import Config
from player.core import blame, crashes
from player.core.blame import DEATHS, FIRST_S
from player.core.crashes import GOOD_S, LIMIT
from player.core.faults import CODES
from player.device.abilities import Folders, find_abilities
from player.journal import TAIL_LINES
from player.stage.plays import SYNC_LINES, SYNC_S
from player.stage.web import landing
from tests.what_plays import missing_tests, table

ROOT = Path(__file__).parent.parent
README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")


def unit(name: str) -> str:
    """The text of a daemon's unit."""
    return (ROOT / f"systemd/signage-{name}.service").read_text(encoding="utf-8")


def test_the_table_of_formats_is_that_of_the_tests():
    assert table() in README, f"put this below ## What plays:\n{table()}"


def test_every_row_that_is_no_file_names_tests_that_are_there():
    assert missing_tests() == []


@pytest.mark.parametrize("line", sorted(set(re.findall(r"signage-player ([a-z][^`|\n]*)", README))))
def test_every_command_of_the_readme_is_one_of_the_command_line(line: str):
    make_parser().parse_args(line.replace("KIND", "spot").replace("[ITEM]", "ITEM").split())


def test_every_ability_of_the_drivers_has_a_row(tmp_path: Path):
    folders = Folders(*(tmp_path / name for name in ("dev", "sys", "proc", "etc", "run")))
    begin = README.index("| ability | works by")
    rows = [line.split("|")[1].strip() for line in README[begin : README.index("\n\n", begin)].splitlines()[2:]]
    assert [name for row in rows for name in row.split(", ")] == [ability.name for ability in find_abilities(folders)]


def section(title: str) -> str:
    """All below a heading that begins so."""
    begin = README.index(f"## {title}")
    return README[begin : README.index("\n## ", begin)]


def faults_section() -> str:
    """What happens when…, with its table."""
    return section("What happens when")


def test_the_codes_that_the_faults_name_are_those_of_the_table_of_codes():
    told = [row.rsplit("|", 2)[1] for row in faults_section().splitlines() if row.startswith("|")]
    named = {name for cell in told for name in re.findall(r"`([a-z_]+)`", cell)} - {"status", "restart_app"}
    assert len(named) > 15
    assert named <= CODES.keys(), named - CODES.keys()


@pytest.mark.parametrize(
    ("says", "holds"),
    [
        ("plays of the last minute, or the last ten", (SYNC_S <= 60, SYNC_LINES == 10)),
        ("five minutes at most, or its deadline", (PATIENCE_S == 300,)),
        ("a small card after five minutes", (Config().stage.problem_card_after == 300,)),
        ("plays wait for 90 days", (Config().proof.keep_days == 90,)),
        ("20,000 of them over a crash", (TAIL_LINES == 20_000,)),
        ("three times in an hour", (DEATHS == 3, blame.WITHIN_S == 3600)),
        ("the other items for five minutes, then twice as long", (FIRST_S == 300,)),
        ("five crashes in ten minutes", (LIMIT == 5, crashes.WITHIN_S == 600)),
        ("until an hour is good", (GOOD_S == 3600,)),
        ("ended after 30 s", ("WatchdogSec=30" in unit("agent"),)),
        ("ended after 13 s", ("WatchdogSec=13" in unit("stage"),)),
        ("started again after 2 s", ("RestartSec=2\n" in unit("agent"),)),
    ],
)
def test_the_numbers_of_the_faults_are_those_of_the_code(says: str, holds: tuple[bool, ...]):
    assert says in faults_section()
    assert all(holds)


# Keys that let nobody in and nothing out: what is shown and kept, how often is asked, who this box is.
WIDENS_NOTHING = {
    "cms.name", "cms.device", "cms.license_key", "cms.license_key_file", "cms.token", "cms.token_file", "cms.heartbeat_interval",
    "cms.poll_interval", "cms.offline_after", "cms.pair_url", "spot.push_key", "fallback.kind", "fallback.after",
    "fallback.name", "fallback.device", "fallback.license_key", "fallback.license_key_file", "fallback.token",
    "fallback.token_file", "fallback.heartbeat_interval", "fallback.poll_interval", "fallback.offline_after",
    "fallback.pair_url", "folder.copy",
    "network.proxy_password_file", "storage.state_dir", "storage.cache_dir", "storage.cache_limit", "storage.reserve",
    "stage.backend", "stage.mode", "stage.scale", "stage.outputs", "stage.orientation", "stage.renderer", "stage.hwdec",
    "stage.audio_device",
    "stage.levelling", "stage.problem_card_after", "control.certificate", "control.key", "time.zone", "time.country",
    "proof.keep_days", "proof.keep_size", "log.level", "spotwatch.key", "spotwatch.key_file", "spotwatch.zone",
}  # fmt: skip


def test_every_key_that_widens_what_is_exposed_is_told_there():
    example = tomllib.loads((ROOT / "config.example.toml").read_text(encoding="utf-8"))
    keys = {f"{table}.{key}" for table, held in example.items() for key in held}
    exposed = section("What is exposed")
    told = {name for name in re.findall(r"`([a-z_]+\.[a-z_]+)", exposed) if name in keys}
    assert keys - told == WIDENS_NOTHING - told, "each key is told there, or widens nothing"
    assert told & WIDENS_NOTHING == set()


def test_every_socket_of_the_player_is_told_there():
    exposed = section("What is exposed")
    listening = {
        found
        for unit in (ROOT / "systemd").glob("*.socket")
        for found in re.findall(r"^Listen\w+=(.+)$", unit.read_text(), re.MULTILINE)
    }
    assert {path for path in listening if f"`{path}`" not in exposed} == set()
    assert f"{landing.ADDRESS}:{landing.PORT} " in exposed
    assert {f"`{HOOK}`", *(f"`/{piece}`" for piece in MANAGED)} <= set(re.findall(r"`/[a-z0-9/]+`", exposed))
