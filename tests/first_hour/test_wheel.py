"""A wheel in a virtual environment of its own works without the checkout that it was made from."""

from __future__ import annotations

import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

from tests.kit.console import alone, sections

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]
README = sections((ROOT / "README.md").read_text(encoding="utf-8"))

PROGRAMS = {"vswitch", "vswitchd", "vswitch-controller", "vswitch-forwarder", "vswitch-init"}
MANUAL = {"vswitch.1", "vswitchd.8", "vswitch-controller.8", "vswitch-forwarder.8"}
COMPLETIONS = {
    "bash-completion/completions/vswitch", "zsh/site-functions/_vswitch",
    "fish/vendor_completions.d/vswitch.fish",
}  # fmt: skip
UNITS = {"vswitchd.service", "vswitch-forwarder.service", "vswitch-controller@.service"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    line = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation"]
    line += ["--config-settings", f"build-dir={folder / 'build'}", "-w", str(folder), str(ROOT)]
    subprocess.run(line, check=True)
    (made,) = folder.glob("vswitch-*.whl")
    return made


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment in which there is the wheel and what it needs."""
    folder = tmp_path_factory.mktemp("venv")
    venv.create(folder, with_pip=True)
    subprocess.run([folder / "bin/pip", "install", "-q", wheel], check=True, cwd="/")
    return folder


def test_it_has_all_that_runs_and_nothing_that_only_tests(wheel: Path) -> None:
    names = [Path(name) for name in zipfile.ZipFile(wheel).namelist()]
    tops = {name.parts[0] for name in names if not name.parts[0].endswith((".dist-info", ".data"))}
    assert tops == {"vswitch", "datapath", "controlplane", "containers"}
    assert {name.name for name in names if name.suffix == ".service"} == UNITS
    assert not [name for name in names if name.suffix in (".c", ".h") or "tests" in name.parts]


def test_its_programs_are_there_and_come_from_it(installed: Path) -> None:
    assert {path.name for path in (installed / "bin").iterdir()} >= PROGRAMS
    assert {path.name for path in (installed / "lib/systemd/system").iterdir()} == UNITS
    share = installed / "share"
    assert {path.name for path in share.glob("man/man?/vswitch*")} == MANUAL
    assert all((share / path).is_file() for path in COMPLETIONS)
    code = "import vswitch, datapath.ffi, controlplane, containers; print(vswitch.__file__)"
    line = [installed / "bin/python", "-c", code]
    told = subprocess.run(line, cwd="/", capture_output=True, text=True, check=True, env={}).stdout
    assert Path(told.strip()).is_relative_to(installed)


@pytest.mark.parametrize(
    "headings",
    [("A first switch, and nothing left of it",), ("Without systemd", "A switch that stays")],
)
def test_the_first_hour_works_with_it(installed: Path, headings: tuple[str, ...]) -> None:
    with alone(installed / "bin") as shell:
        for heading in headings:
            for line in README[heading]:
                shell.paste(line)


def test_its_controller_starts(installed: Path) -> None:
    with alone(installed / "bin") as shell:
        said, code = shell.run("timeout -s TERM 3 vswitch-controller learning", 30)
        assert "vswitch-controller: learning on tcp:127.0.0.1:6653" in said, (said, code)
