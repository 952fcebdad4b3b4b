"""The console blocks of a README, pasted line by line as a reader would, and what they show.

A block is ```console, a line to paste begins with "# ", and what stands below is what it shows,
with "..." for whatever differs from time to time (like doctest's ELLIPSIS, over lines, too).  Of a
line with nothing below it only the exit code counts.
"""

from __future__ import annotations

import os
import re
import select
import shlex
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from tests.kit import needs

PATIENCE_S = 15.0
"""How long a line that goes on in the background may take to show what it should."""


ALONE = """
mount -t tmpfs run /run && mount -t tmpfs state /var/lib && ip link set lo up && exec bash
"""


@dataclass(frozen=True, slots=True)
class Line:
    """A line to paste, where it stands, and what it shows."""

    number: int
    text: str
    shows: str

    def fits(self, output: str) -> bool:
        """Whether that output is as shown; how wide columns are makes no difference."""
        if not self.shows:
            return True
        pattern = ".*?".join(re.escape(part) for part in _even(self.shows).split("..."))
        return re.fullmatch(pattern, _even(output), re.DOTALL) is not None


def _even(text: str) -> str:
    lines = (re.sub(r"[ \t]+", " ", line).strip() for line in text.strip().splitlines())
    return "\n".join(lines)


def sections(readme: str) -> dict[str, list[Line]]:
    """The lines to paste below each heading."""
    found: dict[str, list[Line]] = {}
    heading, inside = "", False
    text, number, shows = "", 0, list[str]()

    def end() -> None:
        if text:
            found.setdefault(heading, []).append(Line(number, text, "\n".join(shows)))
        shows.clear()

    for at, row in enumerate(readme.splitlines(), 1):
        if row.startswith("```"):
            end()
            text, inside = "", row == "```console"
        elif inside and row.startswith("# "):
            end()
            text, number = row[2:], at
        elif inside:
            shows.append(row)
        elif row.startswith("#"):
            heading = row.lstrip("#").strip()
    return found


class Shell:
    """One bash, started by `command`, into which lines are pasted one after the other."""

    def __init__(self, command: Sequence[str], env: Mapping[str, str] | None = None) -> None:
        self._pasted = 0
        self._bash = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            env=env,
        )  # fmt: skip

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        self._bash.kill()
        self._bash.wait()
        for stream in (self._bash.stdin, self._bash.stdout):
            if stream:
                stream.close()

    def paste(self, line: Line, seconds: float = 60) -> None:
        """Pastes a line and looks at what it shows; AssertionError with both if they differ."""
        said = f"line {line.number}, {line.text!r}"
        output, code = self.run(line.text, seconds)
        assert code == 0, f"{said} ended with {code}:\n{output}"
        end = time.monotonic() + PATIENCE_S
        while not line.fits(output) and line.text.endswith("&") and time.monotonic() < end:
            output += self._read(0.1).decode(errors="replace")
        assert line.fits(output), f"{said} showed\n{output}\nand not\n{line.shows}"

    def run(self, text: str, seconds: float = 60) -> tuple[str, int]:
        """A command's output and exit code."""
        self._pasted += 1
        mark = f"pasted-{self._pasted}-ended-"
        stdin = self._bash.stdin
        assert stdin
        told = f"eval {shlex.quote(text)} </dev/null\ncode=$?; echo; echo {mark}$code\n"
        stdin.write(told.encode())
        stdin.flush()
        output, end = b"", time.monotonic() + seconds
        while not (found := re.search(rb"\n" + mark.encode() + rb"(\d+)\n", output)):
            assert time.monotonic() < end, f"{text!r} took more than {seconds} s:\n{output!r}"
            assert self._bash.poll() is None, f"the shell ended at {text!r}:\n{output!r}"
            output += self._read(1)
        rest = output[: found.start()] + output[found.end() :]
        return rest.decode(errors="replace"), int(found[1])

    def _read(self, seconds: float) -> bytes:
        stream = self._bash.stdout
        assert stream
        ready, _, _ = select.select([stream], [], [], seconds)
        return stream.read1(1 << 16) if ready else b""


def alone(programs: Path, **environment: str) -> Shell:
    """A bash with network and run folders of its own, in /, that finds those programs first.

    What it has started is gone when it ends.
    """
    needs.namespaces()
    needs.mounts()
    path = f"{programs}:{os.environ['PATH']}"
    hidden = ("VSWITCH_RUN", "XDG_RUNTIME_DIR", "PYTHONPATH", "VIRTUAL_ENV")
    inherited = {name: value for name, value in os.environ.items() if name not in hidden}
    line = ["unshare", "-mnpf", "--kill-child", "--mount-proc", "--propagation", "private"]
    line += ["--wd", "/", "bash", "-c", ALONE]
    return Shell(line, {**inherited, "PATH": path, **environment})
