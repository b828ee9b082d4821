"""A Debian with a real systemd in a container: a tree that debootstrap made once, a copy of it booted by systemd-nspawn.

The container shares this machine's network, and takes Debian's packages from where this machine takes them. Commands run in it
through nsenter, since no machined is needed for that. Needs root.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Self

ROOT = Path(__file__).parents[2]
TREES = Path("/var/tmp/signage-player-trees")
BINFMT = "/proc/sys/fs/binfmt_misc"
BASE = "systemd,systemd-sysv,dbus,udev,libpam-systemd,ca-certificates"
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
PATIENT_S = 1200.0  # a busy machine takes ten times as long as an idle one, and nothing here judges by seconds
CLEAN = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8", "HOME": "/root"}


def mirror() -> str:
    """The address that this machine's apt takes Debian itself from (its first source, in either format)."""
    lists = [Path("/etc/apt/sources.list"), *sorted(Path("/etc/apt/sources.list.d").glob("*"))]
    for path in lists:
        text = path.read_text() if path.is_file() else ""
        found = re.search(r"^(?:URIs:\s*|deb\s+(?:\[[^]]*\]\s*)?)(https?://\S+/debian/?)(?:\s|$)", text, re.MULTILINE)
        if found:
            return found[1]
    raise AssertionError("no source of Debian packages in /etc/apt/sources.list*")


def lacks(architecture: str) -> str:
    """Why nothing of another processor runs here; "" where it does. Has the kernel told of qemu-user, where it was not yet."""
    if Path(f"{BINFMT}/qemu-{architecture}").exists():
        return ""
    told = Path(f"/usr/lib/binfmt.d/qemu-{architecture}.conf")
    if os.geteuid() != 0 or not told.exists():
        return f"it needs root, and qemu-user-static ({told})"
    if not Path(f"{BINFMT}/register").exists():
        subprocess.run(["mount", "-t", "binfmt_misc", "binfmt_misc", BINFMT], check=False, capture_output=True, timeout=10)
    try:
        Path(f"{BINFMT}/register").write_text(told.read_text())
    except OSError as error:
        return f"the kernel takes no foreign programs here (binfmt_misc: {error.strerror})"
    return ""


def base_tree(suite: str, architecture: str = "") -> Path:
    """The tree of a minimal Debian `suite`, made at the first call on this machine; `architecture`: Debian's name of another."""
    name = f"{suite}-{architecture}" if architecture else suite
    tree = TREES / name
    if tree.exists():
        return tree
    making = TREES / f"{name}.making"
    shutil.rmtree(making, ignore_errors=True)
    making.parent.mkdir(parents=True, exist_ok=True)
    foreign = [f"--arch={architecture}"] if architecture else []
    command = ["debootstrap", *foreign, "--variant=minbase", f"--include={BASE}", suite, str(making), mirror()]
    subprocess.run(command, check=True, capture_output=True, timeout=3 * PATIENT_S if architecture else PATIENT_S)
    making.rename(tree)
    return tree


def in_chroot(tree: Path, script: str, timeout_s: float, caches: Mapping[Path, str]) -> str:
    """A script in a tree, with /proc, /dev and `caches` (folders, and where each is seen inside), but no systemd. Must succeed."""
    shutil.copy("/etc/resolv.conf", tree / "etc/resolv.conf")
    mounts = [f"mount -t proc proc {tree}/proc", f"mount --rbind /dev {tree}/dev"]
    mounts += [f"mount --bind {cache} {tree}{inside}" for cache, inside in caches.items()]
    environment = CLEAN | {"PIP_CERT": str(CERTIFICATES), "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"}
    command = ["unshare", "--mount", "bash", "-ec", f'{"; ".join(mounts)}; exec chroot {tree} bash -ec "$0"', script]
    done = subprocess.run(
        command, check=False, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout_s
    )
    output = done.stdout + done.stderr
    assert done.returncode == 0, f"{script}\nended with {done.returncode}:\n{output[-4000:]}"
    return output


