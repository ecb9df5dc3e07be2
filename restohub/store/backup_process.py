"""Backups made in a process of its own: `restohub backup`, as a person says it, started and stopped with the hub."""

from __future__ import annotations

import asyncio
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import msgspec

from restohub.limits import BACKUP_PROCESS_S
from restohub.live.ports import BackupState

from .backup_folder import found_in, own_folder, places_state

# What a killed process gets to let go of the database, so that the hub closes it in good order.
END_WAIT_S = 1.0


class BackupProcess:
    """Makes the backups of a data folder by this command; `environment` has its settings."""

    def __init__(self, data: Path, command: Sequence[str], environment: Mapping[str, str]) -> None:
        self._data = data
        self._command = command
        self._environment = environment

    def look(self) -> BackupState:
        """The newest good backup of the folder, as it is called; a place on a dead network is not asked."""
        good = [one for one in found_in(own_folder(self._data)) if one.manifest is not None]
        states = places_state(self._data)
        return BackupState(
            time=good[0].manifest.time if good and good[0].manifest else None,
            size_bytes=good[0].size_bytes if good else 0,
            places=[one.place for one in states if one.fault is None],
            missing=[one.fault for one in states if one.fault is not None],
        )

    async def make(self, *, renew: bool = False) -> str | None:
        """Make a backup; None where it was made, else the sentence why not."""
        try:
            process = await asyncio.create_subprocess_exec(
                *self._command,
                *(["--renew"] * renew),
                stdin=DEVNULL,
                stdout=PIPE,
                stderr=PIPE,
                env=dict(self._environment),
            )
        except OSError as error:
            return f"No process could be started for it ({error.strerror})."
        try:
            said, complained = await asyncio.wait_for(process.communicate(), BACKUP_PROCESS_S)
        except TimeoutError:
            await _end(process)
            return "Its process did not end within 30 minutes: perhaps a place of `backup_to` does not answer."
        except asyncio.CancelledError:
            await _end(process)
            raise
        with suppress(msgspec.DecodeError):
            msgspec.json.decode(said, type=dict)
            return None
        lines = complained.decode("utf-8", "replace").strip().splitlines()
        return lines[-1] if lines else f"Its process ended with status {process.returncode}."


async def _end(process: Process) -> None:
    """Kill it; one that hangs in a dead disk is not waited for."""
    with suppress(ProcessLookupError):
        process.kill()
    with suppress(TimeoutError):
        await asyncio.wait_for(process.wait(), END_WAIT_S)
