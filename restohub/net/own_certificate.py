"""The hub's own certificate and its key: made once, and again only when somebody says so."""

from __future__ import annotations

import os
import re
import socket
from pathlib import Path

from restohub.store.backup_file import sync_folder, synced
from restohub.store.backup_folder import give_to_owner

from .certificate import CertificateError
from .urls import host_name

# The key and the certificate in one file, so that there is never the one without the other.
OWN_CERTIFICATE = "restohub.pem"
ADDRESSES = ("127.0.0.1", "::1")
LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?", re.ASCII)


def own_certificate(folder: Path, install_id: str) -> Path:
    """The file of the hub's own certificate, which is made where there is none; raises CertificateError."""
    path = folder / OWN_CERTIFICATE
    return path if path.exists() else make_own_certificate(folder, install_id)


def make_own_certificate(folder: Path, install_id: str) -> Path:
    """A new key and its certificate, whole or not at all, in the place of what was there; raises CertificateError.

    Its names are those that stay: a router may give the machine another address every day.
    """
    path, new = folder / OWN_CERTIFICATE, folder / f"{OWN_CERTIFICATE}.new"
    machine = socket.gethostname().partition(".")[0].lower()
    names = [host_name(install_id), *([f"{machine}.local"] if LABEL.fullmatch(machine) else []), "localhost"]
    made = _self_signed(names)
    try:
        new.unlink(missing_ok=True)
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(made)
            synced(file)
        give_to_owner(new, folder)
        new.replace(path)
        sync_folder(folder)
    except OSError as error:
        raise CertificateError(f"The hub's certificate {path} cannot be written ({error.strerror}).") from None
    return path


def _self_signed(names: list[str]) -> bytes:
    """A new P-256 key and its certificate, as PEM; raises CertificateError where what makes them is not installed.

    It has no end (RFC 5280, section 4.1.2.5) and begins long ago: whoever knows it by its SHA-256 needs no dates, and a
    machine without the Internet wakes up in the past.
    """
    try:
        from cryptography import x509
        from cryptography.hazmat.primitives import hashes, serialization
        from cryptography.hazmat.primitives.asymmetric import ec
    except ImportError:
        raise CertificateError(
            "What makes the hub's certificate is not installed. In the folder that restohub was installed from, say "
            "`.venv/bin/pip install '.[tls]'`; or name files that you have with --tls-cert and --tls-key."
        ) from None
    from datetime import UTC, datetime
    from ipaddress import ip_address

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, names[0])])
    alternatives: list[x509.GeneralName] = [x509.DNSName(one) for one in dict.fromkeys(names)]
    alternatives += [x509.IPAddress(ip_address(one)) for one in ADDRESSES]
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(datetime(2000, 1, 1, tzinfo=UTC)).not_valid_after(
        datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
    )
    for extension, critical in (
        (x509.SubjectAlternativeName(alternatives), False),
        (x509.BasicConstraints(ca=False, path_length=None), True),
        (x509.ExtendedKeyUsage([x509.oid.ExtendedKeyUsageOID.SERVER_AUTH]), False),
    ):
        builder = builder.add_extension(extension, critical)
    made = builder.sign(key, hashes.SHA256())
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return private + made.public_bytes(serialization.Encoding.PEM)
