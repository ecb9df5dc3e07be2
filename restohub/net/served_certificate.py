"""The certificate that a running hub shows: as it was at the start, and renewed where its files were changed."""

from __future__ import annotations

import logging
from pathlib import Path
from ssl import SSLContext

from restohub.config import Settings
from restohub.logs.events import event

from .certificate import Certificate, CertificateError, certificate_of, end_warning, read_certificate

log = logging.getLogger("restohub")

PLAIN_ALONE = "The hub serves plain HTTP alone until this is right and it is started again."
GOES_ON = "The hub goes on with the certificate that it has."

Stamp = tuple[tuple[int, int, int], ...]


class ServedCertificate:
    """What each handshake shows; `shown` None: there is no TLS. `fault` says what cannot be used ("": nothing)."""

    def __init__(self, settings: Settings, install_id: str) -> None:
        """Raises CertificateError where there is nothing else to serve: with plain HTTP the evening goes on."""
        self.shown: Certificate | None = None
        self.fault = ""
        # Those that others made: the hub's own changes by its command alone, for the next start.
        self._files = [Path(one) for one in (settings.tls_cert, settings.tls_key) if one is not None]
        self._read = self._stamp()
        try:
            self.shown = certificate_of(settings, install_id)
        except CertificateError as error:
            if not settings.http:
                raise
            self._note(f"{error} {PLAIN_ALONE}")

    def context(self) -> SSLContext:
        """What a handshake needs now, where there is TLS."""
        assert self.shown is not None
        return self.shown.context

    def warnings(self, now: int) -> list[str]:
        """What staff must know of it at a UTC time."""
        ends = end_warning(self.shown, now) if self.shown else ""
        return [one for one in (self.fault, ends) if one]

    def renew(self) -> bool:
        """Take the files where they were changed; whether another certificate is shown from now on."""
        before, stamp = self.shown, self._stamp()
        if before is None:
            return False
        if stamp == self._read:  # the very same, if they were away
            self.fault = ""
            return False
        try:
            found = read_certificate(self._files[0], self._files[1])
        except CertificateError as error:  # the one may have been written, and the other not yet
            self._note(f"{error} {GOES_ON}")
            return False
        self._read, self.fault, self.shown = stamp, "", found
        if found.fingerprint == before.fingerprint:
            return False
        log.warning("The certificate of TLS was renewed. Its SHA-256 is %s", found.fingerprint)
        return True

    def _note(self, fault: str) -> None:
        if fault != self.fault:
            log.error("%s", fault, extra=event("certificate_unusable"))
        self.fault = fault

    def _stamp(self) -> Stamp:
        """By what it is known whether the files were changed."""
        found = []
        for path in self._files:
            try:
                stat = path.stat()
            except OSError:
                found.append((0, 0, 0))
            else:
                found.append((stat.st_mtime_ns, stat.st_size, stat.st_ino))
        return tuple(found)
