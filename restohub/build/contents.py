"""The contents of the one file: what goes in, what stays out, and the licences of what goes in."""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterable
from importlib.metadata import distribution, packages_distributions
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

from restohub.cli.licences import BUNDLED, distributions, licence_texts, normalized_name

# Required by others' metadata, imported by no hub: colours of a terminal, test clients, made-up examples, HTMX.
UNUSED = frozenset({"rich", "rich-click", "polyfactory", "httpx", "litestar-htmx"})
# Of Python's own, met by way of its debugger: never used, and GNU readline is under the GPL.
LEFT_OUT = ("curses", "readline", "tkinter")


class ContentsError(Exception):
    """The one file cannot be made of what is installed; the text says why and what to do."""


def metadata(folder: Path) -> list[tuple[str, str]]:
    """Each distribution's name, version and licences, in files below `folder`: where they are and where they go.

    Not the whole of its metadata: an editable installation's say where on this machine it was made.
    Raises ContentsError where a distribution has no licence.
    """
    placed: list[tuple[str, str]] = []
    for one in distributions(but=UNUSED):
        found = licence_texts(one)
        if not found:
            raise ContentsError(f"{one.name} {one.version} came without its licence, so it cannot be passed on.")
        home = next(iter(found)).partition("/")[0]
        kept = {f"{home}/METADATA": one.read_text("METADATA") or "", **found}
        kept[f"{home}/RECORD"] = "".join(f"{path},,\n" for path in kept)
        for path, text in kept.items():
            file = folder / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, "utf-8")
            placed.append((str(file), str(Path(path).parent)))
    return placed


def modules_left_out() -> list[str]:
    """What must not be bundled, whoever imports it: all that is installed here and not the hub's.

    Raises ContentsError where the hub imports such a module itself.
    """
    needed = {normalized_name(one.name) for one in distributions(but=UNUSED)}
    owners = packages_distributions()
    foreign = [module for module, names in owners.items() if not needed & {normalized_name(name) for name in names}]
    if missed := sorted(imported_by_the_hub() & set(foreign)):
        raise ContentsError(
            f"The hub imports {', '.join(missed)}, which the installed restohub does not ask for: it is another "
            "version than this code. Install it again with pip."
        )
    return sorted({*foreign, *LEFT_OUT})


def imported_by_the_hub() -> set[str]:
    """The top-level names of all that the hub's own modules import."""
    package = Path(__file__).parents[1]
    found: set[str] = set()
    for path in package.rglob("*.py"):
        if Path(__file__).parent in path.parents:
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                found |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                found.add(node.module.partition(".")[0])
    return found


def bundled_texts(folder: Path, binaries: Iterable[tuple[str, str]]) -> list[tuple[str, str, str]]:
    """The licences of Python, of PyInstaller's loader and of each library of the system among `binaries`.

    `binaries` are pairs of a name in the one file and a path on this machine. The answer is as PyInstaller wants it.
    Raises ContentsError where a library's licence is not to be found.
    """
    found = {f"Python {sys.version.split()[0]}": (python_folder() / "LICENSE.txt").read_text("utf-8")}
    loader = distribution("pyinstaller")
    found[f"PyInstaller's loader {loader.version}"] = "\n\n".join(licence_texts(loader).values())
    homes = [python_folder(), *(Path(sysconfig.get_path(name)) for name in ("purelib", "platlib"))]
    for name, source in binaries:
        path = Path(source).resolve()
        if not name.startswith("libpython") and not any(path.is_relative_to(home.resolve()) for home in homes):
            found.update(_system_licence(path))
    folder.mkdir()
    placed = []
    for title, text in found.items():
        file = folder / f"{title}.txt"
        file.write_text(text, "utf-8")
        placed.append((f"restohub/{BUNDLED}/{file.name}", str(file), "DATA"))
    return placed


def time_zones(folder: Path) -> tuple[str, str, str]:
    """The package tzdata as one archive: as 600 files it would double the time to unpack and clear up."""
    (home,) = (Path(str(one.locate_file(""))) for one in distributions() if one.name == "tzdata")
    made = folder / "tzdata.zip"
    with ZipFile(made, "w", ZIP_DEFLATED) as archive:
        for path in sorted((home / "tzdata").rglob("*")):
            if path.is_file() and path.suffix != ".pyc":  # what is compiled says where on this machine it was
                archive.write(path, path.relative_to(home))
    return (made.name, str(made), "DATA")


def python_folder() -> Path:
    """Where Python's own modules and its licence are."""
    return Path(sysconfig.get_path("stdlib"))


def _system_licence(library: Path) -> dict[str, str]:
    """The licence of a library that is neither Python's nor a distribution's, by the name of what brought it."""
    if shutil.which("dpkg"):
        # Debian knows some libraries by the path before /lib became a link to /usr/lib.
        for path in (str(library), str(library).removeprefix("/usr")):
            asked = ["dpkg", "--search", path]
            said = subprocess.run(asked, capture_output=True, text=True, check=False, timeout=60).stdout
            package = said.partition(":")[0]
            text = Path("/usr/share/doc", package, "copyright")
            if package and text.is_file():
                return {package: text.read_text("utf-8")}
    if library.is_relative_to(Path(sys.base_prefix).resolve()):
        return {}  # came with Python, whose licence names it
    raise ContentsError(f"The licence of {library} is nowhere on this machine, so it cannot be passed on.")
