"""Both ends of TLS at the wall: what plays streams trusts an authority of this process's own, the wall trusts whom the box trusts.

So what comes by TLS is read and bounded as what comes in the clear is, and it is told why a server is not trusted. The authority's
key never leaves this process, and is made when the first stream wants it; nothing but what plays streams is told of it.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
import os
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
    from cryptography.x509 import CertificateBuilder

_KNOWN = 64  # hosts
_ALWAYS = dt.datetime(1970, 1, 1, tzinfo=dt.UTC), dt.datetime(9999, 12, 31, tzinfo=dt.UTC)  # whatever this box takes for now


class Tls:
    """`authorities`: one file with all that this box trusts. Its calls may take a tenth of a second: they go in threads."""

    def __init__(self, authorities: str) -> None:
        self._authorities = authorities
        self._memory = os.memfd_create("authority")
        self._one_by_one = threading.Lock()
        self._outward: ssl.SSLContext | None = None
        self._key: EllipticCurvePrivateKey | None = None
        self._known: dict[str, ssl.SSLContext] = {}

    @property
    def trusted(self) -> str:
        """The file by which what plays streams trusts the wall, for this process alone; it is full before the first `inward`."""
        return f"/proc/self/fd/{self._memory}"

    def close(self) -> None:
        """Takes the file away."""
        os.close(self._memory)

    def outward(self) -> ssl.SSLContext:
        """For the wall's end towards a server. Raises OSError where the authorities cannot be read."""
        with self._one_by_one:
            if self._outward is None:
                self._outward = ssl.create_default_context(cafile=self._authorities)
            return self._outward

    def inward(self, host: str) -> ssl.SSLContext:
        """For the wall's end towards what plays streams, as if it were `host`. Raises ValueError where nothing is called that."""
        with self._one_by_one:
            found = self._known.pop(host, None) or self._made(host)
            self._known[host] = found
            if len(self._known) > _KNOWN:
                self._known.pop(next(iter(self._known)))
            return found

    def _made(self, host: str) -> ssl.SSLContext:
        from cryptography.hazmat.primitives.asymmetric import ec
        from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

        if self._key is None:
            self._key = ec.generate_private_key(ec.SECP256R1())
            os.write(self._memory, _signed(self._key, ""))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        private = self._key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        with _in_memory(private + _signed(self._key, host)) as file:
            context.load_cert_chain(file)
        return context


@contextmanager
def _in_memory(content: bytes) -> Iterator[str]:
    """A file for a library that takes nothing else."""
    memory = os.memfd_create("certificate")
    try:
        os.write(memory, content)
        yield f"/proc/self/fd/{memory}"
    finally:
        os.close(memory)


def _signed(key: EllipticCurvePrivateKey, host: str) -> bytes:
    """PEM: a certificate of `host`, or of the authority itself for ""."""
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.serialization import Encoding

    return _built(key, host).sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)


def _built(key: EllipticCurvePrivateKey, host: str) -> CertificateBuilder:
    from cryptography import x509

    authority, itself = (x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)]) for name in ("stage wall", "a server"))
    begun = (
        x509.CertificateBuilder()
        .issuer_name(authority)
        .subject_name(itself if host else authority)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(_ALWAYS[0])
        .not_valid_after(_ALWAYS[1])
        .add_extension(x509.BasicConstraints(ca=not host, path_length=None if host else 0), critical=True)
    )
    if not host:
        return begun
    try:
        name: x509.GeneralName = x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        name = x509.DNSName(host)
    return begun.add_extension(x509.SubjectAlternativeName([name]), critical=False)
