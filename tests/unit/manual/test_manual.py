"""Manual pages say what the programs declare, and nothing in them troubles roff."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from containers.requests import REQUESTS as CONTAINER_REQUESTS
from controlplane.options import OWN
from manual import roff
from manual.__main__ import COMPLETIONS, write
from manual.pages import EXITS, FORWARDER_OPTIONS, PAGES, text
from tests.kit import needs
from tests.kit.lab import forwarder
from vswitch import words
from vswitch.cli.commands import COMMANDS
from vswitch.cli.globals import OPTIONS
from vswitch.cli.shells import SCRIPTS
from vswitch.daemon.options import parser
from vswitch.errors import Exit

needs_groff = needs.command("groff", "groff-base")


def plain(page: str) -> str:
    """A page as it is read, without roff's escapes."""
    said = text(PAGES[page]())
    return said.replace("\\-", "-").replace("\\&", "").replace("\\(dq", '"').replace("\\(aq", "'")


@needs_groff
@pytest.mark.parametrize("page", PAGES)
def test_roff_has_no_complaint(page: str) -> None:
    said = text(PAGES[page]())
    done = subprocess.run(
        ["groff", "-man", "-ww", "-Tutf8", "-rCHECKSTYLE=3"], input=said, text=True,
        capture_output=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert page.partition("/")[2].partition(".")[0] in done.stdout


@needs_groff
def test_roff_complains_where_something_is_wrong() -> None:
    said = text(PAGES["man8/vswitchd.8"]()) + ".NOSUCHMACRO\n"
    done = subprocess.run(
        ["groff", "-man", "-ww", "-Tutf8"], input=said, text=True, capture_output=True,
        check=False,
    )  # fmt: skip
    assert "NOSUCHMACRO" in done.stderr


@needs.command("man", "man-db")
@pytest.mark.parametrize("page", PAGES)
def test_man_shows_it(page: str, tmp_path: Path) -> None:
    write(tmp_path)
    done = subprocess.run(
        ["man", "--warnings", "-l", str(tmp_path / "man" / page)], text=True,
        capture_output=True, check=False, env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"},
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert "SEE ALSO" in done.stdout


def test_each_command_has_its_words_options_and_example() -> None:
    page = plain("man1/vswitch.1")
    for name, command in COMMANDS.items():
        part = page.split(f'.SS "vswitch {name}', 1)[1].split(".SS ", 1)[0]
        for option in words.options(command.request):
            assert all(spelt in part for spelt in words.named(option)), (name, option.name)
        assert command.example in part
    for name in CONTAINER_REQUESTS:
        assert f'.SS "vswitch {name}' in page
    for of_all in OPTIONS:
        assert f'.B "{", ".join(of_all.spelt)}' in page


def test_each_exit_code_is_explained() -> None:
    assert EXITS.keys() == set(Exit)
    assert all(f'.B "{int(code)}"' in plain("man1/vswitch.1") for code in Exit)


def test_the_daemon_s_and_the_controller_s_options_are_there() -> None:
    page = plain("man8/vswitchd.8")
    options = [name for action in parser()._actions for name in action.option_strings]
    assert all(name in page for name in options)
    page = plain("man8/vswitch-controller.8")
    assert all(f"--{own.name}" in page for own in OWN if not own.positional)


def test_the_forwarder_s_options_are_those_that_it_says_itself() -> None:
    program = forwarder()
    assert program, "`make build` installs it"
    said = subprocess.run([program], capture_output=True, text=True, check=False).stderr
    assert set(re.findall(r"--\w+", said)) == {tag.split()[0] for tag in FORWARDER_OPTIONS}
    assert all(text in said for text in FORWARDER_OPTIONS.values() if "daemon goes" in text)


@pytest.mark.parametrize(
    ("plain", "roffs"),
    [
        (".SH is none", "\\&.SH is none"),
        ("'br is none", "\\(aqbr is none"),
        ("a\\b --c", "a\\eb \\-\\-c"),
        ("~/.bashrc", "\\(ti/.bashrc"),
    ],
)
def test_text_is_text_to_roff(plain: str, roffs: str) -> None:
    assert roff.escaped(plain) == roffs


def test_what_an_installation_gets_is_written_by_the_python_that_builds_it(tmp_path: Path) -> None:
    """No package is there when a wheel is built."""
    root = Path(__file__).parents[3]
    done = subprocess.run(
        [sys.executable, "-S", "-m", "manual", str(tmp_path)], cwd=root, capture_output=True,
        text=True, check=False, env={"PYTHONPATH": str(root), "PYTHONDONTWRITEBYTECODE": "1"},
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    for page in PAGES:
        assert (tmp_path / "man" / page).read_text() == text(PAGES[page]())
    for shell, where in COMPLETIONS.items():
        assert (tmp_path / where).read_text() == SCRIPTS[shell]
