"""Where and as whom the player's processes run: the folders, the one-player lock, the account that root gives way to.

Faults X3 and P9: the folders are 0700 and their owner's, and a second player on the same state folder ends with a clear sentence.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import stat
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from player.config import Config
from player.dirs import Dirs
from player.errors import AlreadyRunning, BoxError, StorageError
from player.folders import make_folder
from player.launch.supervisor import Account, Supervisor, daemons, die_with

PLAYER_USER = "signage"
LONGEST_SOCKET = 107
PARENT = "SIGNAGE_PARENT"  # set to its own pid by a process that a player must not outlive


def run(
    config: Config, dirs: Dirs, config_file: Path | None, *, agent: bool = True, environment: Mapping[str, str] = os.environ
) -> int:
    """Runs the daemons in the foreground until a signal; returns the exit code. Raises SignageError when it cannot begin."""
    if environment.get(PARENT) == str(os.getppid()):
        die_with(os.getppid(), signal.SIGTERM)()
    account = account_for_root()
    check_length(dirs)
    make_folders(dirs, account)
    locks = lock_folder(dirs.state, dirs.runtime)
    with only_one(locks / "agent.lock", account):
        pass  # no service has this state folder
    with only_one(locks / "run.lock", account):
        given = own_copy(config_file, dirs, account) if config_file else None
        say = _say(config.log.level, None if account else dirs.runtime / "run.log")  # root writes nothing in another's folder
        if locks != dirs.state:
            say(f"{dirs.state} is read-only: what is here plays on, and nothing is kept")
        return Supervisor(
            daemons(config.stage.backend, str(given) if given else None, agent=agent),
            environment=child_settings(dirs, environment, account),
            account=account,
            say=say,
        ).run()


def account_for_root() -> Account | None:
    """Whom children run as: None when this process is not root. Raises BoxError when there is no such user."""
    if os.geteuid() != 0:
        return None
    import pwd

    try:
        entry = pwd.getpwnam(PLAYER_USER)
    except KeyError as error:
        raise BoxError(
            "the player does not run as root",
            f"and there is no user {PLAYER_USER} to run as; make it with `sudo scripts/setup`, or start the player as another user",
        ) from error
    return Account(PLAYER_USER, entry.pw_uid, entry.pw_gid, tuple(os.getgrouplist(PLAYER_USER, entry.pw_gid)))


def check_length(dirs: Dirs) -> None:
    """Raises StorageError where the sockets' names would be longer than a Unix socket's may be."""
    for folder in (dirs.runtime, dirs.stage_runtime):
        if len(os.fsencode(folder.absolute() / "control.sock")) > LONGEST_SOCKET:
            raise StorageError(
                str(folder), f"is too long for the sockets in it ({LONGEST_SOCKET} characters); choose a shorter runtime_dir"
            )


def make_folders(dirs: Dirs, account: Account | None) -> None:
    """Makes what is missing, 0700 and owned by whom the player runs as. What is on disk may be read-only. Raises StorageError."""
    for folder in (dirs.state, dirs.stage, dirs.cache):
        _make_folder(folder, account)
    for folder in (dirs.runtime, dirs.stage_runtime):
        _make_folder(folder, account, to_write=True)


def _make_folder(folder: Path, account: Account | None, *, to_write: bool = False) -> None:
    uid = account.uid if account else os.geteuid()
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileExistsError):
            folder.mkdir(mode=0o700)
        found = folder.stat()
        if account and found.st_uid == 0 and stat.S_ISDIR(found.st_mode) and not any(folder.iterdir()):
            os.chown(folder, account.uid, account.gid)
            found = folder.stat()
    except OSError as error:
        raise StorageError(str(folder), f"cannot be made: {error.strerror}; choose another folder in [storage]") from error
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != uid or (to_write and not os.access(folder, os.W_OK)):
        whose = account.name if account else "the user who runs the player"
        raise StorageError(str(folder), f"is not a folder of {whose}; mend its owner, or choose another in [storage]")
    if account and (closed := _closed_parent(folder, account)):
        raise StorageError(
            str(folder), f"is out of reach for the user {account.name}: {closed} is closed; choose another in [storage]"
        )


def _closed_parent(folder: Path, account: Account) -> Path | None:
    """The folder on the way there that `account` may not pass."""
    for parent in folder.absolute().parents:
        found = parent.stat()
        if found.st_uid == account.uid:
            may = found.st_mode & stat.S_IXUSR
        elif found.st_gid in account.groups:
            may = found.st_mode & stat.S_IXGRP
        else:
            may = found.st_mode & stat.S_IXOTH
        if not may:
            return parent
    return None


def lock_folder(kept: Path, runtime: Path) -> Path:
    """Where the lock of whoever writes to `kept` lies: there, or in `runtime` while the disk is read-only. Raises StorageError."""
    with contextlib.suppress(OSError):
        make_folder(kept, 0o700)
    if os.access(kept, os.W_OK):
        return kept
    try:
        runtime.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(str(runtime), f"cannot be made: {error.strerror}") from error
    return runtime


@contextlib.contextmanager
def only_one(path: Path, account: Account | None = None, wait_s: float = 0.0) -> Iterator[None]:
    """Holds the lock file at `path`, which ends with this process. Raises AlreadyRunning when another has it for `wait_s`."""
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        if account:
            os.fchown(handle, account.uid, account.gid)
    except OSError as error:
        raise StorageError(str(path), f"cannot be opened: {error.strerror}; does it belong to another user?") from error
    try:
        _lock(handle, path, time.monotonic() + wait_s)
        yield
    finally:
        os.close(handle)


def _lock(handle: int, path: Path, deadline: float) -> None:
    """A POSIX lock, which children do not inherit: it is free the moment its holder is gone."""
    while True:
        try:
            fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if time.monotonic() >= deadline:
                raise AlreadyRunning(str(path.parent)) from error
            time.sleep(0.05)
        else:
            return


def child_settings(dirs: Dirs, environment: Mapping[str, str], account: Account | None) -> dict[str, str]:
    """The children's environment: every folder as resolved here, since another user would find others."""
    settings = dict(environment) | folder_settings(dirs)
    if account:
        for name in ("XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME", "XDG_DATA_HOME", "SUDO_USER"):
            settings.pop(name, None)
        home, runtime = str(dirs.state.absolute()), str(dirs.stage_runtime.absolute())
        settings |= {"HOME": home, "USER": account.name, "LOGNAME": account.name, "XDG_RUNTIME_DIR": runtime}
    return settings


