"""Secrets leave the configuration for files of root's own, and the agent finds them where systemd puts them."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from player.cli.checks.surroundings import secrets
from player.cli.secret_files import left_inside, move_all
from player.cms import KINDS
from player.config_reader import load

EXAMPLE = Path(__file__).parent.parent / "config.example.toml"
CONFIG = """
[cms]
url = "https://cms.example.com"  # ours
token = "t0k"  # some servers want one
token_file = ""

[control]
password = 'pass "word"'
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "config.toml"
    path.write_text(CONFIG)
    path.chmod(0o640)
    return path


@pytest.fixture
def credentials(tmp_path: Path) -> Iterator[Path]:
    """What systemd does for the agent: copies of the files, in a folder that the environment names."""
    folder = tmp_path / "run"
    folder.mkdir()
    before = os.environ.get("CREDENTIALS_DIRECTORY")
    os.environ["CREDENTIALS_DIRECTORY"] = str(folder)
    yield folder
    del os.environ["CREDENTIALS_DIRECTORY"]
    if before is not None:
        os.environ["CREDENTIALS_DIRECTORY"] = before


def test_secrets_move_into_files_of_their_owner_alone_and_nothing_else_changes(config: Path, tmp_path: Path, capsys) -> None:
    folder = tmp_path / "secrets"
    before = load(str(config), KINDS, {})
    move_all(str(config), str(folder), KINDS)
    assert capsys.readouterr().out.startswith("cms.token, control.password: moved to ")
    text = config.read_text()
    assert "t0k" not in text
    assert "pass " not in text
    assert {"# ours", "# some servers want one"} <= {line.partition("  ")[2] for line in text.splitlines()}
    assert (config.stat().st_mode & 0o777, (folder / "cms.token").stat().st_mode & 0o777) == (0o640, 0o600)
    after = load(str(config), KINDS, {})
    assert (after.cms.secret("token"), after.control.secret()) == ("t0k", 'pass "word"')
    assert (after.cms.url, after.stage, after.storage) == (before.cms.url, before.stage, before.storage)
    move_all(str(config), str(folder), KINDS)
    assert (config.read_text(), capsys.readouterr().out) == (text, "")


def test_the_key_of_a_source_of_triggers_moves_too(tmp_path: Path, capsys) -> None:
    path = tmp_path / "config.toml"
    path.write_text('[spotwatch]\nurl = "https://spots.example"\nkey = "k3y"\n')
    assert left_inside(load(str(path), KINDS, {})) == ["spotwatch.key"]
    move_all(str(path), str(tmp_path / "secrets"), KINDS)
    assert capsys.readouterr().out.startswith("spotwatch.key: moved to ")
    assert left_inside(load(str(path), KINDS, {})) == []


def test_what_cannot_be_moved_without_another_change_is_named_and_stays(config: Path, tmp_path: Path, capsys) -> None:
    text = '[cms]\nurl = "https://cms.example.com"\nlicense_key = """\nlong"""\n'
    config.write_text(text)
    move_all(str(config), str(tmp_path / "secrets"), KINDS)
    assert capsys.readouterr().out.startswith("cms.license_key: could not be moved; ")
    assert config.read_text() == text
    assert not (tmp_path / "secrets").exists()


def test_the_example_has_no_secret_and_stays_as_it_is(tmp_path: Path, capsys) -> None:
    path = tmp_path / "config.toml"
    path.write_bytes(EXAMPLE.read_bytes())
    move_all(str(path), str(tmp_path / "secrets"), KINDS)
    assert (path.read_bytes(), capsys.readouterr().out) == (EXAMPLE.read_bytes(), "")


def test_the_example_filled_in_points_to_the_files(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(
        EXAMPLE.read_text().replace('password = "" ', 'password = "p"').replace('license_key = "" ', 'license_key = "l"')
    )
    move_all(str(path), str(tmp_path / "secrets"), KINDS)
    tree = tomllib.loads(path.read_text())
    assert tree["control"]["password_file"] == str(tmp_path / "secrets/control.password")
    assert tree["cms"]["license_key_file"] == str(tmp_path / "secrets/cms.license_key")
    assert (tree["control"]["password"], tree["cms"]["license_key"]) == ("", "")


def test_the_agent_reads_what_systemd_handed_it_and_the_stage_starts_without(
    config: Path, tmp_path: Path, credentials: Path
) -> None:
    move_all(str(config), str(tmp_path / "secrets"), KINDS)
    for name in ("cms.token", "control.password"):
        (credentials / f"secret_{name}").write_text("handed over\n")
        (tmp_path / "secrets" / name).unlink()  # as for a user to whom the folder is closed
    found = load(str(config), KINDS, {})
    assert (found.cms.secret("token"), found.control.secret()) == ("handed over", "handed over")


def test_doctor_warns_of_a_secret_that_stands_in_the_configuration(config: Path, tmp_path: Path) -> None:
    inside = left_inside(load(str(config), KINDS, {}))
    assert inside == ["cms.token", "control.password"]
    (finding,) = secrets(inside)
    assert (finding.result, finding.needed) == ("failed", False)
    assert "cms.token, control.password" in finding.detail
    move_all(str(config), str(tmp_path / "secrets"), KINDS)
    (finding,) = secrets(left_inside(load(str(config), KINDS, {})))
    assert finding.result == "passed"
