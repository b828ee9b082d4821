"""Bundles for a device under test, made where its Python is: in a container, or in the chroot of an image."""

from __future__ import annotations


def making(version: str, spoil: str = "true") -> str:
    """A script that makes /root/VERSION.bundle out of /src with that version; `spoil` runs in the sources.

    The first one makes the key too, and /root/said, whose lines from "[update]" on belong into the configuration.
    """
    return f"""set -e
        rm -rf /root/made && cp -r /src /root/made && cd /root/made
        sed -i 's/^__version__ = .*/__version__ = "{version}"/' player/__init__.py
        sed -i 's/^version = .*/version = "{version}"/' pyproject.toml
        {spoil}
        if [ ! -d /root/wheels ]; then
          bash -c 'source scripts/lib.sh; build_requirements' > /root/build.lock
          for lock in scripts/requirements.lock /root/build.lock; do
            /opt/signage-player/venv/bin/pip download -q --no-deps --require-hashes -d /root/wheels -r $lock
          done
        fi
        [ -e /root/key ] || PYTHONPATH=. /opt/signage-player/venv/bin/python scripts/pack.py new-key /root/key > /root/said
        PYTHONPATH=. /opt/signage-player/venv/bin/python scripts/pack.py pack /root/key /root/wheels /root/{version}.bundle"""


SPOILT = "echo 'raise SystemExit(9)' >> player/agent/app.py"
EXTRA = "signage-extra.socket"  # a unit that a version brings along; beside it BRINGS changes one that is there
BRINGS = f"""
        sed -i 's/^CPUWeight=300/CPUWeight=301/' systemd/signage-stage.service
        printf '[Socket]\\nListenStream=/run/extra.sock\\nAccept=yes\\n[Install]\\nWantedBy=sockets.target\\n' > systemd/{EXTRA}
        sed -i 's|^files=($|&\\n  "{EXTRA} /etc/systemd/system/{EXTRA} 644"|; s|^sockets=(|&{EXTRA} |' scripts/install"""
TRUST = "sed -n '/update/,$p' /root/said >> /etc/signage-player/config.toml"
