"""The settings: flag over environment over restohub.toml over default."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import platformdirs
from msgspec import Meta, Struct

from restohub.access.roles import Mode
from restohub.limits import RESTAURANTS_MAX
from restohub.logs.lines import LogFormat, LogLevel

FILE = "restohub.toml"
PREFIX = "RESTOHUB_"
# In the environment of the process by which a hub backs up its data, and of no other.
BESIDE_HUB = "RESTOHUB_BESIDE_HUB"
NUMBERS = ("port", "tls_port", "log_days", "log_revisions", "restaurants_max", "backup_days", "regular_days")
SWITCHES = ("http", "advertise", "allow_public")
LISTS = ("allowed_hosts", "shared_addresses", "backup_to")
TRUE, FALSE = ("1", "true", "yes", "on"), ("0", "false", "no", "off")

# A name alone, in punycode or not: the guard ignores port and case.
HostName = Annotated[str, Meta(pattern=r"^(?:[\w-]{1,63}\.)*[\w-]{1,63}\.?$", max_length=253)]
IpAddress = Annotated[str, Meta(min_length=2, max_length=45)]
# As age writes it: Bech32 of 32 bytes, whose checksum is held where it is used.
PublicKey = Annotated[str, Meta(pattern=r"^age1[02-9ac-hj-np-z]{58}$")]
Place = Annotated[str, Meta(min_length=1, max_length=4096)]


class SettingsError(Exception):
    """A setting that cannot be as it is; the text says which, where it stands, and what to do."""


class Settings(Struct, frozen=True, kw_only=True):
    """How this hub runs. Each field is a flag (`--log-format`), a variable (`RESTOHUB_LOG_FORMAT`) and a key."""

    host: Annotated[str, Meta(min_length=1)] = "0.0.0.0"
    port: Annotated[int, Meta(ge=1, le=65535)] = 8000
    http: bool = True
    tls: Literal["off", "self"] = "off"
    tls_cert: Place | None = None
    tls_key: Place | None = None
    tls_port: Annotated[int, Meta(ge=1, le=65535)] = 8443
    data: Path = Path()
    name: Annotated[str, Meta(min_length=1, max_length=200)] = "restohub"
    advertise: bool = True
    interface: Annotated[str, Meta(min_length=1)] | None = None
    log_format: LogFormat = "text"
    log_level: LogLevel = "info"
    log_days: Annotated[int, Meta(ge=1, le=3650)] = 7
    log_revisions: Annotated[int, Meta(ge=1, le=100_000_000)] = 100_000
    restaurants_max: Annotated[int, Meta(ge=1, le=10_000)] = RESTAURANTS_MAX
    allowed_hosts: tuple[HostName, ...] = ()
    allow_public: bool = False
    shared_addresses: tuple[IpAddress, ...] = ("127.0.0.1", "::1")
    backup_to: tuple[Place, ...] = ()
    backup_days: Annotated[int, Meta(ge=1, le=3650)] = 28
    backup_key: PublicKey | None = None
    regular_days: Annotated[int, Meta(ge=0, le=3650)] = 365
    access: Mode = "open"

    @property
    def secure(self) -> bool:
        """Whether the hub listens for TLS."""
        return self.tls == "self" or self.tls_cert is not None

    @property
    def first_port(self) -> int:
        """The port that is announced: that of HTTP, where it is not switched off."""
        return self.port if self.http else self.tls_port


SAYS = {
    "host": "an address of this machine, or 0.0.0.0 for all",
    "port": "a number from 1 to 65535",
    "http": "true or false",
    "tls": "off or self",
    "tls_cert": "a file in PEM that has a certificate",
    "tls_key": "a file in PEM that has the certificate's private key",
    "tls_port": "a number from 1 to 65535",
    "data": "a folder",
    "name": "a text of 1 to 200 characters",
    "advertise": "true or false",
    "interface": "the name of a network interface",
    "log_format": "text or json",
    "log_level": "debug, info, warning or error",
    "log_days": "a number of days from 1 to 3650",
    "log_revisions": "a number of changes from 1 to 100000000",
    "restaurants_max": "a number of restaurants from 1 to 10000",
    "allowed_hosts": "a list of host names without a port, such as hub.example.com",
    "allow_public": "true or false",
    "shared_addresses": "a list of IP addresses, such as 192.168.1.1",
    "backup_to": "a list of folders by their whole paths, such as /media/stick",
    "backup_days": "a number of days from 1 to 3650",
    "backup_key": "a public key of age (age1…), as `restohub backup key` makes it",
    "regular_days": "a number of days from 0 to 3650",
    "access": "open or closed",
}


def settings(flags: Mapping[str, Any], environment: Mapping[str, str] | None = None) -> Settings:
    """The settings from the flags that were given (None: not given), the environment and the folder's restohub.toml.

    Raises SettingsError.
    """
    environ = os.environ if environment is None else environment
    given = {
        name: _from_text(name, value) if name in LISTS else value for name, value in flags.items() if value is not None
    }
    named = {name: environ[PREFIX + name.upper()] for name in SAYS if environ.get(PREFIX + name.upper())}
    folder = chosen_folder(given.get("data"), environ) or default_folder()
    found: dict[str, Any] = {}
    for source, values in (
        (str(folder / FILE), _from_file(folder / FILE)),
        ("the environment", {name: _from_text(name, value) for name, value in named.items()}),
        ("the command line", given),
    ):
        for name, value in values.items():
            found[name] = _checked(name, value, source)
    chosen = Settings(**{**found, "data": folder})
    _confirm_tls(chosen)
    return chosen


def _confirm_tls(chosen: Settings) -> None:
    """Refuse what cannot be meant together."""
    if (chosen.tls_cert is None) != (chosen.tls_key is None):
        raise SettingsError("tls_cert and tls_key must be named together: a certificate, and its private key.")
    if chosen.tls == "self" and chosen.tls_cert is not None:
        raise SettingsError("tls = self is the hub's own certificate, and tls_cert is another one. Name one of them.")
    if not chosen.http and not chosen.secure:
        raise SettingsError("Without HTTP there must be TLS: add --tls self, or leave --no-http out.")
    if chosen.http and chosen.secure and chosen.port == chosen.tls_port:
        raise SettingsError(f"HTTP and TLS cannot share port {chosen.port}. Choose another with --tls-port.")


def chosen_folder(flag: Path | None, environment: Mapping[str, str]) -> Path | None:
    """The data folder that a flag, RESTOHUB_DATA or systemd's STATE_DIRECTORY names; None where none does."""
    named = flag or environment.get(PREFIX + "DATA") or environment.get("STATE_DIRECTORY")
    return Path(named) if named else None


