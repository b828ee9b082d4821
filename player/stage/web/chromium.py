"""Chromium's command line: which program, quiet and light flags, and how a window of its own is asked for."""

from __future__ import annotations

import os
import re
import shutil
import zlib
from pathlib import Path

from player.core.egress import WayOut
from player.core.page_memory import PageMemory
from player.errors import BoxError
from player.stage.web.rooms import CACHE, QUOTA, SHARED

PIPED = ("--remote-debugging-pipe", "--no-startup-window")
PROGRAMS = ("chromium", "chromium-browser", "google-chrome-stable")
NO_SANDBOX = (
    "pages are not shown: this system does not let the browser have its sandbox. Allow user namespaces "
    "(sysctl kernel.unprivileged_userns_clone=1 kernel.apparmor_restrict_unprivileged_userns=0, and not as root), "
    "or set stage.browser_sandbox = false, which runs pages without it"
)
_MIB = 1024 * 1024
_SOCKET, _LONGEST = "org.chromium.Chromium.XXXXXX/SingletonSocket", 107  # among its temporary files; a socket's name (unix(7))
_NOWHERE = "http://127.0.0.1:9"
_QUIET_FEATURES = (
    "TranslateRankerQuery,TranslateRankerEnforcement,NetworkTimeServiceQuerying,"
    "Translate,MediaRouter,OptimizationHints,InterestFeedContentSuggestions,GlobalMediaControls,BackForwardCache"
)
# Fewer processes: none that waits for a page to come, none for sound and the network, whose own would be without a sandbox anyway.
_LIGHT_FEATURES = "SpareRendererForSitePerProcess,AudioServiceOutOfProcess"
# What would ask somebody at the panel, in a box of the browser's own: who he is, a device, a download.
_ASKING = "FedCm,WebIdentityDigitalCredentials,WebUSB,WebHID,Serial,BackgroundFetch"
# --test-type: no bar in the picture that warns of flags (`--gaia-url` is one of those).
_FLAGS = (
    "--test-type --no-first-run --no-default-browser-check --no-pings --noerrdialogs "
    "--disable-background-networking --disable-component-update --disable-sync --disable-default-apps --disable-extensions "
    "--disable-domain-reliability --disable-breakpad --disable-crash-reporter --disable-crashpad-for-testing "
    f"--gaia-url={_NOWHERE} --component-updater=url-source={_NOWHERE} "  # it asks them whatever else it is told, and by name
    "--allow-browser-signin=false --disable-client-side-phishing-detection --disable-notifications "
    "--disable-hang-monitor --disable-session-crashed-bubble --disable-prompt-on-repost --disable-backgrounding-occluded-windows "
    "--disable-pinch --overscroll-history-navigation=0 --deny-permission-prompts --metrics-recording-only --password-store=basic "
    "--autoplay-policy=no-user-gesture-required --hide-scrollbars --force-device-scale-factor=1 --ozone-platform=wayland "
    f"--disable-blink-features={_ASKING} --disk-cache-size={CACHE} --disable-features={_QUIET_FEATURES},{_LIGHT_FEATURES} "
    f"--enable-features=NetworkServiceInProcess2,StorageQuotaSettings:PoolSizeBytes/{QUOTA}"
).split()
# What would go out beside the proxy: QUIC, and the calls of WebRTC (whose flag older versions know by the other name).
_NOT_BESIDE = ("--disable-quic", *(f"--{form}webrtc-ip-handling-policy=disable_non_proxied_udp" for form in ("", "force-")))


def find_browser(wanted: str) -> str:
    """The program's path. Raises BoxError when there is none."""
    names = PROGRAMS if wanted == "auto" else (wanted,)
    for name in names:
        if found := shutil.which(name):
            return found
    raise BoxError("browser", f"none of {', '.join(names)} is installed; install one (apt install chromium), or set stage.browser")


def name_of(version: str, ours: str) -> str:
    """The User-Agent of a browser whose `--version` says `version`: its own, and `ours` (our name and version) after it.

    Chromium tells its major version alone, and names every Linux the same machine (chromium.org/updates/ua-reduction).
    Raises BoxError where no version is to be read.
    """
    found = re.search(r"(\d+)(\.\d+){3}", version)
    if not found:
        raise BoxError("browser", f"it does not say its version, but {version.strip()[:80]!r}; set stage.browser to a Chromium")
    chrome = f"AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{found[1]}.0.0.0 Safari/537.36"
    return f"Mozilla/5.0 (X11; Linux x86_64) {chrome} {ours}"


def flags(profile: Path, way_out: WayOut, user_agent: str, memory: PageMemory, *, gpu: bool, sandbox: bool) -> list[str]:
    """What every call for this profile gets. `user_agent` holds for what belongs to no page too: workers, a site's icon."""
    heap = f"--js-flags=--max-old-space-size={memory.scripts // _MIB}"  # ended early, before they slow the box down
    found = [*_FLAGS, *way_flags(way_out), f"--user-agent={user_agent}", f"--user-data-dir={profile}", heap]
    if not gpu:
        found.append("--disable-gpu")
    if not sandbox:
        found.append("--no-sandbox")
    return found


def own_folders(profile: Path) -> dict[str, str]:
    """Its environment's part: what it keeps and leaves lies in its profile, temporary files where its socket's name fits there."""
    names = ["HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"]
    if len(os.fsencode(profile / _SOCKET)) <= _LONGEST:
        names.append("TMPDIR")
    return dict.fromkeys(names, str(profile))


def way_flags(way_out: WayOut) -> list[str]:
    """Everything goes through the proxy, loopback too, whatever the desktop is set to; no name but its own is looked up here."""
    proxy = way_out.https_proxy
    if proxy is None:
        return ["--no-proxy-server"]
    alone = f"--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE {proxy.host}"
    return [f"--proxy-server={proxy}", "--proxy-bypass-list=<-loopback>", alone, *_NOT_BESIDE]


def app_id(name: str, profile: str = SHARED) -> str:
    """How Chromium calls the window of that name in that profile towards the compositor."""
    return f"chrome-_text_html,{_plain(name)}-{profile}"


def window_flags(name: str, profile: str) -> tuple[str, str]:
    """What asks for a window of that name whose pages keep what they keep in that profile."""
    return f"--profile-directory={profile}", f"--app={address(name)}"


def address(name: str) -> str:
    """What `--app` is given: it loads nothing, and sets the app_id."""
    return f"data:text/html,{_plain(name)}"


def _plain(name: str) -> str:
    """As it is where no address would write it differently; else without the difficult letters, and still unique."""
    plain = re.sub(r"[^A-Za-z0-9-]", "-", name)[:40]
    return plain if plain == name else f"{plain}-{zlib.crc32(name.encode()):08x}"
