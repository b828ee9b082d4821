"""Users and folders as systemd makes them from our files, in an empty tree: seconds instead of a booted container."""

from __future__ import annotations

import stat
import subprocess
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "systemd"
pytestmark = pytest.mark.root


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    (tmp_path / "etc").mkdir()
    for program in (["systemd-sysusers"], ["systemd-tmpfiles", "--create"]):
        source = FOLDER / f"{program[0].removeprefix('systemd-')}.conf"
        subprocess.run([*program, f"--root={tmp_path}", source], check=True, capture_output=True, timeout=20)
    return tmp_path


def entries(path: Path) -> dict[str, list[str]]:
    return {line.split(":")[0]: line.split(":") for line in path.read_text().splitlines()}


def test_the_users_have_no_login_and_only_the_groups_they_need(tree: Path) -> None:
    users, groups = entries(tree / "etc/passwd"), entries(tree / "etc/group")
    assert {users[name][6] for name in ("signage", "signage-stage", "signage-browser")} == {"/usr/sbin/nologin"}
    member_of = {user: {name for name, entry in groups.items() if user in entry[3].split(",")} for user in users}
    assert member_of["signage"] == {"audio", "video", "i2c"}
    assert member_of["signage-stage"] == {"signage", "video", "render", "audio"}
    assert member_of["signage-browser"] == {"video", "render", "audio"}


@pytest.mark.parametrize(
    ("folder", "owner", "mode"),
    [
        ("var/lib/signage-player", "signage", 0o750),
        ("var/cache/signage-player", "signage", 0o750),
        ("run/signage-stage", "signage-stage", 0o2750),
    ],
)
def test_x3_a_folder_belongs_to_its_daemon_and_is_closed_to_others(tree: Path, folder: str, owner: str, mode: int) -> None:
    found = (tree / folder).stat()
    users, groups = entries(tree / "etc/passwd"), entries(tree / "etc/group")
    assert (found.st_uid, found.st_gid) == (int(users[owner][2]), int(groups["signage"][2]))
    assert stat.S_IMODE(found.st_mode) == mode


def test_x3_only_root_reads_secrets_and_the_agent_is_handed_them(tree: Path) -> None:
    found = (tree / "etc/signage-player/secrets").stat()
    assert (found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode)) == (0, 0, 0o700)
    loading = {
        path.name for path in FOLDER.glob("*.service") if "LoadCredential=secret:/etc/signage-player/secrets" in path.read_text()
    }
    assert loading == {"signage-agent.service"}
