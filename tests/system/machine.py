"""A whole device in emulation: kernel, KMS, systemd and the installed player in QEMU, with power to cut and a panel to look at.

The disk holds a Debian tree in which `scripts/install --no-start` ran in a chroot, as images for devices are made. Few places where
tests run have KVM, so the processor is emulated: a boot takes a minute, and only order means something. Its time goes by a
nanosecond an instruction, and by this machine's clock where it has nothing to do: no watchdog in it barks because this machine is
busy. A root shell for the tests has a network of its own; the player's is another card, which can be unplugged. Needs root.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Self

from PIL import Image

from tests.install.container import CERTIFICATES, CLEAN, ROOT, TREES, base_tree, in_chroot
from tests.system.lossy_disk import GONE
from tests.system.panel import Seen

SIZE = (1280, 720)
HOST = "10.0.2.2"  # this machine, as the emulated one sees it
NEEDED = ("qemu-system-x86_64", "debootstrap", "mke2fs", "mformat", "unshare", "chroot")
ROOM = 12 * 2**30
LINE = "root=/dev/vda ro quiet"
SHOTS = Path(os.environ.get("SIGNAGE_SHOTS", "/var/tmp/signage-player-shots"))
_KERNEL = "linux-image-amd64 initramfs-tools zstd socat iproute2 procps openssh-server systemd-timesyncd kbd"
_OVERLAY = {
    "etc/initramfs-tools/modules": "virtio_pci\nvirtio_blk\next4\nvirtio_gpu\n",
    "etc/initramfs-tools/conf.d/lean": "MODULES=list\nCOMPRESS=zstd\n",
    "etc/dpkg/dpkg.cfg.d/lean": "force-unsafe-io\n",
    "usr/sbin/policy-rc.d": "#!/bin/sh\nexit 101\n",
    "etc/hostname": "signage-vm\n",
    "etc/hosts": "127.0.0.1 localhost signage-vm\n",
    "etc/fstab": "/dev/vda / ext4 noatime,errors=remount-ro 0 1\n",
    "etc/systemd/network/10-player.network": "[Match]\nMACAddress=52:54:00:00:00:01\n[Network]\nDHCP=ipv4\n",
    "etc/systemd/network/20-tests.network": "[Match]\nMACAddress=52:54:00:00:00:02\n[Network]\nAddress=10.0.9.15/24\n",
    "etc/systemd/system/tests-shell.service": "[Unit]\nDescription=root shell, for tests only\nDefaultDependencies=no\n"
    "After=systemd-networkd.service sysinit.target\n[Service]\nExecStart=/usr/bin/socat "
    "TCP-LISTEN:7000,reuseaddr,fork EXEC:bash,stderr\nRestart=always\n[Install]\nWantedBy=multi-user.target\n",
}
_SERVICES = "systemctl -q enable systemd-networkd tests-shell; systemctl -q set-default multi-user.target; systemctl -q mask \
    systemd-networkd-wait-online.service apt-daily.timer apt-daily-upgrade.timer e2scrub_all.timer man-db.timer"


def lacks() -> str:
    """Why no such machine can be made here; "" where it can."""
    if os.geteuid() != 0:
        return "it needs root"
    missing = [name for name in NEEDED if shutil.which(name, path=CLEAN["PATH"]) is None]
    if missing:
        return f"{', '.join(missing)} not installed: apt-get install qemu-system-x86 debootstrap e2fsprogs mtools"
    if os.uname().machine != "x86_64":
        return f"the image is for amd64, and this machine is {os.uname().machine}"
    TREES.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(TREES).free
    return "" if free >= ROOM else f"{free // 2**30} GB are free below {TREES}, and {ROOM // 2**30} are needed"


def bare_tree(suite: str) -> Path:
    """A Debian with a kernel and the tests' shell, and nothing of the player's; made at the first call on this machine."""
    tree = TREES / f"vm-{suite}"
    if tree.exists():
        return tree
    making = TREES / f"vm-{suite}.making"
    subprocess.run(["rm", "-rf", "--one-file-system", str(making)], check=True, timeout=300)
    subprocess.run(["cp", "-a", str(base_tree(suite)), str(making)], check=True, timeout=300)
    for name, text in _OVERLAY.items():
        (making / name).parent.mkdir(parents=True, exist_ok=True)
        (making / name).write_text(text)
    (making / "usr/sbin/policy-rc.d").chmod(0o755)
    shutil.copy(CERTIFICATES, making / str(CERTIFICATES).lstrip("/"))
    in_chroot(making, f"apt-get -q update && apt-get -q install -y --no-install-recommends {_KERNEL} && {_SERVICES}", 1200, {})
    making.rename(tree)
    return tree


INSTALLED = ("player", "scripts", "systemd", "pyproject.toml", "config.example.toml", "README.md", "LICENSE")


@functools.cache
def installed_tree(suite: str) -> Path:
    """That Debian with the player installed in a chroot, in no other way than on any machine; kept while what is installed stays
    the same, since it takes minutes."""
    digest = hashlib.sha256()
    for path in sorted(one for name in INSTALLED for one in (ROOT / name, *(ROOT / name).rglob("*"))):
        if path.is_file() and path.suffix not in (".pyc", ".png"):
            digest.update(f"{path.relative_to(ROOT)} {path.stat().st_mode}\n".encode() + path.read_bytes())
    bare = bare_tree(suite)
    tree = TREES / f"vm-{suite}-player-{digest.hexdigest()[:12]}"
    if not tree.exists():
        making = tree.with_suffix(".making")
        for stale in TREES.glob(f"vm-{suite}-player-*"):
            subprocess.run(["rm", "-rf", "--one-file-system", str(stale)], check=True, timeout=600)
        subprocess.run(["cp", "-a", str(bare), str(making)], check=True, timeout=600)
        _in_image(making, suite, "/src/scripts/install --no-start", 3600)
        making.rename(tree)
    return tree


def _in_image(tree: Path, suite: str, script: str, timeout_s: float) -> str:
    """A script in a tree that becomes a disk, with this source in /src and what apt and pip fetched the last time."""
    shutil.rmtree(tree / "src", ignore_errors=True)
    shutil.copytree(ROOT, tree / "src", ignore=shutil.ignore_patterns(".*", "__pycache__", "*.png"))
    caches = {TREES / f"apt-vm-{suite}": "/var/cache/apt/archives", TREES / f"pip-{suite}": "/root/.cache/pip"}
    for cache, inside in caches.items():
        cache.mkdir(exist_ok=True)
        (tree / inside.lstrip("/")).mkdir(parents=True, exist_ok=True)
    return in_chroot(tree, script, timeout_s, caches)


def installed_image(
    suite: str, folder: Path, config: str, prepare: str = "true", flags: str = "", afterwards: str = "true"
) -> Path:
    """A disk on which the player is installed as images are made: in a chroot, with `flags`. `prepare` runs there before the
    installer settles it, and `afterwards` after it."""
    tree = folder / "tree"
    subprocess.run(["cp", "-a", str(installed_tree(suite)), str(tree)], check=True, timeout=600)
    (tree / "etc/signage-player/config.toml").write_text(config)
    said = _in_image(tree, suite, f"{prepare}\n/src/scripts/install --no-start {flags}\n{afterwards}", 3600)
    (folder / "install.log").write_text(said)
    for name in ("usr/sbin/policy-rc.d", "etc/machine-id", "etc/resolv.conf"):
        (tree / name).unlink(missing_ok=True)
    (tree / "etc/machine-id").touch()
    (tree / "etc/resolv.conf").write_text("nameserver 10.0.2.3\n")
    subprocess.run(["rm", "-f", *map(str, (tree / "var/cache/apt/archives").glob("*.deb"))], check=True)
    image = folder / "disk.img"
    with image.open("wb") as out:
        out.truncate(8 * 2**30)
    options = ["-E", "lazy_itable_init=1,lazy_journal_init=1"]
    subprocess.run(["mke2fs", "-q", "-t", "ext4", *options, "-d", str(tree), str(image)], check=True, timeout=900)
    for name in ("vmlinuz", "initrd.img"):
        shutil.copy(next((tree / "boot").glob(f"{name}-*")), folder / name)
    subprocess.run(["rm", "-rf", "--one-file-system", str(tree)], check=True, timeout=600)
    return image


class Machine:
    """One emulated device with the disk `image`, and one processor, as the smallest have. Use as a context manager; `boot` switches
    it on. `shots` is the folder that keeps what was seen.
    """

    def __init__(self, folder: Path, image: Path, shots: Path = SHOTS, *, lossy: int | None = None) -> None:
        self.folder, self.image, self.shots, self._seed = folder, image, shots, lossy
        shots.mkdir(parents=True, exist_ok=True)
        self._qemu: subprocess.Popen[bytes] | None = None
        self._disk: subprocess.Popen[str] | None = None
        self._port = 0
        self.cuts: list[str] = []

    def __enter__(self) -> Self:
        if self._seed is not None:
            command = [sys.executable, "-m", "tests.system.lossy_disk", str(self.image), str(self.folder / "nbd"), str(self._seed)]
            self._disk = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
            assert self._disk.stdout is not None
            assert self._disk.stdout.readline() == "ready\n"
        return self

    def __exit__(self, *_: object) -> None:
        if self._qemu is not None:
            self._qemu.kill()
            self._qemu.wait(30)
        if self._disk is not None:
            with self._disk:  # its output is closed too
                self._disk.kill()

    # --- power

    def boot(self, *, words: str = "", clock: str = "", network: bool = True) -> None:
        """Switches it on. `words`: more of the kernel's command line; `clock`: what the hardware clock says, "2000-01-01"."""
        for stale in ("qmp", "vnc"):
            (self.folder / stale).unlink(missing_ok=True)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port = probe.getsockname()[1]
        at = f"nbd:unix:{self.folder}/nbd" if self._disk else str(self.image)
        command = [
            "qemu-system-x86_64", "-accel", "tcg,thread=single,tb-size=512", "-icount", "shift=0", "-cpu", "max", "-m", "2048",
            "-smp", "1", "-no-user-config", "-vga", "none", "-device", f"virtio-gpu-pci,id=gpu0,xres={SIZE[0]},yres={SIZE[1]}",
            "-display", "none", "-vnc", f"unix:{self.folder}/vnc,display=gpu0", "-device", "virtio-keyboard-pci",
            "-netdev", "user,id=n0", "-device", "virtio-net-pci,id=net0,netdev=n0,mac=52:54:00:00:00:01,romfile=",
            "-netdev", f"user,id=n1,net=10.0.9.0/24,restrict=on,hostfwd=tcp:127.0.0.1:{self._port}-10.0.9.15:7000",
            "-device", "virtio-net-pci,netdev=n1,mac=52:54:00:00:00:02,romfile=",
            "-device", "qemu-xhci", "-audiodev", "none,id=a", "-device", "intel-hda", "-device", "hda-output,audiodev=a",
            "-qmp", f"unix:{self.folder}/qmp,server=on,wait=off", "-serial", f"file:{self.folder}/serial.log",
            "-kernel", str(self.folder / "vmlinuz"), "-initrd", str(self.folder / "initrd.img"), "-append", f"{LINE} {words}",
            "-drive", f"file={at},format=raw,if=virtio,cache=writeback",
        ]  # fmt: skip
        if clock:
            command += ["-rtc", f"base={clock}"]
        with (self.folder / "qemu.log").open("ab") as log:
            self._qemu = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.wait((self.folder / "qmp").exists, "QEMU to start", 30)
        if not network:
            self.plug(False)

    def cut(self, *, while_writing: bool) -> None:
        """The power goes: at once, or in the middle of what is written next. A lossy disk says what that cost (`cuts`)."""
        assert self._qemu is not None
        if self._disk is not None and while_writing:
            self._disk.send_signal(signal.SIGUSR1)
            with contextlib.suppress(OSError):  # it hardly comes back
                self.try_sh("sync", 20)
        self._qemu.send_signal(signal.SIGKILL)
        self._qemu.wait(30)
        if self._disk is not None:
            assert self._disk.stdout is not None
            said = (line.strip() for line in self._disk.stdout)
            self.cuts.append(next(line for line in said if line != GONE))

    def wait_off(self, within_s: float = 240) -> None:
        """Until it has switched itself off."""
        assert self._qemu is not None
        self._qemu.wait(within_s)

    def plug(self, plugged: bool) -> None:
        """The player's network cable."""
        self._monitor("set_link", name="net0", up=plugged)

    def plug_stick(self, image: Path) -> None:
        """Somebody plugs a USB stick in that holds the bytes of `image`."""
        disk = {"driver": "file", "filename": str(image)}
        self._monitor("blockdev-add", **{"node-name": "stick", "driver": "raw", "file": disk})
        self._monitor("device_add", driver="usb-storage", id="stick", drive="stick", removable=True)

    def pull_stick(self) -> None:
        """It is taken out, without a word to anybody."""
        self._monitor("device_del", id="stick")
        self.wait(self._forget_stick, "the stick to be out", 60)

    def _forget_stick(self) -> bool:
        self._monitor("blockdev-del", **{"node-name": "stick"})
        return True

    def announce_panel(self, width: int, height: int) -> None:
        """A panel of that size is there now: what a cable that is plugged in tells the kernel. Facts from RFC 6143 and rfbproto."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(20)
            connection.connect(str(self.folder / "vnc"))

            def take(length: int) -> bytes:
                return connection.recv(length, socket.MSG_WAITALL) if length else b""

            take(12)
            connection.sendall(b"RFB 003.008\n")
            take(take(1)[0])
            connection.sendall(b"\x01")  # no password
            take(4)
            connection.sendall(b"\x01")  # others may look too
            take(int.from_bytes(take(24)[20:], "big"))
            connection.sendall(struct.pack(">BxHii", 2, 2, 0, -308))  # raw pixels, and that we resize
            connection.sendall(struct.pack(">BxHHBx", 251, width, height, 1) + struct.pack(">IHHHHI", 0, 0, 0, width, height, 0))
            time.sleep(2)

    # --- inside

    def try_sh(self, script: str, timeout_s: float = 120) -> tuple[int, str]:
        """A script as root: its exit code, and what it printed. Raises OSError where nobody answers."""
        with socket.create_connection(("127.0.0.1", self._port), timeout=timeout_s) as connection:
            connection.sendall(f'( {script}\n) </dev/null 2>&1; code=$?; echo; echo "ended=$code"; exit\n'.encode())
            answer = b""
            while piece := connection.recv(65536):
                answer += piece
        said, found, code = answer.decode(errors="replace").rpartition("\nended=")
        if not found:
            raise OSError("no answer")
        return int(code), said.strip()

    def sh(self, script: str, timeout_s: float = 120) -> str:
        """As `try_sh`, and the script has to succeed."""
        code, said = self.try_sh(script, timeout_s)
        assert code == 0, f"{script}\nended with {code}:\n{said[-4000:]}"
        return said

    def answers(self) -> bool:
        """Whether the shell is there."""
        try:
            return self.try_sh("true", 10)[0] == 0
        except OSError:
            return False

    def wait(self, holds: Callable[[], Any], what: str, within_s: float) -> None:
        """Asks until `holds`; one that nobody answers does not hold yet."""
        ends = time.monotonic() + within_s
        while True:
            asked = time.monotonic()
            with contextlib.suppress(OSError, ValueError):
                if holds():
                    return
            assert self._qemu is None or self._qemu.poll() is None, f"it switched itself off, while waiting for {what}"
            assert time.monotonic() < ends, f"waited {within_s} s for {what}"
            time.sleep(_pause_s(time.monotonic() - asked))

    # --- the panel

    def look(self) -> Image.Image:
        """What the panel shows now. Raises OSError where it cannot be had."""
        path = self.folder / "look.ppm"
        self._monitor("screendump", filename=str(path), device="gpu0")
        with Image.open(path) as picture:
            return picture.convert("RGB")

    def keep(self, name: str) -> Image.Image:
        """What the panel shows now, kept as a file."""
        picture = self.look()
        picture.save(self.shots / f"{name}.png")
        return picture

    def watch(self, name: str, over: Callable[[], bool], within_s: float, every_s: float = 0.4) -> list[Seen]:
        """Every picture that differs from the one before, until `over` (asked every few seconds) or the power is off; each is kept.

        What is seen before the kernel has set the panel's mode is the emulator's own. `over` is asked beside the looking: a machine
        that boots lets whoever asks wait. It must not look itself.
        """
        seen: list[Seen] = []
        began, before = time.monotonic(), b""
        with ThreadPoolExecutor(1) as beside:
            answer, asked, asks_at = None, began, began + 5
            while self._qemu is not None and self._qemu.poll() is None:
                with contextlib.suppress(OSError):
                    picture = self.look()
                    small = picture.resize((64, 36)).tobytes()
                    if picture.size == SIZE and small != before:
                        before = small
                        path = self.shots / f"{name}-{len(seen):02d}.png"
                        picture.save(path)
                        seen.append(Seen(time.monotonic() - began, picture, path))
                now = time.monotonic()
                assert now - began < within_s, f"waited {within_s} s for {name}"
                if answer is None and now >= asks_at:
                    answer, asked = beside.submit(over), now
                elif answer is not None and answer.done():
                    with contextlib.suppress(OSError, ValueError):
                        if answer.result():
                            break
                    answer, asks_at = None, now + _pause_s(now - asked)
                time.sleep(every_s)
        return seen

    def _monitor(self, command: str, **arguments: Any) -> None:
        """One word to QEMU. Raises OSError where it is refused."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(20)
            connection.connect(str(self.folder / "qmp"))
            stream = connection.makefile("rwb")
            stream.readline()
            for told in ({"execute": "qmp_capabilities"}, {"execute": command, "arguments": arguments}):
                stream.write(json.dumps(told).encode() + b"\n")
                stream.flush()
                while "event" in (answer := json.loads(stream.readline() or b'{"error": "gone"}')):
                    pass
                if "error" in answer:
                    raise OSError(str(answer["error"]))


def _pause_s(asking_s: float) -> float:
    """Until it is asked again: to ask costs the emulated processor seconds, and it is to have most of them for itself."""
    return max(2.0, 3 * min(asking_s, 10.0))
