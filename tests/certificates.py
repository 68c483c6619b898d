# SPDX-License-Identifier: BSD-3-Clause
"""An authority and a server's certificate, made for one test."""

import ipaddress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@dataclass(frozen=True)
class Certificates:
    """Files in PEM."""

    authority: Path
    certificate: Path
    key: Path

    @classmethod
    def make(cls, folder: Path, host: str = "127.0.0.1") -> "Certificates":
        """A new authority, and a certificate of it for the address `host`."""
        folder.mkdir(exist_ok=True)
        made = cls(folder / "ca.pem", folder / "server.pem", folder / "server.key")
        authority, key = (
            ec.generate_private_key(ec.SECP256R1()),
            ec.generate_private_key(ec.SECP256R1()),
        )
        issuer = _name("pyaiot test authority")
        root = (
            _builder(issuer, issuer, authority)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .sign(authority, hashes.SHA256())
        )
        address = x509.IPAddress(ipaddress.ip_address(host))
        leaf = (
            _builder(_name(host), issuer, key)
            .add_extension(x509.SubjectAlternativeName([address]), critical=False)
            .add_extension(
                # Python 3.13 refuses a certificate that does not say who signed it.
                x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.public_key()),
                critical=False,
            )
            .sign(authority, hashes.SHA256())
        )
        made.authority.write_bytes(root.public_bytes(serialization.Encoding.PEM))
        made.certificate.write_bytes(leaf.public_bytes(serialization.Encoding.PEM))
        made.key.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        return made


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
    )