class Container:
    """One booted copy, with the player's sources in /src. Use as a context manager.

    `run` raises AssertionError with the output when a command fails.
    """

    def __init__(self, suite: str, folder: Path, architecture: str = "") -> None:
        self.suite, self.architecture, self.tree = suite, architecture, folder / "tree"
        self._name = f"{suite}-{architecture}" if architecture else suite
        self._archives = folder / "archives"
        self._nspawn: subprocess.Popen[bytes] | None = None
        self._leader = 0

    def __enter__(self) -> Self:
        self._make()
        self.boot()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        if self._archives.exists():
            subprocess.run(["cp", "-an", f"{self._archives}/.", str(TREES / f"apt-{self._name}")], check=True, timeout=PATIENT_S)
        gone = [str(self.tree), str(self._archives)]
        subprocess.run(["rm", "-rf", "--one-file-system", *gone], check=True, timeout=PATIENT_S)

    @contextlib.contextmanager
    def made(self) -> Iterator[Self]:
        """The tree alone; it is booted, or not, by whoever asked for it."""
        self._make()
        try:
            yield self
        finally:
            self.__exit__()

    def _make(self) -> None:
        subprocess.run(["cp", "-a", str(base_tree(self.suite, self.architecture)), str(self.tree)], check=True, timeout=PATIENT_S)
        left = shutil.ignore_patterns(".*", "__pycache__", "*.png")
        shutil.copytree(ROOT, self.tree / "src", ignore=left)
        shutil.copy(CERTIFICATES, self.tree / str(CERTIFICATES).lstrip("/"))

    def in_chroot(self, script: str, timeout_s: float = PATIENT_S) -> str:
        """A script in the tree as it lies there, with /proc and /dev and nothing that runs. It has to succeed."""
        return in_chroot(self.tree, script, timeout_s, self._caches())

    def _caches(self) -> dict[Path, str]:
        """Folders that outlive the container, and where they are seen inside; of apt's, which it locks, a copy."""
        kept = TREES / f"apt-{self._name}"
        found = {self._archives: "/var/cache/apt/archives", TREES / f"pip-{self._name}": "/root/.cache/pip"}
        kept.mkdir(parents=True, exist_ok=True)
        if not self._archives.exists():
            subprocess.run(["cp", "-a", str(kept), str(self._archives)], check=True, timeout=PATIENT_S)
        for cache, inside in found.items():
            cache.mkdir(parents=True, exist_ok=True)
            (self.tree / inside.lstrip("/")).mkdir(parents=True, exist_ok=True)
        return found

    def boot(self) -> None:
        """Starts systemd in the tree and waits until it has finished its start."""
        binds = [f"--bind={cache}:{inside}" for cache, inside in self._caches().items()]
        command = ["systemd-nspawn", "-q", "-D", str(self.tree), "--register=no", "--keep-unit", "--console=pipe", "--boot"]
        with (self.tree.parent / "console.log").open("ab") as console:
            self._nspawn = subprocess.Popen([*command, *binds], stdin=subprocess.DEVNULL, stdout=console, stderr=console)
        wait_for(self._find_leader, "systemd-nspawn to start")
        wait_for(lambda: self.try_run("systemctl is-system-running")[1] in ("running", "degraded"), "the container to boot")

    def _find_leader(self) -> bool:
        assert self._nspawn is not None
        assert self._nspawn.poll() is None, (self.tree.parent / "console.log").read_text(errors="replace")[-2000:]
        children = Path(f"/proc/{self._nspawn.pid}/task/{self._nspawn.pid}/children").read_text().split()
        self._leader = int(children[0]) if children else 0
        return bool(self._leader)

    def stop(self) -> None:
        """Switches the container off."""
        if self._nspawn is None:
            return
        self.try_run("systemctl poweroff")
        try:
            self._nspawn.wait(120)
        except subprocess.TimeoutExpired:
            self._nspawn.send_signal(signal.SIGKILL)
            self._nspawn.wait(10)
        self._nspawn = None

    def try_run(self, script: str, timeout_s: float = PATIENT_S) -> tuple[int, str]:
        """A shell script inside: its exit code, and what it printed, stripped."""
        command = ["nsenter", "-t", str(self._leader), "-a", "-r", "-w", "bash", "-c", script]
        environment = CLEAN | {"PIP_CERT": str(CERTIFICATES)}
        done = subprocess.run(
            command, check=False, env=environment, stdin=subprocess.DEVNULL, capture_output=True, timeout=timeout_s
        )
        return done.returncode, (done.stdout + done.stderr).decode(errors="replace").strip()

    def run(self, script: str, timeout_s: float = PATIENT_S) -> str:
        """As `try_run`, and the script has to succeed."""
        code, output = self.try_run(script, timeout_s)
        assert code == 0, f"{script}\nended with {code}:\n{output[-4000:]}"
        return output


def wait_for(holds: Callable[[], bool], what: str) -> None:
    """Asks until `holds`, four times a second. Raises AssertionError naming `what`."""
    ends = time.monotonic() + PATIENT_S
    while not holds():
        assert time.monotonic() < ends, f"waited {PATIENT_S:g} s for {what}"
        time.sleep(0.25)
