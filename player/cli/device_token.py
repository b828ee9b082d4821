"""`token create --kind device`: opens the management API, and shows how its public client is pointed at this box."""

from __future__ import annotations

import os
import socket
from pathlib import Path

from player.agent.control import certificate
from player.agent.control.access import DEVICE_KIND, Scope, TokenStore
from player.config import Config
from player.core.plaintext import printable
from player.device.network import ELSEWHERE, source_address
from player.dirs import Dirs
from player.errors import StorageError

FILE = "tokens.json"
EXAMPLE = """import { createApiV1 } from "@signageos/sdk";
const organizationAuth = { clientId: "%(id)s", secret: "%(secret)s" };
const api = createApiV1({ url: "%(url)s", organizationAuth });
const [device] = await api.device.list();
await api.device.audio.set(device.uid, { volume: 40 });"""


def show(token_id: str, secret: str, config: Config, dirs: Dirs) -> None:
    """Prints the token, the address, and five lines for Node; makes a certificate where TLS is to be spoken with none."""
    control = config.control
    own = certificate_of(config, dirs) if control.tls_listen else None
    url = address_of(config)
    print(f"X-Auth      {token_id}:{secret}")
    print(f"address     {url}" if control.listen or control.tls_listen else "address     none: set control.listen or tls_listen")
    if own is not None:
        print(f"certificate {printable(str(own))}, SHA-256 {certificate.fingerprint(own)}")
    print("\nThe secret is not shown again. In Node, after `npm install @signageos/sdk lodash`:\n")
    print(example(token_id, secret, url, own))


def example(token_id: str, secret: str, url: str, own: Path | None) -> str:
    """Five lines for Node that turn the volume, and how they are run."""
    trusted = f"NODE_EXTRA_CA_CERTS={own} " if own is not None else ""
    return f"{EXAMPLE % {'id': token_id, 'secret': secret, 'url': url}}\n\n{trusted}SOS_SKIP_DOTENV=1 node example.mjs"


def address_of(config: Config) -> str:
    """How this box is reached from where it listens."""
    listen, scheme = (config.control.tls_listen, "https") if config.control.tls_listen else (config.control.listen, "http")
    host, _, port = listen.rpartition(":")
    everywhere = host.strip("[]") in ("", "0.0.0.0", "::")  # noqa: S104 - what is compared is a configured address
    return f"{scheme}://{(source_address(ELSEWHERE) or '127.0.0.1') if everywhere else host}:{port}"


def certificate_of(config: Config, dirs: Dirs) -> Path:
    """What is shown under TLS: as configured, else this box's own, made where there is none yet. Raises StorageError."""
    if config.control.certificate:
        return Path(config.control.certificate)
    if not dirs.certificate.exists():
        name = socket.gethostname()
        addresses = [found for found in (source_address(ELSEWHERE),) if found]
        names = [name, f"{name.partition('.')[0]}.local", "localhost", "127.0.0.1", "::1", *addresses]
        certificate.make(dirs.certificate, dirs.certificate_key, names)
        give_to_owner(dirs, dirs.certificate.parent, dirs.certificate, dirs.certificate_key)
    return dirs.certificate


def open_to(name: str, dirs: Dirs) -> tuple[str, str]:
    """A token that may do everything, as id and secret, for a player that runs or will. Raises StorageError."""
    path = dirs.state / FILE
    token, secret = TokenStore(path).create(name, Scope.ADMIN, kind=DEVICE_KIND)
    give_to_owner(dirs, path)
    return token.id, secret


def give_to_owner(dirs: Dirs, *paths: Path) -> None:
    """Root writes for the player's user, who has to read it. Raises StorageError."""
    if os.geteuid() != 0:
        return
    owner = dirs.state.stat()
    for path in paths:
        try:
            os.chown(path, owner.st_uid, owner.st_gid, follow_symlinks=False)
        except OSError as error:
            raise StorageError(str(path), f"cannot be given to the player's user: {error.strerror}") from error
