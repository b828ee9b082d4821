"""A signed folder: `manifest.json` names every file with its SHA-256, `manifest.sig` is its Ed25519 signature in base64."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping

from player.errors import ServerRefused

SIGNED = b"signage-folder\n"  # so that a key signs nothing else by this


class NotSigned(ServerRefused):
    """The folder is not what the key signed; nothing of it is shown."""

    code = "not_signed"
    sentence = "{url}: {reason}"


def checked(where: str, manifest: bytes, signature: bytes, public_key: str) -> Mapping[str, str]:
    """The SHA-256 of each file, by its path. Raises NotSigned."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        key = Ed25519PublicKey.from_public_bytes(base64.b64decode(public_key, validate=True))
    except ValueError as error:
        raise NotSigned(where, f"folder.public_key is not an Ed25519 key in base64 ({error})") from error
    try:
        key.verify(base64.b64decode(signature.strip(), validate=True), SIGNED + manifest)
        files = json.loads(manifest)["files"]
        return {str(name): str(sha256) for name, sha256 in files.items() if re.fullmatch(r"[0-9a-f]{64}", str(sha256))}
    except InvalidSignature as error:
        raise NotSigned(where, "its manifest.json is not signed by folder.public_key") from error
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise NotSigned(where, f"its manifest.json or manifest.sig cannot be read ({type(error).__name__})") from error
