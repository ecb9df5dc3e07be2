"""The certificate of TLS: what is made, what is taken, and what is said of one that cannot be used."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from threading import Thread

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from restohub.config import Settings
from restohub.net.certificate import CertificateError, end_warning, read_certificate
from restohub.net.own_certificate import make_own_certificate, own_certificate
from restohub.net.served_certificate import GOES_ON, PLAIN_ALONE, ServedCertificate

ID = "0197ac3e-5c10-7d21-b4a8-60f3279e44d2"
PEM = serialization.Encoding.PEM
DAY = timedelta(days=1)


def pair(folder: Path, begin: timedelta, end: timedelta, passphrase: bytes = b"") -> tuple[Path, Path]:
    """A certificate and its key in files, valid between these times from now."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "hub.example.com")])
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now + begin, now + end)
    hidden = serialization.BestAvailableEncryption(passphrase) if passphrase else serialization.NoEncryption()
    files = folder / "hub.crt", folder / "hub.key"
    files[0].write_bytes(builder.sign(key, hashes.SHA256()).public_bytes(PEM))
    files[1].write_bytes(key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, hidden))
    return files


def test_a_certificate_is_taken_and_known_by_its_sha256(tmp_path: Path) -> None:
    files = pair(tmp_path, -DAY, 90 * DAY)
    found = read_certificate(*files)
    certificate = x509.load_pem_x509_certificate(files[0].read_bytes())
    assert found.fingerprint == certificate.fingerprint(hashes.SHA256()).hex()
    assert end_warning(found, int(datetime.now(UTC).timestamp())) == ""
    assert end_warning(found, int((datetime.now(UTC) + 59 * DAY).timestamp())) == ""
    soon = datetime.now(UTC) + 61 * DAY
    assert f"ends on {certificate.not_valid_after_utc:%Y-%m-%d}" in end_warning(found, int(soon.timestamp()))


def test_a_machine_whose_clock_is_behind_serves_all_the_same(tmp_path: Path) -> None:
    found = read_certificate(*pair(tmp_path, 30 * DAY, 90 * DAY))
    assert "see that the clock is right" in end_warning(found, 0)
    later = datetime.now(UTC) + 31 * DAY  # the clock was set right meanwhile
    assert end_warning(found, int(later.timestamp())) == ""


def no_key(certificate: Path, key: Path) -> None:
    key.unlink()


def another_key(certificate: Path, key: Path) -> None:
    key.write_bytes(
        ec.generate_private_key(ec.SECP256R1()).private_bytes(
            PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )


def swapped(certificate: Path, key: Path) -> None:
    certificate.write_bytes(key.read_bytes())


def cut_short(certificate: Path, key: Path) -> None:
    certificate.write_bytes(certificate.read_bytes()[:200])


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (no_key, "The private key {key} cannot be read (No such file or directory). Correct its path"),
        (another_key, "{key} is not the private key of the certificate {certificate}."),
        (swapped, "There is no certificate in {certificate}: it must be a file in PEM, as text."),
        (cut_short, "The certificate {certificate} cannot be used: "),
    ],
)
def test_files_that_cannot_be_used_are_said(tmp_path: Path, spoil: Callable[[Path, Path], None], said: str) -> None:
    files = pair(tmp_path, -DAY, DAY)
    spoil(*files)
    with pytest.raises(CertificateError) as refused:
        read_certificate(*files)
    assert str(refused.value).startswith(said.format(certificate=files[0], key=files[1]))


def test_where_one_cannot_be_read_the_hub_serves_plain_http_alone_and_says_so(tmp_path: Path) -> None:
    none = str(tmp_path / "none.pem")
    served = ServedCertificate(Settings(data=tmp_path, tls_cert=none, tls_key=none), ID)
    assert served.shown is None
    [said] = served.warnings(0) or [""]
    assert said.startswith(f"The certificate {none} cannot be read (No such file or directory).")
    assert said.endswith(PLAIN_ALONE)


