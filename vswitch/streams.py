"""Standard input, output and error as whoever called us left them: closed, full, or unread.

Every program of ours is a function that returns its exit code, wrapped in `command`.  A closed
descriptor is taken by /dev/null before anything else can get its number (a socket that is number
1 would hear what we print), opened such that using it fails as on a closed one.  What can't be
written to standard output ends the program with a sentence, or without one if its reader has gone;
what can't be written to standard error is lost.  Imports little: every start pays for it.
"""

from __future__ import annotations

import errno
import functools
import io
import os
import sys

__all__ = ["Unwritable", "command"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, ParamSpec

    P = ParamSpec("P")

FAILED = 1


class Unwritable(OSError):
    """Standard output takes no more."""


def command(program: str) -> Callable[[Callable[P, int]], Callable[P, int]]:
    """A program's main function, made safe; `program` begins the sentence."""

    def wrapped(main: Callable[P, int]) -> Callable[P, int]:
        @functools.wraps(main)
        def run(*args: P.args, **kwargs: P.kwargs) -> int:
            _steady()
            try:
                try:
                    return main(*args, **kwargs)
                finally:
                    sys.stdout.flush()
            except Unwritable as error:
                if error.errno != errno.EPIPE:
                    do = "give it a place that can be written"
                    print(f"{program}: standard output: {error.strerror}; {do}", file=sys.stderr)
                return FAILED

        return run

    return wrapped


def _steady() -> None:
    for fd, flags in ((0, os.O_WRONLY), (1, os.O_RDONLY), (2, os.O_RDONLY)):
        try:
            os.fstat(fd)
        except OSError:
            _open_at(fd, flags)
    if sys.stdin is None:
        sys.stdin = io.TextIOWrapper(io.BufferedReader(io.FileIO(0, closefd=False)))
    if sys.stdout is sys.__stdout__:  # not one that a test or a caller put there
        sys.stdout = _text(_Output(1, "w", closefd=False), sys.__stdout__, "strict")
    if sys.stderr is sys.__stderr__:
        sys.stderr = _text(_Errors(2, "w", closefd=False), sys.__stderr__, "backslashreplace")


def _open_at(fd: int, flags: int) -> None:
    """/dev/null under that number, which is free; children get it as they would any other."""
    opened = os.open(os.devnull, flags)
    if opened != fd:
        os.dup2(opened, fd)
        os.close(opened)
    os.set_inheritable(fd, True)


def _text(raw: io.FileIO, before: Any, errors: str) -> io.TextIOWrapper:
    """Text onto `raw`, as the stream `before` (None: there was none) had it."""
    return io.TextIOWrapper(
        io.BufferedWriter(raw),
        encoding=before.encoding if before else "utf-8",
        errors=before.errors if before else errors,
        line_buffering=raw.isatty() or raw.fileno() == 2,
    )


class _Output(io.FileIO):
    """Writes all or raises Unwritable, also where whoever shares it made it non-blocking.

    Raises once: whoever heard it decides, and what is still in buffers then must not bring it up
    again at the end.
    """

    refused = False

    def write(self, data: Any) -> int:
        if self.refused:
            return len(data)
        try:
            while (written := super().write(data)) is None:
                import select

                select.select([], [self], [])
        except OSError as error:
            self.refused = True
            raise Unwritable(error.errno, error.strerror) from None
        return written


class _Errors(io.FileIO):
    """Writes what it can."""

    def write(self, data: Any) -> int:
        try:
            written = super().write(data)
        except OSError:
            written = None
        return len(data) if written is None else written
