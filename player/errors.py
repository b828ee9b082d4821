"""The error tree: by whose fault it is. Errors carry data and write their own sentence; each has a code that operators see.

Every sentence says what happened, to which thing, and what to do. Drivers translate once, at the seam, `from` the cause.
"""

from __future__ import annotations

from typing import ClassVar


class SignageError(Exception):
    """The base. `code` is stable: it goes into faults, logs and tests."""

    code: ClassVar[str] = "error"


class ConfigError(SignageError):
    """The configuration is wrong; the installer mends it. Exit code 2."""

    code = "config"

    def __init__(self, file: str, key: str, problem: str) -> None:
        super().__init__(f"{file}: {key}: {problem}" if key else f"{file}: {problem}")
        self.file, self.key, self.problem = file, key, problem


class ServerError(SignageError):
    """The server, or the way to it; playback goes on. Its kinds say what it means for us, never a vendor's number for it.

    `transient` says whether trying again makes sense; `retry_after_s` is the pause that somebody asked for (seconds), or None.
    """

    code = "server"
    transient: ClassVar[bool] = True
    sentence: ClassVar[str] = "{url}: {reason}"

    def __init__(self, url: str, reason: str, retry_after_s: float | None = None) -> None:
        super().__init__(self.sentence.format(url=url, reason=reason))
        self.url, self.reason, self.retry_after_s = url, reason, retry_after_s


class ServerUnreachable(ServerError):
    """No answer: name, route, connection refused, timeout; or we ourselves are pausing after failures."""

    code = "server_unreachable"
    sentence = "{url} cannot be reached: {reason}"


class NameUnknown(ServerUnreachable):
    """Its name leads nowhere, says the name service."""

    code = "name_unknown"


class NoWayOut(ServerUnreachable):
    """No name service answers, or there is no route: this box's network ends somewhere on the way."""

    code = "no_internet"


class ServerUntrusted(ServerUnreachable):
    """Its TLS certificate does not hold; nothing was sent."""

    code = "server_untrusted"


class ClockUntrusted(ServerUnreachable):
    """Its TLS certificate is not valid yet, which mostly means that this box's clock is wrong."""

    code = "clock_untrusted"


class ProxyBroken(ServerUnreachable):
    """The proxy between is not there, does not know us, or is none; nothing is known of the server. `url`: the proxy's."""

    code = "proxy"
    sentence = "the proxy {url} {reason}"


class ServerBusy(ServerError):
    """It is there and cannot serve this now: overloaded, broken, or we asked too often. It passes."""

    code = "server_busy"
    sentence = "{url} cannot answer now: {reason}"


class ServerRefused(ServerError):
    """It answered no, and will until something changes. The kinds below say to what."""

    code = "server_refused"
    transient = False
    sentence = "{url} refuses: {reason}"


class ServerDenied(ServerRefused):
    """Who we are is not enough: a wrong key, no right, no licence."""


class DeviceForgotten(ServerRefused):
    """It does not know this device, or not any more."""


class NotOffered(ServerRefused):
    """It has no such ability: asked again in a day at the soonest."""


class EventsRefused(ServerRefused):
    """It will not have this batch of events; what is wrong is among them."""


class ServerNonsense(ServerError):
    """An answer that is not what the document promises: HTML, half a JSON, wrong types, too large."""

    code = "server_nonsense"
    sentence = "{url} answered something that is not its API: {reason}"


class CaptivePortal(ServerNonsense):
    """What answers is the log-in page of the network that this box is in."""

    code = "portal"
    sentence = "{url} is answered by a log-in page: {reason}"


class ServerMoved(ServerNonsense):
    """It stands at another address for good."""

    code = "server_moved"
    sentence = "{url}: {reason}"


class ContentError(SignageError):
    """One item or asset cannot be used; the rest plays on. `code` is given: `truncated`, `hash_mismatch`, `unplayable` …"""

    code = "content"

    def __init__(self, code: str, name: str, reason: str, *, transient: bool = True) -> None:
        super().__init__(f"{name}: {reason}")
        self.code = code  # type: ignore[misc]  # per instance here: the codes of content are many and need no class each
        self.name, self.reason, self.transient = name, reason, transient


class StorageError(SignageError):
    """The disk: full, read-only, damaged."""

    code = "storage"

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path, self.reason = path, reason


class BoxError(SignageError):
    """The box cannot do what was asked: an ability is absent, or the hardware answered no."""

    code = "box"

    def __init__(self, ability: str, reason: str) -> None:
        super().__init__(f"{ability}: {reason}")
        self.ability, self.reason = ability, reason


class Stumbled(BoxError):
    """A mistake of the player's own that nobody foresaw. It costs what was asked for alone.

    What the mistake says may hold anything, so it is in the log alone; here is what kind it is.
    """

    def __init__(self, ability: str, mistake: Exception) -> None:
        kind = type(mistake).__name__
        super().__init__(ability, f"the player stumbled over a mistake of its own ({kind}); its log has more of it")


class CommandRejected(SignageError):
    """A command that must not run: unknown type, bad payload, expired."""

    code = "command_rejected"


class SettingRefused(SignageError):
    """A setting that is not there, a value outside its range, or somebody who may not set it. Nothing changed."""

    code = "setting_refused"

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"{name}: {reason}")
        self.name, self.reason = name, reason


class NotRunning(SignageError):
    """No player answers at the control socket. Exit code 3."""

    code = "not_running"

    def __init__(self, where: str) -> None:
        super().__init__(f"no player is running here (nothing answers at {where}); start one with `signage-player run`")


class AlreadyRunning(SignageError):
    """Another player holds the state folder. Exit code 1."""

    code = "already_running"

    def __init__(self, folder: str) -> None:
        super().__init__(f"another player runs already with {folder}; stop it first, or give this one its own storage.state_dir")
        self.folder = folder


class WrongPin(SignageError):
    """The PIN is not the one. Exit code 4. `wait_s`: no further PIN is looked at for so many seconds."""

    code = "wrong_pin"

    def __init__(self, wait_s: float = 0.0) -> None:
        super().__init__(f"wrong PIN{f'; try again in {max(1.0, wait_s):.0f} s' if wait_s > 0 else ''}")
        self.wait_s = wait_s


class PinNotLookedAt(WrongPin):
    """Right or wrong, this PIN was not looked at: it came within the pause after wrong ones, `wait_s` seconds of which are left."""

    code = "pin_not_looked_at"

    def __init__(self, wait_s: float) -> None:
        SignageError.__init__(
            self, f"this PIN was not looked at, because wrong ones were entered before; try again in {max(1.0, wait_s):.0f} s"
        )
        self.wait_s = wait_s
