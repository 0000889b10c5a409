"""A local certificate authority, and the server certificates that it signs."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from septet_native.credentials.passwords import write_private

AUTHORITY_LIFE, SERVER_LIFE = timedelta(days=3650), timedelta(days=397)
# A server certificate that expires within this time is replaced at the next start.
RENEW_BEFORE = timedelta(days=30)
# Tolerated difference between the clocks of two machines.
SKEW = timedelta(hours=1)
NAMES = ("localhost", "127.0.0.1", "::1", "kafka")


@dataclass(frozen=True)
class Certificates:
    """PEM files of one server below a directory; only their owner can read the keys."""

    directory: Path

    @property
    def authority(self) -> Path:
        """Certificate of the authority, by which clients verify the server."""
        return self.directory / "ca.pem"

    @property
    def server(self) -> Path:
        """The server's key and certificate and the authority's certificate, in one file for Kafka."""
        return self.directory / "broker.pem"

    @property
    def _authority_key(self) -> Path:
        return self.directory / "ca.key"

    def ensure(self, names: Sequence[str] = NAMES) -> bool:
        """Create the files that are missing, and replace a certificate that is about to expire.

        Args:
            names: host names and addresses of the server.

        Returns:
            Whether a new server certificate was created.
        """
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not (self.authority.exists() and self._authority_key.exists()):
            self._make_authority()
        if self._is_server_valid(names):
            return False
        self._make_server(names)
        return True

    def _make_authority(self) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        name = _name("Septet local authority")
        unsigned = _builder(name, name, key, AUTHORITY_LIFE).add_extension(
            x509.BasicConstraints(ca=True, path_length=0), critical=True
        )
        unsigned = unsigned.add_extension(_usage(sign_certificates=True), critical=True)
        self.server.unlink(missing_ok=True)
        write_private(self._authority_key, _pem(key))
        write_private(self.authority, _text(unsigned.sign(key, hashes.SHA256())))

    def _make_server(self, names: Sequence[str]) -> None:
        authority = x509.load_pem_x509_certificate(self.authority.read_bytes())
        signer = serialization.load_pem_private_key(self._authority_key.read_bytes(), None)
        assert isinstance(signer, ec.EllipticCurvePrivateKey)
        key = ec.generate_private_key(ec.SECP256R1())
        unsigned = (
            _builder(_name("Septet Kafka"), authority.subject, key, SERVER_LIFE)
            .add_extension(x509.SubjectAlternativeName([_alternative(n) for n in names]), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(sign_certificates=False), critical=True)
            # The broker is a client of its own controller.
            .add_extension(
                x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]),
                critical=False,
            )
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False
            )
        )
        certificate = unsigned.sign(signer, hashes.SHA256())
        write_private(self.server, _pem(key) + _text(certificate) + _text(authority))

    def _is_server_valid(self, names: Sequence[str]) -> bool:
        if not self.server.exists():
            return False
        certificate = x509.load_pem_x509_certificates(self.server.read_bytes())[0]
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
        current = certificate.not_valid_after_utc - datetime.now(UTC) > RENEW_BEFORE
        return current and set(extension.value) >= {_alternative(n) for n in names}


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, life: timedelta
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - SKEW)
        .not_valid_after(now + life)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _usage(*, sign_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not sign_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=sign_certificates,
        crl_sign=sign_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _alternative(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _pem(key: ec.EllipticCurvePrivateKey) -> str:
    form = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()


def _text(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()
