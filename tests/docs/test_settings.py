"""The tables of settings and commands in operate.md, held to the settings and the commands themselves."""

from __future__ import annotations

import re
from typing import Any

import msgspec
import typer

from restohub.cli.main import cli
from restohub.config import PREFIX, Settings
from restohub.doctor.report import MARKS, Check, DoctorReport
from tests.docs.markdown_pages import cells, part

OPERATE = "restohub/docs/operate.md"
FIELDS = {field.name: field.default for field in msgspec.structs.fields(Settings)}
SETTINGS = cells(part(OPERATE, "Settings"))
# Where what counts is no one value.
DEFAULTS = {
    "data": "`$STATE_DIRECTORY`, else the platform's place",
    "interface": "each that iPads may be on",
    "backup_key": "none",
}


def shown(name: str, default: Any) -> str:
    """A default as the table says it."""
    if isinstance(default, tuple):
        return ", ".join(f"`{one}`" for one in default) or "none"
    return {True: "on", False: "off"}[default] if isinstance(default, bool) else f"`{default}`"


def row(name: str, default: Any) -> list[str]:
    """What the table has to say of a setting: flag, variable, key, default."""
    flag, variable = name.replace("_", "-"), PREFIX + name.upper()
    told = DEFAULTS.get(name) or shown(name, default)
    if isinstance(default, bool):
        wanted = str(not default).lower()
        return [f"`--{'no-' * default}{flag}`", f"`{variable}={wanted}`", f"`{name} = {wanted}`", told]
    if isinstance(default, tuple):
        return [f"`--{flag}`", f"`{variable}` (commas between)", f"`{name}` (a list)", told]
    return [f"`--{flag}`", f"`{variable}`", "" if name == "data" else f"`{name}`", told]


def test_the_table_of_settings_is_that_of_the_code() -> None:
    assert [one[:4] for one in SETTINGS[1:]] == [row(name, default) for name, default in FIELDS.items()]


def test_every_setting_says_what_it_does() -> None:
    assert all(len(one) == 5 and one[4] for one in SETTINGS)


def test_every_flag_of_the_table_is_one_of_serve() -> None:
    serve = typer.main.get_command(cli).commands["serve"]  # type: ignore[attr-defined]  # typer gives a group
    flags = {flag for option in serve.params for flag in (*option.opts, *option.secondary_opts)}
    assert {one[0].strip("`") for one in SETTINGS[1:]} <= flags


def test_the_table_of_commands_is_that_of_the_code() -> None:
    listed = [one[0].strip("`").removeprefix("restohub ") for one in cells(part(OPERATE, "The commands"))[1:]]
    words = {
        " ".join(
            re.findall(
                r"^[a-z]+|(?<=^service )\w+|(?<=^identity )\w+|(?<=^devices )\w+|(?<=^access )\w+|(?<=^staff )\w+"
                r"|(?<=^backup )key",
                one,
            )
        )
        for one in listed
    }
    found = set()
    for name, command in typer.main.get_command(cli).commands.items():  # type: ignore[attr-defined]  # typer gives a group
        below = {f"{name} {one}" for one in getattr(command, "commands", {})}
        found |= below | ({name} if not below or command.invoke_without_command else set())
    assert words == found


def test_what_the_doctor_prints_for_machines_is_told() -> None:
    told = part(OPERATE, "Is everything well? `restohub doctor`")
    keys = [re.escape(f'"{name}"') for name in (*DoctorReport.__struct_fields__, *Check.__struct_fields__)]
    assert re.search(".*".join(keys), " ".join(told.split()))
    results = ", ".join(f"`{mark}`" for mark in MARKS.values())
    assert results == "`✓`, `!`, `✗`, `·`"
    assert all(f"`{mark}`" in told for mark in MARKS.values())
    assert all(f'"{result}"' in told for result in MARKS)
