# shellcheck shell=bash disable=SC2034
# Shared by the scripts of this folder; source it. Sets $root, and the functions below.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
venv="$root/.venv"
player_user=signage

# What the player and its tests need from Debian or Raspberry Pi OS.
packages=(python3 python3-venv sway swaybg seatd grim libmpv2 ffmpeg chromium libnss3-tools fonts-noto-core fonts-noto-cjk fonts-noto-color-emoji
  fonts-dejavu-core libfribidi0 libgl1-mesa-dri libegl1 libgles2 dbus alsa-utils)
test_packages=(mpv libxkbcommon-tools strace curl git python3-dev gcc libc6-dev libwayland-dev wayland-protocols libffi-dev pkgconf
  pulseaudio pulseaudio-utils xvfb debootstrap systemd-container)
# What the nightly tests emulate whole machines with, of this processor and of arm64.
nightly_packages=(qemu-system-x86 qemu-user-static e2fsprogs mtools)

say() { printf '\033[1m==> %s\033[0m\n' "$*"; }
fail() { printf 'error: %s\n' "$*" >&2; exit 1; }

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"
  elif command -v sudo >/dev/null; then sudo "$@"
  else fail "this step needs root: run it as root, or install sudo ($*)"; fi
}

# install_packages NAME…: installs those that are missing, and says so; what apt says is shown only where it fails.
install_packages() {
  command -v apt-get >/dev/null || fail "this script installs with apt-get (Debian 12 or 13, Raspberry Pi OS). Elsewhere, install by hand: $*"
  local missing=() name log
  for name in "$@"; do
    dpkg-query -W -f='${Status}\n' "$name" 2>/dev/null | grep -q 'ok installed' || missing+=("$name")
  done
  [ ${#missing[@]} = 0 ] && return 0
  log=$(mktemp /tmp/signage-packages.XXXXXX)
  say "installing ${#missing[@]} Debian packages, which can take some minutes: ${missing[*]}"
  as_root env DEBIAN_FRONTEND=noninteractive sh -c 'apt-get -q update && apt-get -q install -y --no-install-recommends "$@"' sh "${missing[@]}" >"$log" 2>&1 || {
    tail -n 20 "$log" >&2
    fail "the packages could not be installed: apt's last words are above, all of them in $log. Check the network, the disk and /etc/apt/sources.list"
  }
  rm -f "$log"
}

# make_user: as root the compositor refuses to start, so the player runs as this user.
make_user() {
  [ "$(id -u)" = 0 ] || return 0
  if ! id "$player_user" >/dev/null 2>&1; then
    say "creating the user $player_user"
    useradd --system --user-group --home-dir /var/lib/signage-player --shell /usr/sbin/nologin "$player_user"
  fi
  local group
  for group in video render audio; do
    if getent group "$group" >/dev/null; then usermod -a -G "$group" "$player_user"; fi
  done
}

# reach_tree ARG…: where the player's user cannot read this tree (a clone below /root, say), goes on in a copy that it can. The copy
# lies where only root may make one, is the tree as it is now, and keeps its virtual environment.
reach_tree() {
  [ "$(id -u)" = 0 ] || return 0
  make_user
  as_player test -r "$root/pyproject.toml" && return 0
  local copy=/var/lib/signage-player-tree
  say "the user $player_user cannot read $root: working in a copy, $copy"
  mkdir -p "$copy"
  find "$copy" -mindepth 1 -maxdepth 1 ! -name .venv -exec rm -rf {} +
  (cd "$root" && tar -cf - --exclude=./.venv --exclude=./.git .) | tar -xf - -C "$copy" --no-same-owner
  chmod -R a+rX "$copy"
  exec "$copy/scripts/$(basename "$0")" "$@"
}

# as_player COMMAND…: as root, the command as the player's user; else just the command.
as_player() {
  if [ "$(id -u)" = 0 ]; then
    setpriv --reuid "$player_user" --regid "$player_user" --init-groups --inh-caps=-all -- "$@"
  else "$@"; fi
}

# build_requirements: the lines of the developers' lock that building the package takes.
build_requirements() {
  awk '/^[a-z]/ { keep = ($0 ~ /^(hatchling|packaging|pathspec|pluggy|trove-classifiers)==/) } keep' "$root/scripts/requirements-dev.lock"
}

# make_venv LOCK: the virtual environment, exactly as locked; done again only when the lock changes. The lock is whole, so pip is to
# look for nothing else: left to itself Debian 12's takes the newest release behind a name with an extra, and refuses it for its hash.
make_venv() {
  local lock="$root/scripts/$1" stamp="$venv/.lock"
  if [ -x "$venv/bin/python" ] && [ -f "$stamp" ] && cmp -s "$lock" "$stamp"; then return 0; fi
  say "installing the Python packages of scripts/$1 into $venv"
  /usr/bin/python3 -m venv --clear "$venv"
  "$venv/bin/pip" install -q --disable-pip-version-check --no-deps --require-hashes -r "$lock"
  "$venv/bin/pip" install -q --disable-pip-version-check --no-deps --no-build-isolation -e "$root"
  "$venv/bin/pip" check --disable-pip-version-check >/dev/null || fail "scripts/$1 lacks something: $("$venv/bin/pip" check)"
  cp "$lock" "$stamp"
}

# make_node_modules: the Node packages of the tests, exactly as locked; done again only when the lock changes. Nothing but a test uses
# them, so that a registry that cannot be reached keeps nobody from a demonstration.
make_node_modules() {
  local sdk="$root/tests/sdk" stamp="$root/tests/sdk/node_modules/.lock"
  if [ -f "$stamp" ] && cmp -s "$sdk/package-lock.json" "$stamp"; then return 0; fi
  say "installing the Node packages of tests/sdk"
  (cd "$sdk" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >/dev/null) || {
    say "they could not be installed; the tests of tests/sdk need them"
    return 0
  }
  cp "$sdk/package-lock.json" "$stamp"
}
