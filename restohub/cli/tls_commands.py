"""The command `restohub tls new`: another certificate of the hub's own."""

from __future__ import annotations

import json
import os

import typer

from restohub.config import chosen_folder, default_folder

from .options import AsJson, DataAsServe
from .terminal import exit_with_error

tls = typer.Typer(
    help="The hub's own certificate, as `serve --tls self` makes it.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@tls.callback()
def root() -> None:
    """Hold the commands together."""


@tls.command(short_help="Make another certificate of the hub's own, for its next start.")
def new(
    data: DataAsServe = None,
    as_json: AsJson = False,
) -> None:
    """Make another certificate of the hub's own, which counts from its next start on.

    Whoever knows the hub by the old one must be told the new SHA-256, or it takes the hub for another. Say this where
    the key may have been read by somebody else. The exit status is 0 where it is done, else 1.
    """
    from restohub.net.certificate import CertificateError, read_certificate
    from restohub.net.own_certificate import OWN_CERTIFICATE, make_own_certificate
    from restohub.net.runfile import read_runfile

    os.umask(0o077)  # as the hub itself: what it makes is its own user's alone
    folder = chosen_folder(data, os.environ) or default_folder()
    try:
        place = read_runfile(folder)
        if place is None or not (folder / OWN_CERTIFICATE).exists():
            exit_with_error(f"There is no certificate in {folder}: `restohub serve --tls self` makes it.")
        made = make_own_certificate(folder, place.id)
        fingerprint = read_certificate(made, made).fingerprint
    except (CertificateError, PermissionError) as error:
        exit_with_error(str(error))
    if as_json:
        typer.echo(json.dumps({"data": str(folder.absolute()), "fingerprint": fingerprint}, indent=2))
        return
    typer.echo(f"The SHA-256 of the certificate is {fingerprint}\nfrom the next start of the hub on.")
