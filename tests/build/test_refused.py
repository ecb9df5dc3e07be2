"""What `python -m restohub.build` says when it cannot, and what it and `licences` say without a build."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from restohub.build.contents import ContentsError, bundled_texts, imported_by_the_hub, modules_left_out

ROOT = Path(__file__).parents[2]


def run(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Python with these arguments."""
    command = [sys.executable, *arguments]
    env = {**os.environ, **environ}
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=60)


def test_without_pyinstaller_it_says_how_to_get_it(tmp_path: Path) -> None:
    hidden = (
        "import sys, runpy; sys.modules['PyInstaller'] = None; runpy.run_module('restohub.build', None, '__main__')"
    )
    done = run("-c", hidden, "--output", str(tmp_path / "restohub"))
    assert (done.returncode, list(tmp_path.iterdir())) == (1, [])
    assert done.stderr == "PyInstaller is not installed; `pip install -e '.[build]'`, in this repository, brings it.\n"


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux needs binutils")
def test_without_binutils_it_says_how_to_get_them(tmp_path: Path) -> None:
    done = run("-m", "restohub.build", "--output", str(tmp_path / "restohub"), PATH="/nowhere")
    assert (done.returncode, list(tmp_path.iterdir())) == (1, [])
    assert done.stderr == "The program objdump is missing; `sudo apt install binutils` brings it.\n"


def test_a_folder_is_no_file_to_make(tmp_path: Path) -> None:
    done = run("-m", "restohub.build", "--output", str(tmp_path))
    assert done.returncode == 1
    assert done.stderr == f"{tmp_path} is a folder; name the file to make, such as {tmp_path}/restohub.\n"


def test_its_help_teaches_and_a_wrong_option_is_status_2() -> None:
    taught = run("-m", "restohub.build", "--help", COLUMNS="200")
    assert taught.returncode == 0
    assert all(
        word in taught.stdout for word in ("--output", "dist/restohub", "service install", "licences", "a minute")
    )
    assert run("-m", "restohub.build", "--onefile").returncode == 2


def test_what_the_hub_imports_is_never_left_out() -> None:
    imported = imported_by_the_hub()
    assert {"litestar", "zeroconf", "uvloop", "tomllib"} <= imported
    left_out = set(modules_left_out())
    assert {"pytest", "PyInstaller", "rich", "readline", "jinja2", "markdown_it", "pygments"} <= left_out
    assert imported & left_out == set()


def test_what_came_without_a_licence_is_not_passed_on(tmp_path: Path) -> None:
    bare = tmp_path / "restohub-9.dist-info"
    bare.mkdir()
    (bare / "METADATA").write_text("Metadata-Version: 2.4\nName: restohub\nVersion: 9\n")
    done = run("-m", "restohub.build", "--output", str(tmp_path / "made"), PYTHONPATH=f"{tmp_path}{os.pathsep}{ROOT}")
    assert (done.returncode, (tmp_path / "made").exists()) == (1, False)
    assert done.stderr == "restohub 9 came without its licence, so it cannot be passed on.\n"


def test_a_library_whose_licence_nobody_knows_is_not_passed_on(tmp_path: Path) -> None:
    with pytest.raises(ContentsError, match=r"^The licence of .*/libodd\.so is nowhere on this machine"):
        bundled_texts(tmp_path / "bundled", [("libodd.so", str(tmp_path / "libodd.so"))])


@pytest.mark.skipif(shutil.which("dpkg") is None, reason="only Debian says whose a library is")
def test_a_library_of_debian_comes_with_its_copyright(tmp_path: Path) -> None:
    lines = Path("/proc/self/maps").read_text().splitlines()
    library = next(line.split()[5] for line in lines if "/libc.so" in line)
    placed = bundled_texts(tmp_path / "bundled", [("libc.so.6", library)])
    texts = {Path(name).name: Path(file).read_text("utf-8") for name, file, _ in placed}
    assert "GNU C Library" in texts["libc6.txt"]
    assert "PYTHON SOFTWARE FOUNDATION LICENSE" in texts[f"Python {sys.version.split()[0]}.txt"]


def test_an_installation_by_pip_names_its_parts_the_same_way() -> None:
    done = run("-m", "restohub", "licences")
    assert (done.returncode, done.stderr) == (0, "")
    for name in ("restohub", "litestar", "uvloop", "zeroconf", "typing_extensions"):
        title = f"{name} {version(name)}"
        assert f"{title}\n{'=' * len(title)}\n\n" in done.stdout
    assert done.stdout.startswith("restohub ")
    assert "Apache License" in done.stdout.partition("aiosqlite ")[0]
    assert "No licence was installed" not in done.stdout
