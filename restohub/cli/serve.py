"""The command `restohub serve`: runs the hub, or says why it cannot."""

from __future__ import annotations

import asyncio
import logging
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from restohub.config import Settings, SettingsError, settings
from restohub.logs.lines import start_log
from restohub.upkeep.last_error import forget_error, note_error

from .terminal import exit_with_error

if TYPE_CHECKING:
    from restohub.access.roles import Mode
    from restohub.live.hub_address import Endpoint

log = logging.getLogger("restohub")

# The longer options.
Http = Annotated[
    bool | None, typer.Option("--http/--no-http", help="Serve plain HTTP too, where there is TLS. [default: yes]")
]
Tls = Annotated[str | None, typer.Option(help="self: TLS by a certificate of its own. [default: off]")]
TlsCertificate = Annotated[str | None, typer.Option(help="A certificate for TLS, a file in PEM. [default: none]")]
TlsKey = Annotated[str | None, typer.Option(help="Its private key, a file in PEM. [default: none]")]
TlsPort = Annotated[int | None, typer.Option(help="Port of TLS. [default: 8443]")]
Data = Annotated[
    Path | None,
    typer.Option(
        readable=False,
        help="Folder that holds the data. [default: $STATE_DIRECTORY, else the platform's usual place]",
    ),
]
Advertise = Annotated[
    bool | None, typer.Option("--advertise/--no-advertise", help="Let iPads find the hub. [default: advertise]")
]
AllowPublic = Annotated[
    bool | None,
    typer.Option("--allow-public/--no-allow-public", help="Answer the Internet as well. [default: no]"),
]


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on. [default: 0.0.0.0, every one]")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on. [default: 8000]")] = None,
    http: Http = None,
    tls: Tls = None,
    tls_cert: TlsCertificate = None,
    tls_key: TlsKey = None,
    tls_port: TlsPort = None,
    data: Data = None,
    name: Annotated[str | None, typer.Option(help="What this hub is called. [default: restohub]")] = None,
    advertise: Advertise = None,
    interface: Annotated[
        str | None, typer.Option(help="Network interface to be found on. [default: each that iPads may be on]")
    ] = None,
    log_format: Annotated[str | None, typer.Option(help="text for people, json for machines. [default: text]")] = None,
    log_level: Annotated[str | None, typer.Option(help="debug, info, warning or error. [default: info]")] = None,
    log_days: Annotated[int | None, typer.Option(help="Days of changes to keep for absent iPads. [default: 7]")] = None,
    log_revisions: Annotated[
        int | None, typer.Option(help="Changes per restaurant to keep for absent iPads. [default: 100000]")
    ] = None,
    restaurants_max: Annotated[
        int | None, typer.Option(help="How many restaurants this hub may have. [default: 200]")
    ] = None,
    allowed_hosts: Annotated[
        str | None,
        typer.Option(help="Further names by which browsers may open the hub, separated by commas. [default: none]"),
    ] = None,
    allow_public: AllowPublic = None,
    shared_addresses: Annotated[
        str | None,
        typer.Option(help="Addresses shared by many devices, which get no per-address limit. [default: 127.0.0.1,::1]"),
    ] = None,
    backup_to: Annotated[
        str | None,
        typer.Option(help="Folders on other disks that get copies of backups, separated by commas. [default: none]"),
    ] = None,
    backup_days: Annotated[int | None, typer.Option(help="Days that backups are kept at most. [default: 28]")] = None,
    backup_key: Annotated[str | None, typer.Option(help="Public key that encrypts backups. [default: none]")] = None,
    regular_days: Annotated[int | None, typer.Option(help="Days that regulars are recognised. [default: 365]")] = None,
    access: Annotated[str | None, typer.Option(help="Whether a new hub is open or closed. [default: open]")] = None,
) -> None:
    """Run the hub until it is told to stop (Ctrl-C, SIGTERM).

    Each option is also an environment variable (RESTOHUB_PORT, RESTOHUB_LOG_FORMAT, ...) and a key of restohub.toml in
    the data folder (port = 8000, log_format = "json", advertise = false, ...). A flag wins over the environment, that
    over the file, that over the default.
    """
    flags = dict(locals())  # the options under their settings' names
    try:
        chosen = settings(flags)
    except SettingsError as error:
        exit_with_error(str(error))
    start_log(chosen.log_format, chosen.log_level, chosen.shared_addresses)
    sys.exit(_run(chosen))


def _run(chosen: Settings) -> int:
    from restohub.app import serve as serve_hub  # the framework takes half of the time to start
    from restohub.doctor.backups import newest_backup
    from restohub.live.ports import StorageBackError, StorageFailedError, StorageFullError, StorageUnavailableError
    from restohub.net.certificate import CertificateError
    from restohub.net.running_hub import port_taken, served_already
    from restohub.store.codec import DamageError
    from restohub.store.data_folder import FolderError, ServedError
    from restohub.store.errors import DatabaseError
    from restohub.web.transport.listener import PortError

    from .banner import announce_ready

    def ready(endpoint: Endpoint, mode: Mode) -> None:
        forget_error(chosen.data)
        announce_ready(chosen, endpoint, mode)

    try:
        _loop_runner(serve_hub(chosen, ready))
        log.info("The hub has stopped; everything it answered is saved.")
    except ServedError:
        exit_with_error(served_already(chosen.data))
    except (FolderError, StorageBackError) as error:
        exit_with_error(str(error))
    except PortError as error:
        _ended(chosen, port_taken(chosen.host, error.port, chosen.data) or str(error))
    except CertificateError as error:
        _ended(chosen, str(error))
    except DamageError as error:
        _ended(
            chosen,
            f"The data in {chosen.data} are damaged: {error}. The hub does not serve them. "
            f"{newest_backup(chosen.data, chosen.backup_to)}",
        )
    except (StorageFailedError, StorageFullError, StorageUnavailableError) as error:
        exit_with_error(f"The disk of {chosen.data} failed: {error}. Check the disk, then start the hub again.")
    except (DatabaseError, OSError, UnicodeError) as error:
        _ended(chosen, f"The hub cannot run with {chosen.data} on {chosen.host}: {error}.")
    return 0


def _ended(chosen: Settings, sentence: str) -> None:
    """Stop, with a note for `restohub doctor`; not where the disk failed or another hub holds the folder."""
    note_error(chosen.data, sentence)
    exit_with_error(sentence)


def _loop_runner(main: Any) -> None:
    """Run on uvloop where there is one."""
    try:
        import uvloop
    except ImportError:  # Windows has none
        asyncio.run(main)
    else:
        uvloop.run(main)
