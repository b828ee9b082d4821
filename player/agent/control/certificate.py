"""A certificate that this box makes for itself, for TLS where nobody gave it one: who uses it is told its fingerprint.

It is an authority too, so that clients can be given this one file to trust (`NODE_EXTRA_CA_CERTS`).
"""

from __future__ import annotations

import datetime as dt
import ipaddress
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from player.store import write_atomically

if TYPE_CHECKING:
    from cryptography.x509 import GeneralName

YEARS = 10


def make(certificate: Path, key: Path, names: Sequence[str]) -> None:
    """Writes both PEM files, the key readable by its owner alone; `names` are host names and addresses. Raises StorageError."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    private = ec.generate_private_key(ec.SECP256R1())
    now = dt.datetime.now(dt.UTC)
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "signage player")])
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(dt.datetime(2020, 1, 1, tzinfo=dt.UTC))  # a box whose clock is wrong is reached all the same
        .not_valid_after(now + dt.timedelta(days=365 * YEARS))
        .add_extension(x509.SubjectAlternativeName([_name(one) for one in dict.fromkeys(names)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(private, hashes.SHA256())
    )
    form, bare = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    write_atomically(key, private.private_bytes(serialization.Encoding.PEM, form, bare))
    write_atomically(certificate, made.public_bytes(serialization.Encoding.PEM), 0o644)


def fingerprint(certificate: Path) -> str:
    """SHA-256 of the file's first certificate, as browsers write it: "AB:CD:…". Raises OSError; ValueError where it has none."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes

    return x509.load_pem_x509_certificate(certificate.read_bytes()).fingerprint(hashes.SHA256()).hex(":").upper()


def _name(given: str) -> GeneralName:
    from cryptography import x509

    try:
        return x509.IPAddress(ipaddress.ip_address(given))
    except ValueError:
        return x509.DNSName(given)
