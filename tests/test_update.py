"""`update BUNDLE` on real bundles, as `scripts/bundle` writes them: what is installed, and everything that is not (U1, U2)."""

from __future__ import annotations

import base64
import io
import json
import os
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from player.brief_file import BriefFile
from player.core.brief import ClockFacts, StageBrief
from player.formats import Formats
from scripts.pack import new_key, pack, read_key, sources

ROOT = Path(__file__).parents[1]
INSTALLER = """#!/bin/sh
cd "$(dirname "$0")/.."
echo "installing $(cat version) from $PIP_FIND_LINKS with $(ls wheels) as ${SIGNAGE_SECRET:-nobody}"
"""
Members = list[tuple[tarfile.TarInfo, bytes]]
NEVER = 32503680000.0  # the year 3000
MOST_MEMORY = 400 * 1024**2  # address space, of which the interpreter with its libraries takes some 150 MB


class Maker:
    """A folder in which bundles are made, and the box that is to install them."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.path = folder, folder / "player.bundle"
        self.key = Ed25519PrivateKey.generate()
        self.files = {"scripts/install": INSTALLER, "version": "one", "wheels/a.whl": "a wheel"}

    def make(
        self, version: str = "99.0", key: Ed25519PrivateKey | None = None, expires: float | None = NEVER, allow_older: bool = False
    ) -> Path:
        found = []
        for name, text in self.files.items():
            path = self.folder / "tree" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
            path.chmod(0o755 if name.startswith("scripts/") else 0o644)
            found.append((name, path))
        pack(key or self.key, found, self.path, version, expires=expires, allow_older=allow_older)
        return self.path

    def change(self, change: Callable[[Members], object]) -> None:
        """Does something to what is in the bundle."""
        with tarfile.open(self.path) as archive:
            members = [(one, (archive.extractfile(one) or io.BytesIO()).read()) for one in archive]
        change(members)
        with tarfile.open(self.path, "w:") as archive:
            for one, content in members:
                archive.addfile(one, io.BytesIO(content) if one.isreg() else None)

    def update(self, key: str | None = None, *arguments: str) -> subprocess.CompletedProcess[str]:
        public = base64.b64encode(self.key.public_key().public_bytes_raw()).decode()
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "SIGNAGE_SECRET": "leaked",
            "SIGNAGE__UPDATE__PUBLIC_KEY": public if key is None else key,
            "SIGNAGE__UPDATE__FOLDER": str(self.folder),
            "SIGNAGE__STORAGE__STATE_DIR": str(self.folder / "state"),
        }
        command = [sys.executable, "-P", "-m", "player", "update", *(arguments or (str(self.path),))]
        return subprocess.run(
            ["prlimit", f"--as={MOST_MEMORY}", *command],
            env=environment,
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    @property
    def state(self) -> Path:
        """The folder in which the player of this box keeps what it knows."""
        folder = self.folder / "state"
        folder.mkdir(exist_ok=True)
        return folder

    def refused(self, words: str, key: str | None = None) -> None:
        done = self.update(key)
        assert done.returncode == 1, done.stdout + done.stderr
        assert "installing" not in done.stdout
        assert words in done.stderr


@pytest.fixture
def maker(tmp_path: Path) -> Maker:
    return Maker(tmp_path)


def renamed(member: tarfile.TarInfo, name: str) -> tarfile.TarInfo:
    member.name = name
    return member


def test_a_bundle_is_installed_by_its_own_installer_from_its_own_packages(maker: Maker) -> None:
    maker.make()
    done = maker.update()
    assert done.returncode == 0, done.stderr
    assert "version 99.0 for" in done.stdout
    assert "signed by the configured key" in done.stdout
    assert "installing one from /var/tmp/signage-update-" in done.stdout
    assert done.stdout.rstrip().splitlines()[-2].endswith("/wheels with a.whl as nobody"), "and gets nothing of our environment"
    assert done.stdout.endswith("version 99.0 is installed\n")
    where = done.stdout.split(" from ")[1].split("/wheels")[0]
    assert not Path(where).exists(), "nothing is left behind"


def test_an_installer_that_fails_is_a_failure_and_changes_nothing(maker: Maker) -> None:
    maker.files["scripts/install"] = "#!/bin/sh\necho 'no network' >&2\nexit 3\n"
    maker.make()
    done = maker.update()
    assert done.returncode == 1
    assert "no network" in done.stderr
    assert "what ran before runs on" in done.stderr


def test_u1_a_bundle_that_nobody_or_somebody_else_signed_is_refused(maker: Maker) -> None:
    maker.make(key=Ed25519PrivateKey.generate())
    maker.refused("did not sign it")
    maker.refused("no key is configured", key="")
    maker.refused("not an Ed25519 key", key="c2hvcnQ=")


def test_u2_an_older_version_is_refused_although_it_is_signed(maker: Maker) -> None:
    maker.make(version="0.0.1")
    maker.refused("only a newer version")


def test_u2_the_highest_version_that_stayed_is_not_gone_below_but_by_the_signers_word(maker: Maker) -> None:
    Formats(maker.state, "100.0").confirm()
    maker.make()
    maker.refused("100.0 has run here; only one that says allow_older goes back")
    maker.make(allow_older=True)
    assert maker.update().returncode == 0
    maker.make(version="0.0.1", allow_older=True)
    assert maker.update().returncode == 0


def test_u2_a_bundle_past_its_date_is_refused_by_the_floor_of_time_alone(maker: Maker) -> None:
    floor = time.time() + 10 * 86400.0
    maker.make(expires=floor)
    assert maker.update().returncode == 0
    BriefFile(maker.state / "orders.json").write(StageBrief(clock=ClockFacts(floor=floor + 1.0)))
    maker.refused("it was to be installed until")


def test_a_bundle_without_a_date_is_installed_with_a_warning(maker: Maker) -> None:
    maker.make()
    assert not maker.update().stderr
    maker.make(expires=None)
    done = maker.update()
    assert done.returncode == 0
    assert done.stderr.startswith(f"warning: {maker.path} says no end, and")


def test_a_long_path_is_installed_too(maker: Maker) -> None:
    maker.files["wheels/" + "w" * 150 + ".whl"] = "another wheel"
    maker.make()
    done = maker.update()
    assert done.returncode == 0, done.stderr
    assert "w" * 150 in done.stdout


@pytest.mark.parametrize("kind", [tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK, tarfile.XHDTYPE, tarfile.XGLTYPE])
@pytest.mark.parametrize("place", [0, 2])
def test_u1_a_record_as_large_as_the_file_is_refused_unread(maker: Maker, kind: bytes, place: int) -> None:
    whole = maker.make().read_bytes()
    with tarfile.open(maker.path) as archive:
        at = archive.getmembers()[place].offset
    record = renamed(tarfile.TarInfo(), "record")
    record.type, record.size = kind, 620 * 1024**2
    with maker.path.open("wb") as out:
        out.write(whole[:at] + record.tobuf(tarfile.GNU_FORMAT))
        out.seek(record.size, os.SEEK_CUR)
        out.write(whole[at:])
    done = maker.update()
    assert done.returncode == 1
    assert "is refused" in done.stderr, done.stderr[-500:]
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("number", [0, 1])
def test_u1_a_manifest_or_a_signature_without_measure_is_refused_unread(maker: Maker, number: int) -> None:
    def grow(members: Members) -> None:
        members[number][0].size = 5 * 1024**2
        members[number] = (members[number][0], bytes(5 * 1024**2))

    maker.make()
    maker.change(grow)
    maker.refused("in it is larger than")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda m: m.__setitem__(0, (m[0][0], m[0][1].replace(b'"99.0"', b'"99.1"'))), "did not sign it"),
        (lambda m: m.__setitem__(3, (m[3][0], b"two")), "version is not what was signed"),
        (lambda m: m.append((renamed(tarfile.TarInfo(), "more"), b"")), "'more' is in it"),
        (lambda m: m.append((renamed(tarfile.TarInfo(), "../more"), b"")), "'../more' is in it"),
        (lambda m: m.append(m[3]), "'version' is in it"),
        (lambda m: m.pop(), "wheels/a.whl is missing"),
        (lambda m: m.insert(0, m.pop()), "manifest.json is not where it belongs"),
        (lambda m: m.pop(1), "manifest.sig is not where it belongs"),
    ],
)
def test_u1_a_bundle_that_was_changed_is_refused_before_anything_of_it_runs(maker: Maker, change, words: str) -> None:
    maker.make()
    maker.change(change)
    maker.refused(words)


def test_u1_a_link_in_the_place_of_a_file_is_refused(maker: Maker) -> None:
    def to_a_link(members: Members) -> None:
        link = renamed(tarfile.TarInfo(), "version")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/hostname"
        members[3] = (link, b"")

    maker.make()
    maker.change(to_a_link)
    maker.refused("'version' is in it")


def test_u6_what_is_damaged_or_no_bundle_is_refused(maker: Maker) -> None:
    whole = maker.make().read_bytes()
    maker.path.write_bytes(whole[: len(whole) // 4])
    maker.refused("is refused: it")
    maker.path.write_bytes(b"anything at all")
    maker.refused("damaged, or not a bundle")


def test_the_folder_of_bundles_offers_its_versions_and_one_is_installed_by_its_number(maker: Maker) -> None:
    maker.make(version="99.1")
    (maker.folder / "broken.bundle").write_bytes(b"anything")
    maker.path.rename(maker.folder / "newer.bundle")
    maker.make(version="0.0.1")
    listed = {one["file"]: one for one in json.loads(maker.update(None, "--list", "--json").stdout)}
    assert {name: one["version"] for name, one in listed.items()} == {
        "broken.bundle": "", "newer.bundle": "99.1", "player.bundle": "0.0.1",
    }  # fmt: skip
    assert listed["newer.bundle"]["refusal"] == ""
    assert "only a newer version replaces it" in listed["player.bundle"]["refusal"]
    assert "newer.bundle: version 99.1\n" in maker.update(None, "--list").stdout
    checked = maker.update(None, "--check", "--to", "99.1.0")
    assert (checked.returncode, "signed by the configured key" in checked.stdout, "installing" in checked.stdout) == (
        0,
        True,
        False,
    )
    assert "installing one" in maker.update(None, "--to", "99.1").stdout
    for version, words in (
        ("98", "version 98 is in no bundle in"),
        ("0.0.1", "only a newer version replaces it"),
        ("", "name a bundle"),
    ):
        refused = maker.update(None, "--check", "--to", version)
        assert (refused.returncode, words in refused.stderr) == (1, True), refused.stderr


def test_a_key_is_made_once_and_for_its_owner_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    new_key(tmp_path / "key")
    assert (tmp_path / "key").stat().st_mode & 0o777 == 0o600
    said = capsys.readouterr().out
    public = base64.b64encode(read_key(tmp_path / "key").public_key().public_bytes_raw()).decode()
    assert f'public_key = "{public}"' in said
    with pytest.raises(SystemExit, match="File exists"):
        new_key(tmp_path / "key")
    with pytest.raises(SystemExit, match="holds no key"):
        read_key(tmp_path / "absent")


def test_a_bundle_holds_all_that_installing_takes(tmp_path: Path) -> None:
    (tmp_path / "a.whl").write_bytes(b"")
    held = dict(sources(ROOT, tmp_path))
    assert {
        "scripts/install",
        "scripts/lib.sh",
        "player/__main__.py",
        "systemd/signage-agent.service",
        "wheels/a.whl",
    } <= held.keys()
    assert not [name for name in held if "__pycache__" in name or name.startswith(".")]
    listed = (ROOT / "scripts/install").read_text().split("files=(")[1].split(")")[0]
    for line in listed.strip().splitlines():
        assert f"systemd/{line.strip().strip(chr(34)).split()[0]}" in held
