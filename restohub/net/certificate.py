"""The certificate that TLS shows, with its key: whether it can be used, and by what a client knows it."""

from __future__ import annotations

import logging
import ssl
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import NoReturn

from msgspec import Struct

from restohub.config import Settings
from restohub.live.clock import Clock
from restohub.logs.events import event
from restohub.wire.times import time_text

log = logging.getLogger("restohub")

# Flights of a handshake between two ends in one process: TLS 1.3 needs three.
FLIGHTS_MAX = 8
ENDS_SOON_S = 30 * 86_400
NO_CHECK_TIME = 0x200000  # OpenSSL's X509_V_FLAG_NO_CHECK_TIME


class CertificateError(Exception):
    """There can be no TLS with this certificate; the text says why and what to do."""


class Certificate(Struct, frozen=True):
    """A certificate that can be used, with its key. `fingerprint` is the SHA-256 of it, in hexadecimal digits.

    It is valid from `begins_at` to `ends_at`, UTC seconds. It is served before and after, too: the machine's clock
    may be wrong, and who knows it by its SHA-256 takes it all the same.
    """

    context: ssl.SSLContext
    fingerprint: str
    begins_at: int
    ends_at: int


def certificate_of(settings: Settings, install_id: str) -> Certificate | None:
    """The certificate that a hub with these settings shows, None where it has no TLS; raises CertificateError."""
    if settings.tls_cert is not None and settings.tls_key is not None:
        found = read_certificate(Path(settings.tls_cert), Path(settings.tls_key))
    elif settings.tls == "self":
        from .own_certificate import own_certificate

        own = own_certificate(settings.data, install_id)
        found = read_certificate(own, own)
    else:
        return None
    warning = end_warning(found, Clock().now())
    if warning:
        log.warning("%s", warning, extra=event("certificate_ends"))
    return found


def read_certificate(certificate: Path, key: Path) -> Certificate:
    """What a server needs, of two files in PEM (or one that has both); raises CertificateError."""
    _confirm_holds(certificate, "certificate", b"-----BEGIN CERTIFICATE-----")
    _confirm_holds(key, "private key", b"PRIVATE KEY-----")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION  # which would make the hub compute for as long as a stranger likes
    context.set_alpn_protocols(["http/1.1"])

    def no_passphrase() -> NoReturn:
        raise CertificateError(f"The private key {key} has a passphrase, and nobody is there to type it. Remove it.")

    try:
        context.load_cert_chain(certificate, key, no_passphrase)
        shown = _shown(context)
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            raise CertificateError(f"{key} is not the private key of the certificate {certificate}.") from None
        raise CertificateError(f"The certificate {certificate} cannot be used: {error.reason or error}.") from None
    except OSError as error:  # somebody changes them right now
        raise CertificateError(f"{certificate} or {key} cannot be read any more ({error.strerror}).") from None
    return Certificate(context, sha256(shown).hexdigest(), *_dates(context, shown, certificate))


def end_warning(certificate: Certificate, now: int) -> str:
    """What to say of the dates of a certificate at a UTC time, "" where they are well."""
    if now < certificate.begins_at:
        return "The certificate of TLS is not valid yet, by this machine's clock: see that the clock is right."
    if certificate.ends_at < now:
        return "The certificate of TLS has expired, by this machine's clock. Put a new one in its place."
    if certificate.ends_at - now < ENDS_SOON_S:
        return f"The certificate of TLS ends on {time_text(certificate.ends_at)[:10]}. Put a new one in its place."
    return ""


def _confirm_holds(path: Path, what: str, begin: bytes) -> None:
    try:
        text = path.read_bytes()
    except OSError as error:
        raise CertificateError(
            f"The {what} {path} cannot be read ({error.strerror}). Correct its path, or give the hub's user "
            "the right to read it."
        ) from None
    if begin not in text:
        raise CertificateError(f"There is no {what} in {path}: it must be a file in PEM, as text.")


def _shown(context: ssl.SSLContext) -> bytes:
    """The certificate that a client is shown, as DER."""
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname, client.verify_mode = False, ssl.CERT_NONE
    shown = _shake_hands(context, client).getpeercert(binary_form=True)
    assert shown is not None  # a handshake without one fails
    return shown


def _dates(context: ssl.SSLContext, shown: bytes, path: Path) -> tuple[int, int]:
    """When a certificate begins and ends, as a client sees it that trusts this very one; raises CertificateError."""
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname = False
    client.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    client.verify_flags |= NO_CHECK_TIME
    client.load_verify_locations(cadata=shown)
    try:
        found = _shake_hands(context, client).getpeercert()
    except ssl.SSLCertVerificationError as error:
        raise CertificateError(f"No device would take the certificate {path}: {error.verify_message}.") from None
    assert found is not None  # a handshake without one fails
    begin, end = (ssl.cert_time_to_seconds(str(found[name])) for name in ("notBefore", "notAfter"))
    return begin, end


def _shake_hands(server_context: ssl.SSLContext, client_context: ssl.SSLContext) -> ssl.SSLObject:
    """The client's end after a handshake in memory; raises SSLError where either end gives up."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    server = server_context.wrap_bio(to_server, to_client, server_side=True)
    client = client_context.wrap_bio(to_client, to_server)
    for _ in range(FLIGHTS_MAX):
        for end in (client, server):
            with suppress(ssl.SSLWantReadError):
                end.do_handshake()
    return client
