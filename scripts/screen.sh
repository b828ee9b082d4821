# shellcheck shell=bash disable=SC2154
# The screen of a device: how the installer takes it from the system, and gives it back. Source it after lib.sh; sets functions only.
# What was before is in $kept, a folder of root's own that stays until --purge.

theme=/usr/share/plymouth/themes/signage-player
STATUS_ON=54 STATUS_OFF=55 # SIGRTMIN+20 and +21 of systemd(1); bash knows them by number only

# live: whether a systemd runs here that starts and stops things. An image that is made in a chroot has none, or the builder's.
live() { [ -d /run/systemd/system ] && ! systemd-detect-virt -q --chroot; }

has_desktop() { [ -e /etc/systemd/system/display-manager.service ] && [ "$(systemctl get-default)" = graphical.target ]; }

# agreed FLAG QUESTION: whether it may be done, by the flag, or by whoever sits at the terminal.
agreed() {
  if [ "$1" = yes ]; then return 0; fi
  [ -t 0 ] || return 1
  local answer
  read -r -p "$2 [y/N] " answer || return 1
  [[ "$answer" =~ ^[yYjJ] ]]
}

# remember_settings: what --uninstall brings back; of a chroot's kernel it would be the builder's.
remember_settings() {
  install -d -m 700 "$kept"
  if [ -e "$base/had-desktop" ]; then mv "$base/had-desktop" "$kept/desktop"; fi # where version 0.2.0 kept it
  if [ -e /etc/sysctl.d/60-signage-player.conf ] || ! live; then return 0; fi
  sysctl kernel.sysrq kernel.panic kernel.printk >"$kept/sysctl" 2>/dev/null || rm -f "$kept/sysctl"
}

# draw_picture: what a panel shows that the player has never drawn on.
draw_picture() {
  if [ -e "$base/picture.png" ] && [ "$changed" = no ]; then return 0; fi
  "$base/venv/bin/python" -P -c '
import sys
from player.stage.cards.catalogue import background_card
background_card((1920, 1080)).save(sys.argv[1], "PNG")' "$base/picture.png.next"
  mv "$base/picture.png.next" "$base/picture.png"
}

take_screen() {
  step "the screen is the player's: no login on it, keyboards and mice are ignored" "Check: systemctl status getty@tty1.service seatd.service"
  if has_desktop; then
    say "the desktop does not start any more; it stays installed, and --uninstall brings it back"
    touch "$kept/desktop"
    systemctl set-default -q multi-user.target
    if live; then systemctl stop display-manager.service; fi
  fi
  systemctl mask -q getty@tty1.service ctrl-alt-del.target
  if ! systemctl -q is-enabled seatd.service 2>/dev/null; then touch "$kept/seatd"; fi
  systemctl enable -q seatd.service
  if live; then
    systemctl daemon-reload
    if grep -qsz '^SEATD_VTBOUND=0$' "/proc/$(systemctl show -P MainPID seatd.service)/environ"; then systemctl start seatd.service
    else systemctl restart seatd.service; fi # seatd.conf
  fi
  if ! systemctl -q is-enabled ssh.service ssh.socket 2>/dev/null; then
    say "note: no ssh server is enabled here, and after this there is no login at the screen: apt-get install openssh-server"
  fi
}

# close_login: the login that is on the screen goes, and its words with it. Not the one that this script is called from.
close_login() {
  if [ "$(tty 2>/dev/null)" = /dev/tty1 ]; then
    say "this login is on the screen that the player uses: log out, or reboot"
    return 0
  fi
  systemctl stop getty@tty1.service
  if [ -w /dev/tty1 ]; then printf '\033[H\033[2J\033[3J\033[?25l' >/dev/tty1 || true; fi
  systemctl start signage-console.service || say "the bare console shows text where the compositor is away: journalctl -u signage-console"
}

# apply_settings: lets the running system take up the rules; what a container refuses comes with the next boot.
apply_settings() {
  live || return 0
  systemctl daemon-reload
  sysctl -q -p /etc/sysctl.d/60-signage-player.conf 2>/dev/null || true
  kill -s "$STATUS_OFF" 1 || true # no more words on the screen, as manager.conf has it from the next boot on
  reload_input_rules
}

