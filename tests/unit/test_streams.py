"""Our programs with their standard streams closed, full, or unread: a sentence, no traceback."""

from __future__ import annotations

import errno
import io
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from tests.kit.fakedaemon import FakeDaemon
from tests.unit.cli.conftest import ANSWERS
from vswitch import streams
from vswitch.cli.commands import COMMANDS

VSWITCH = "from vswitch.cli import main"
PROGRAMS = {
    VSWITCH: ["--help", "--version", "ps", "bridge --help", "run --help", "exec --help"],
    "from vswitch.daemon import main": ["--help", "--nonsense"],
    "from controlplane.runner import main": ["--help", "--nonsense"],
    "from perf.__main__ import main": ["--help", "--nonsense"],
}
LINES = [(program, words) for program, lines in PROGRAMS.items() for words in lines]
LINES += [(VSWITCH, f"{words} {command.example}") for words, command in COMMANDS.items()]
LINES += [(VSWITCH, words) for words in ("nonsense", "stop c", "rm c", "exec c true", "run true")]
NO_ROOM = "standard output: No space left on device; give it a place that can be written\n"


def started(program: str, words: str, folder: Path, redirection: str) -> tuple[int, str, str]:
    """Runs a program by a shell, as somebody at a prompt would: code, output, error."""
    code = f"import sys; {program}; sys.exit(main())"
    line = ["sh", "-c", f'exec "$@" {redirection}', "sh", sys.executable, "-c", code]
    environment = {
        **os.environ, "VSWITCH_RUN": str(folder), "PYTHONPATH": os.getcwd(),
        "VSWITCH_INIT": "/bin/false",
    }  # fmt: skip
    done = subprocess.run(
        [*line, *words.split()], capture_output=True, text=True, env=environment, cwd=folder,
        check=False, timeout=60, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    for text in (done.stdout, done.stderr):
        assert "Traceback" not in text
        assert "Exception ignored" not in text
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize(("program", "words"), LINES, ids=[words for _, words in LINES])
def test_every_command_ends_well_whatever_its_streams_are(
    tmp_path: Path, program: str, words: str
) -> None:
    (tmp_path / "net.json").write_text('{"bridges": []}')
    with FakeDaemon(tmp_path, ANSWERS) as daemon:
        usual, said, _ = started(program, words, tmp_path, "")
        asked = list(daemon.calls)
        daemon.calls.clear()
        silent = started(program, words, tmp_path, "<&- >&- 2>&-")
        assert daemon.calls == asked  # no socket was taken for one of the three
        full = started(program, words, tmp_path, ">/dev/full")
        assert silent == ((1 if said else usual), "", "")
        if said:
            assert (full[0], full[2].endswith(NO_ROOM)) == (1, True), full
        else:
            assert full[0] == usual


def test_a_complaint_that_can_not_be_written_changes_nothing(tmp_path: Path) -> None:
    for redirection in ("2>/dev/full", "2>&-"):
        assert started(VSWITCH, "nonsense", tmp_path, redirection) == (2, "", "")


def test_what_is_closed_can_not_be_used_and_belongs_to_nobody_else(tmp_path: Path) -> None:
    """A probe in a program's place says what it finds, in a file."""
    probe = f"""
from vswitch import streams
import os, sys
@streams.command("probe")
def main():
    out = open({str(tmp_path / "found")!r}, "w")
    uses = (lambda: os.read(0, 1), lambda: os.write(1, b"x"), lambda: os.write(2, b"x"))
    for fd, use in enumerate(uses):
        try:
            use()
        except OSError as error:
            where, kept = os.readlink(f"/proc/self/fd/{{fd}}"), os.get_inheritable(fd)
            print(where, error.errno, kept, file=out)
    print("lost", file=sys.stderr)
    print(sys.stdin.isatty(), sys.stdout.isatty(), out.fileno() > 2, file=out)
    return 3
"""
    code, *_ = started(f"exec({probe!r})", "", tmp_path, "<&- >&- 2>&-")
    assert code == 3
    assert (tmp_path / "found").read_text().splitlines() == [
        *[f"/dev/null {errno.EBADF} True"] * 3, "False False True",
    ]  # fmt: skip


def test_a_stream_that_somebody_made_non_blocking_gets_all() -> None:
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    code = """
from vswitch import streams
@streams.command("p")
def main():
    print("x" * 300_000)
    return 0
main()
"""
    process = subprocess.Popen([sys.executable, "-c", code], stdout=writer)
    os.close(writer)
    with open(reader) as file:
        assert len(file.read()) == 300_001
    assert process.wait(20) == 0


def test_a_caller_s_own_stream_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    own = io.StringIO()
    monkeypatch.setattr(sys, "stdout", own)

    @streams.command("p")
    def main(word: str) -> int:
        print(word)
        return 4

    assert main("hello") == 4
    assert (own.getvalue(), sys.stdout is own) == ("hello\n", True)


def test_who_can_do_without_output_goes_on(tmp_path: Path) -> None:
    """As a daemon does whose starter doesn't listen."""
    program = """
from vswitch import streams
@streams.command("p")
def main():
    try:
        print("x" * 100_000, flush=True)
    except OSError:
        print("y")
    return 4
"""
    for redirection in (">&-", ">/dev/full"):
        assert started(f"exec({program!r})", "", tmp_path, redirection) == (4, "", "")


def failing(error: OSError) -> Callable[[Sequence[str]], int]:
    @streams.command("p")
    def main(_: Sequence[str]) -> int:
        raise error

    return main


def test_only_what_standard_output_refuses_is_told_here() -> None:
    with pytest.raises(ConnectionResetError):
        failing(ConnectionResetError())([])
