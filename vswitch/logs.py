"""The log of a program that goes on: a line a message, with time, program and level.

    2026-11-28T20:15:01.123Z vswitchd warning: the forwarder (process 7) is gone

Times are UTC.  Where standard error leads to systemd's journal, that keeps time and level by
itself, and is told the level as it likes it: `<4>vswitchd: the forwarder ...` (sd-daemon(3)).  A
file can be moved away or removed at any time: the next line makes it anew.  A log that can't be
written is lost, and nothing else.
"""

from __future__ import annotations

import logging
import os
import sys
import time
from logging.handlers import WatchedFileHandler

from vswitch.errors import Failure

_PRIORITIES = {
    logging.CRITICAL: 2, logging.ERROR: 3, logging.WARNING: 4, logging.INFO: 6, logging.DEBUG: 7,
}  # fmt: skip


class Dated(logging.Formatter):
    """Lines for people and files."""

    def __init__(self, program: str) -> None:
        super().__init__()
        self.program = program

    def format(self, record: logging.LogRecord) -> str:
        second = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        head = f"{second}.{int(record.msecs):03}Z {self.program} {record.levelname.lower()}"
        return f"{head}: {super().format(record)}"


class ForJournal(logging.Formatter):
    """Lines for the journal, each with its priority: a message may have several."""

    def __init__(self, program: str) -> None:
        super().__init__()
        self.program = program

    def format(self, record: logging.LogRecord) -> str:
        head = f"<{_PRIORITIES.get(record.levelno, 6)}>"
        text = f"{self.program}: {super().format(record)}"
        return "\n".join(f"{head}{line}" for line in text.splitlines())


class File(WatchedFileHandler):
    """A file that others may move away."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            super().emit(record)
        except OSError:  # its folder is gone, the disk is full: the program goes on
            return

    def handleError(self, record: logging.LogRecord) -> None:
        """A line that can't be written is lost."""


def for_stderr(program: str) -> logging.Formatter:
    """The formatter for what standard error leads to."""
    return ForJournal(program) if _leads_to_journal(2) else Dated(program)


def _leads_to_journal(fd: int) -> bool:
    said, _, number = os.environ.get("JOURNAL_STREAM", "").partition(":")
    try:
        found = os.fstat(fd)
    except OSError:
        return False
    return (said, number) == (str(found.st_dev), str(found.st_ino))


def start(program: str, file: str | None = None) -> None:
    """Begins the log, on standard error or in a file; Failure if that can't be opened."""
    handler: logging.Handler
    if file is None:
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(for_stderr(program))
    else:
        try:
            handler = File(file)
        except OSError as error:
            why = error.strerror or str(error)
            raise Failure(f"--log-file {file}", why, "name a file that can be written") from None
        handler.setFormatter(Dated(program))
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(logging.INFO)


def reopen() -> None:
    """Makes files anew that were moved away; they would be with their next line."""
    for handler in logging.getLogger().handlers:
        if isinstance(handler, WatchedFileHandler):
            try:
                handler.reopenIfNeeded()
            except OSError as error:
                logging.getLogger("vswitch").error("no log file: %s", error)