def test_an_expired_certificate_is_served_and_said(tmp_path: Path) -> None:
    found = read_certificate(*pair(tmp_path, -2 * DAY, -DAY))
    now = datetime.now(UTC)
    assert "has expired, by this machine's clock" in end_warning(found, int(now.timestamp()))
    assert "ends on" in end_warning(found, int((now - 1.5 * DAY).timestamp()))


def test_a_renewed_certificate_is_taken_and_a_spoilt_one_is_not(tmp_path: Path) -> None:
    files = pair(tmp_path, -DAY, 90 * DAY)
    served = ServedCertificate(Settings(data=tmp_path, tls_cert=str(files[0]), tls_key=str(files[1])), ID)
    first = served.shown
    assert first is not None
    assert not served.renew()
    another_key(*files)
    assert not served.renew()
    said = f"{files[1]} is not the private key of the certificate {files[0]}. {GOES_ON}"
    assert served.warnings(int(datetime.now(UTC).timestamp())) == [said]
    assert served.context() is first.context
    pair(tmp_path, -DAY, 80 * DAY)
    assert served.renew()
    assert served.warnings(int(datetime.now(UTC).timestamp())) == []
    assert served.shown is not None
    assert served.shown.fingerprint == read_certificate(*files).fingerprint != first.fingerprint
    assert not served.renew()


def test_the_same_files_come_back_and_nothing_is_said_any_more(tmp_path: Path) -> None:
    files = pair(tmp_path, -DAY, 90 * DAY)
    served = ServedCertificate(Settings(data=tmp_path, tls_cert=str(files[0]), tls_key=str(files[1])), ID)
    away = files[1].rename(tmp_path / "away")
    assert not served.renew()
    assert "cannot be read" in served.warnings(int(datetime.now(UTC).timestamp()))[0]
    away.rename(files[1])
    assert not served.renew()
    assert served.warnings(int(datetime.now(UTC).timestamp())) == []


def test_a_file_that_goes_while_it_is_read_is_said(tmp_path: Path) -> None:
    """Here a pipe, whose text can be read once: who renews it may change it between two looks at it."""
    certificate, key = pair(tmp_path, -DAY, 90 * DAY)
    text = key.read_bytes()
    key.unlink()
    os.mkfifo(key)

    def write_once() -> None:
        with key.open("wb") as pipe:
            key.unlink()
            pipe.write(text)

    writing = Thread(target=write_once)
    writing.start()
    with pytest.raises(CertificateError, match="cannot be read any more"):
        read_certificate(certificate, key)
    writing.join()


def test_a_key_with_a_passphrase_asks_nobody(tmp_path: Path) -> None:
    with pytest.raises(CertificateError, match="has a passphrase"):
        read_certificate(*pair(tmp_path, -DAY, DAY, b"secret"))


def test_the_hubs_own_certificate_is_made_once_has_no_end_and_its_names(tmp_path: Path) -> None:
    own = own_certificate(tmp_path, ID)
    made = x509.load_pem_x509_certificate(own.read_bytes())
    names = made.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert {"restohub-9e44d2.local", "localhost"} <= set(names.get_values_for_type(x509.DNSName))
    assert [str(one) for one in names.get_values_for_type(x509.IPAddress)] == ["127.0.0.1", "::1"]
    assert isinstance(made.public_key(), ec.EllipticCurvePublicKey)
    assert (made.not_valid_before_utc.year, made.not_valid_after_utc.year) == (2000, 9999)
    first = sha256(own.read_bytes()).digest()
    assert sha256(own_certificate(tmp_path, ID).read_bytes()).digest() == first
    assert read_certificate(own, own).fingerprint == made.fingerprint(hashes.SHA256()).hex()
    assert sha256(make_own_certificate(tmp_path, ID).read_bytes()).digest() != first


def test_a_disk_that_takes_no_certificate_is_said(tmp_path: Path) -> None:
    with pytest.raises(CertificateError, match=r"restohub\.pem cannot be written \(No such file or directory\)"):
        make_own_certificate(tmp_path / "gone", ID)