def default_folder() -> Path:
    """Where the platform keeps the data of a program."""
    return Path(platformdirs.user_data_dir("restohub", appauthor=False))


def _from_file(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text("utf-8-sig")  # Windows' Notepad writes a byte order mark
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except PermissionError as error:
        if os.access(path.parent, os.F_OK) and not os.access(path.parent, os.X_OK):
            return {}  # of a folder that may not be entered its lock says more
        raise SettingsError(f"{path} cannot be read: {error.strerror}.") from None
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError as error:
        raise SettingsError(f"{path} is not TOML: {error}. Fix it or remove it.") from None
    values = {name.replace("-", "_"): value for name, value in _parsed(path, text).items()}
    for name in values:
        if name not in SAYS or name == "data":
            known = ", ".join(sorted(SAYS.keys() - {"data"}))
            raise SettingsError(f"{path} has a key {name!r} that the hub does not know. It knows: {known}.")
    return values


def _parsed(path: Path, text: str) -> dict[str, Any]:
    import tomllib

    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path} is not TOML: {error}. Fix it or remove it.") from None


def _from_text(name: str, text: str) -> Any:
    if name in NUMBERS and text.isascii() and text.isdecimal():
        return int(text)
    if name in LISTS:
        return [part.strip() for part in text.split(",") if part.strip()]
    if name in SWITCHES:
        return True if text.lower() in TRUE else False if text.lower() in FALSE else text
    return text


def _checked(name: str, value: Any, source: str) -> Any:
    kinds = {field.name: field.type for field in msgspec.structs.fields(Settings)}
    try:
        found = msgspec.convert(str(value) if name == "data" else value, kinds[name], dec_hook=_path)
        if name == "shared_addresses":
            return tuple(str(ipaddress.ip_address(one)) for one in found)
        if name == "backup_to" and not all(Path(one).is_absolute() for one in found):
            raise ValueError(name)
        if name == "allowed_hosts":
            return tuple(one.encode("idna").decode() for one in found)  # as browsers send them
        return found
    except ValueError:  # of msgspec, too
        shown = PREFIX + name.upper() if source == "the environment" else name
        raise SettingsError(f"{shown} in {source} must be {SAYS[name]}, not {value!r}.") from None


def _path(kind: type, value: Any) -> Any:
    return kind(value)
