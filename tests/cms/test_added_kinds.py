"""A kind of server that a package of somebody else's adds: installed beside the player, named in its configuration, and used."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
PACKAGE = ROOT / "tests" / "fixtures" / "billboard"
ASK = """
import asyncio, sys
from player import cms
from player.config_reader import load
from player.core.egress import straight
from player.core.ports.server import Device
from player.runtime.clock import SystemClock

async def main():
    config = load(sys.argv[1], cms.KINDS, {})
    device = Device("uuid", "key", "Box", "12", "1", None, None, tuple, tuple, lambda: 1.0, None)
    async with cms.connect(config.cms, config.server, device, SystemClock(), straight("test")) as connection:
        print(*(item.text for item in (await connection.content.programme()).items))
        print(sorted(cms.SERVERS))

asyncio.run(main())
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder into which the package was installed, as pip does it; nothing is fetched."""
    target = tmp_path_factory.mktemp("packages")
    source = tmp_path_factory.mktemp("source") / "billboard"
    source.mkdir()
    for path in PACKAGE.rglob("*.[tp][oy]*"):
        if "__pycache__" not in path.parts and path.is_file():
            (source / path.relative_to(PACKAGE)).parent.mkdir(exist_ok=True)
            (source / path.relative_to(PACKAGE)).write_bytes(path.read_bytes())
    options = ["--quiet", "--no-deps", "--no-index", "--no-build-isolation", "--disable-pip-version-check", "--target", str(target)]
    subprocess.run([sys.executable, "-m", "pip", "install", *options, str(source)], check=True, cwd=source, timeout=120)
    return target


def ask(installed: Path, folder: Path, configuration: str) -> subprocess.CompletedProcess[str]:
    path = folder / "config.toml"
    path.write_text(configuration)
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}:{installed}"}
    command = [sys.executable, "-c", ASK, str(path)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)


def test_a_kind_of_another_package_is_spoken(installed: Path, tmp_path: Path):
    answer = ask(installed, tmp_path, "[cms]\nkind = 'billboard'\n[billboard]\ntext = 'Fresh bread'")
    assert answer.stdout.splitlines() == ["Fresh bread", "['adcast', 'billboard', 'folder', 'screenzzie', 'spot']"], answer.stderr


def test_its_own_table_is_checked_as_the_others_are(installed: Path, tmp_path: Path):
    answer = ask(installed, tmp_path, "[cms]\nkind = 'billboard'\n[billboard]\ntexd = 'Fresh bread'")
    assert "billboard.texd: there is no such key; did you mean billboard.text?" in answer.stderr


def test_a_package_that_is_broken_is_named(installed: Path, tmp_path: Path):
    broken = tmp_path / "packages" / "broken-1.0.dist-info"
    broken.mkdir(parents=True)
    (broken / "METADATA").write_text("Metadata-Version: 2.1\nName: broken\nVersion: 1.0\n")
    (broken / "entry_points.txt").write_text("[signage_player.cms]\nbroken = nowhere:ROW\nnumber = math:pi\nadcast = nowhere:ROW\n")
    for kind, words in (("broken", "cannot be loaded"), ("number", "is no player.cms.ServerRow")):
        answer = ask(broken.parent, tmp_path, f"[cms]\nkind = '{kind}'")
        assert f"ConfigError: the package behind {'nowhere:ROW' if kind == 'broken' else 'math:pi'}" in answer.stderr
        assert words in answer.stderr
    assert "cms.kind" in ask(installed, tmp_path, "[cms]\nkind = 'nothing'").stderr