def folder_settings(dirs: Dirs) -> dict[str, str]:
    """The environment variables that name these folders."""
    return {
        "SIGNAGE__STORAGE__STATE_DIR": str(dirs.state.absolute()),
        "SIGNAGE__STORAGE__CACHE_DIR": str(dirs.cache.absolute()),
        "SIGNAGE__STORAGE__RUNTIME_DIR": str(dirs.runtime.absolute()),
        "SIGNAGE__STAGE__RUNTIME_DIR": str(dirs.stage_runtime.absolute()),
    }


def own_copy(config_file: Path, dirs: Dirs, account: Account | None) -> Path:
    """The configuration where the children can read it: a copy in the runtime folder when they are another user."""
    if account is None:
        return config_file.absolute()
    copy = dirs.runtime / "config.toml"
    try:
        copy.unlink(missing_ok=True)
        handle = os.open(copy, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with os.fdopen(handle, "wb") as out:
            os.fchown(out.fileno(), account.uid, account.gid)
            out.write(config_file.read_bytes())
    except OSError as error:
        raise StorageError(str(copy), f"cannot be written: {error.strerror}") from error
    return copy


def _say(level: str, kept_in: Path | None) -> Callable[[str], None]:
    """Logging is set up with the first sentence: the first frame does not wait for it."""
    is_set_up = False

    def say(sentence: str) -> None:
        nonlocal is_set_up
        import logging

        from player.runtime.logs import set_up_logging

        if not is_set_up:
            set_up_logging(level, kept_in=kept_in)
            is_set_up = True
        logging.getLogger("player.launch.supervisor").warning("%s", sentence)

    return say
