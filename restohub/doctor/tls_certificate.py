"""Check of TLS: whether its certificate and key can be used, and until when."""

from __future__ import annotations

from pathlib import Path

from restohub.config import Settings
from restohub.live.clock import Clock
from restohub.net.certificate import CertificateError, end_warning, read_certificate
from restohub.net.health_probe import HubHealth
from restohub.net.own_certificate import OWN_CERTIFICATE
from restohub.net.served_certificate import PLAIN_ALONE

from .report import Check, Result

NAME = "TLS"


def check_tls(chosen: Settings, hub: HubHealth | None) -> Check:
    """How the certificate is that a hub with these settings shows; `hub` is the one that runs on them."""
    own = chosen.data / OWN_CERTIFICATE
    certificate, key = Path(chosen.tls_cert or own), Path(chosen.tls_key or own)
    if chosen.tls == "self" and not own.exists():
        return Check(NAME, "well", "The hub makes its certificate at its next start.")
    try:
        found = read_certificate(certificate, key)
    except CertificateError as error:
        what_then = PLAIN_ALONE if chosen.http else "Until this is right the hub does not start."
        return Check(NAME, "wrong", str(error), what_then)
    now = Clock().now()
    if warning := end_warning(found, now):
        result: Result = "wrong" if found.ends_at < now else "warning"
        return Check(NAME, result, warning, "iPads that look at its dates refuse it then.")
    if hub and hub.tls is None:
        return Check(NAME, "warning", "The hub that runs speaks plain HTTP alone.", "Restart it.")
    if hub and hub.tls and hub.tls.fingerprint != found.fingerprint:
        when = "Restart it." if chosen.tls == "self" else "Within a minute it shows the new one."
        return Check(NAME, "warning", "The hub shows an older certificate than the one in its file.", when)
    return Check(NAME, "well", f"The certificate's SHA-256 is {found.fingerprint}")