reload_input_rules() {
  systemctl -q is-active systemd-udevd.service || return 0
  udevadm control --reload || true
  udevadm trigger --subsystem-match=input || true
}

# --- the boot ----------------------------------------------------------------------------------------------------------------------

# quiet_boot: shows what the boot loader's files would hold, asks, and writes them. Nobody is asked twice.
quiet_boot() {
  step "nothing of the system on the panel while it boots" "Undo it with: scripts/install --uninstall"
  local splash=() planned
  if command -v plymouth-set-default-theme >/dev/null; then splash=(--splash); fi
  if ! planned=$(python3 "$root/scripts/quiet_boot.py" show "$kept/boot.json" "${splash[@]}"); then
    say "no boot loader that is known here (GRUB of Debian, a Raspberry Pi's cmdline.txt): its words stay on the panel for some seconds.
    To hide them, add to the kernel's command line: $(python3 -c "import sys; sys.path.insert(0, '$root/scripts'); import quiet_boot as q; print(q.CONSOLE, *q.WORDS)")"
    if [ "$quiet" = yes ] && [ ${#splash[@]} != 0 ]; then take_splash; fi
    return 0
  fi
  if [ -n "$planned" ]; then
    if [ "$quiet" != yes ] && [ -e "$kept/loud" ]; then return 0; fi
    printf 'So that neither kernel nor systemd write on the panel, these files would hold:\n%s\n' "$planned"
    if ! agreed "$quiet" "Write them? --uninstall puts back what was."; then
      if [ -t 0 ]; then touch "$kept/loud"; fi
      say "the boot is left as it is; for a panel without words: scripts/install --quiet-boot"
      return 0
    fi
    planned=$(python3 "$root/scripts/quiet_boot.py" apply "$kept/boot.json" "${splash[@]}")
    rm -f "$kept/loud"
    boot_written "$planned"
  fi
  if [ ${#splash[@]} != 0 ]; then take_splash; fi
}

# boot_written FILES: what has to be told to the boot loader once these are written.
boot_written() {
  if [[ "$1" = *grub* ]] && command -v update-grub >/dev/null; then
    update-grub >/dev/null 2>&1 || say "note: update-grub failed, the command line is as before; run it where the machine boots from"
  fi
}

# take_splash: the player's picture from the first moment that the initramfs allows, and while the machine goes down.
take_splash() {
  local before
  before=$(plymouth-set-default-theme)
  changed_splash=no
  put_splash plymouth/signage-player.plymouth
  put_splash plymouth/signage-player.script
  if ! cmp -s "$base/picture.png" "$theme/picture.png"; then
    install -m 644 "$base/picture.png" "$theme/picture.png"
    changed_splash=yes
  fi
  [ "$before" = signage-player ] || printf '%s\n' "$before" >"$kept/splash"
  if [ "$before" = signage-player ] && [ "$changed_splash" = no ]; then return 0; fi
  say "the boot's picture is the player's; the initramfs is made again, which can take a minute"
  plymouth-set-default-theme -R signage-player >/dev/null 2>&1 || say "note: the initramfs could not be made again: update-initramfs -u"
}

put_splash() {
  if cmp -s "$root/systemd/$1" "$theme/${1#plymouth/}"; then return 0; fi
  install -D -m 644 "$root/systemd/$1" "$theme/${1#plymouth/}"
  changed_splash=yes
}

# loud_boot: the boot loader's files, and the boot's picture, as they were.
loud_boot() {
  if [ -e "$kept/boot.json" ]; then
    boot_written "$(python3 "$root/scripts/quiet_boot.py" undo "$kept/boot.json")"
    rm -f "$kept/boot.json"
  fi
  if [ -e "$kept/splash" ] && command -v plymouth-set-default-theme >/dev/null; then
    plymouth-set-default-theme -R "$(cat "$kept/splash")" >/dev/null 2>&1 || say "note: set the boot's picture yourself: plymouth-set-default-theme -R $(cat "$kept/splash")"
  fi
  rm -rf "$theme" "$kept/splash" "$kept/loud"
}

# --- back --------------------------------------------------------------------------------------------------------------------------

# give_screen_back: a login, or the desktop, is on the screen at once.
give_screen_back() {
  step "the screen is the system's again" "Look at: systemctl status getty@tty1.service"
  systemctl unmask -q getty@tty1.service ctrl-alt-del.target
  if [ -e "$kept/seatd" ] || grep -qsx seatd "$kept/packages"; then
    systemctl disable -q seatd.service 2>/dev/null || true
    if live; then systemctl stop seatd.service 2>/dev/null || true; fi
  fi
  loud_boot
  if live && [ -c /dev/tty1 ]; then "$base/venv/bin/python" -P -m player.device.console text 2>/dev/null || true; fi
  local screen=getty@tty1.service
  if [ -e "$kept/desktop" ]; then
    systemctl set-default -q graphical.target
    screen=display-manager.service
  fi
  if live; then
    systemctl daemon-reload
    systemctl kill -s HUP systemd-logind.service 2>/dev/null || true # it reads its settings again
    kill -s "$STATUS_ON" 1 || true
    if [ -e "$kept/sysctl" ]; then sysctl -q -p "$kept/sysctl" 2>/dev/null || true
    else say "kernel.sysrq, kernel.panic and kernel.printk are the system's again with the next boot"; fi
    systemctl start --no-block "$screen" || say "the screen is the system's with the next boot"
    reload_input_rules
  fi
  rm -f "$kept/seatd" "$kept/desktop" "$kept/sysctl"
}

# --- packages ----------------------------------------------------------------------------------------------------------------------

packages_here() { dpkg-query -W -f='${db:Status-Abbrev}${Package}\n' | sed -n 's/^ii *//p' | LC_ALL=C sort -u; }

# recording_packages COMMAND…: runs it, and remembers which packages are here since. A run that failed is counted with the next.
recording_packages() {
  install -d -m 700 "$kept"
  [ -e "$kept/packages.before" ] || packages_here >"$kept/packages.before"
  "$@"
  [ -e "$kept/packages" ] || touch "$kept/packages"
  LC_ALL=C comm -13 "$kept/packages.before" <(packages_here) | LC_ALL=C sort -u - "$kept/packages" >"$kept/packages.next"
  cmp -s "$kept/packages.next" "$kept/packages" || cp "$kept/packages.next" "$kept/packages"
  rm "$kept/packages.next" "$kept/packages.before"
}

# offer_packages: those that came with the player and that nothing else needs go, where somebody agrees.
offer_packages() {
  [ -s "$kept/packages" ] || return 0
  local there=() asked=() unneeded=() size
  mapfile -t there < <(LC_ALL=C comm -12 "$kept/packages" <(packages_here))
  [ ${#there[@]} != 0 ] || return 0
  size=$(dpkg-query -W -f='${Installed-Size}\n' "${there[@]}" | awk '{ sum += $1 } END { printf "%d", sum / 1024 }')
  if ! agreed "$drop" "${#there[@]} Debian packages came with the player and take $size MB. Remove those that nothing else needs?"; then
    say "${#there[@]} Debian packages that came with the player stay, $size MB; to remove what nothing else needs: scripts/install --uninstall --packages"
    return 0
  fi
  step "removing the packages that came with the player" "Look at: apt-get check"
  mapfile -t asked < <(printf '%s\n' "${there[@]}" | grep -Fxf <(printf '%s\n' "${packages[@]}" "${build_packages[@]}" polkitd udev chromium-browser) || true)
  if [ ${#asked[@]} != 0 ]; then apt-mark auto "${asked[@]}" >/dev/null; fi
  # What something else merely recommends or suggests was not here before either.
  mapfile -t unneeded < <(apt-get -s -o APT::AutoRemove::RecommendsImportant=false -o APT::AutoRemove::SuggestsImportant=false autoremove | sed -n 's/^Remv \([^ :]*\).*/\1/p' | LC_ALL=C sort -u | LC_ALL=C comm -12 - "$kept/packages")
  if [ ${#unneeded[@]} != 0 ]; then
    DEBIAN_FRONTEND=noninteractive apt-get -q purge -y "${unneeded[@]}" >/dev/null
  fi
  rm "$kept/packages"
  say "${#unneeded[@]} packages are gone; others that came with the player are needed by something else, and stay"
}
