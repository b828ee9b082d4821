#!/bin/sh
# put-back VERSION [ROOT]: the system's files (units, rules, users) are those of VERSION again, a folder in /opt/signage-player/releases
# or a link to one. An update brings files of its own along, and they go with it where it does not stay. What is as it belongs is not
# touched. Run by the installer, and by signage-trial.service after a boot.
set -eu
root=${2:-}
base=$root/opt/signage-player
version=$(readlink -f "$1")
[ -d "$version/system" ] || exit 0
changed=no gone=""
for path in $(for each in "$base"/releases/*/system; do (cd "$each" && find . -type f); done | cut -c2- | sort -u); do
  kept=$version/system$path there=$root$path
  if [ -e "$kept" ]; then
    if cmp -s "$kept" "$there"; then continue; fi
    install -D -m "$(stat -c %a "$kept")" "$kept" "$there"
  elif [ -e "$there" ]; then
    if grep -qx '\[Install\]' "$there"; then
      systemctl -q disable "${path##*/}" || true
      gone="$gone ${path##*/}"
    fi
    rm -f "$there"
  else continue; fi
  changed=yes
done
[ "$changed" = yes ] || exit 0
sync -f "$root/etc"
echo "units and other files of the system are again those of the version before"
[ -d "$root/run/systemd/system" ] || exit 0
systemctl daemon-reload
# shellcheck disable=SC2086 # a word each; and not before that: until then a unit of the other version may hold them up
if [ -n "$gone" ]; then systemctl stop $gone || true; fi
if [ "$version" = "$(readlink -f "$base/venv")" ]; then
  systemctl restart --no-block signage-compositor signage-stage signage-agent
fi
