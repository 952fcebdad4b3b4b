"""Lines of a log: their time and level, in a file, on a terminal, in systemd's journal."""

from __future__ import annotations

import logging
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from vswitch import logs
from vswitch.errors import Failure

DATED = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z program (info|warning|error): (.*)")


@pytest.fixture
def root(monkeypatch: pytest.MonkeyPatch) -> Iterator[logging.Logger]:
    """The root logger without pytest's handlers."""
    logger = logging.getLogger()
    monkeypatch.setattr(logger, "handlers", [])
    monkeypatch.setattr(logger, "level", logger.level)
    yield logger
    for handler in logger.handlers:
        handler.close()


def record(text: str, level: int = logging.WARNING) -> logging.LogRecord:
    made = logging.LogRecord("vswitch", level, "", 0, text, (), None)
    made.created, made.msecs = 1767323045.5, 500.0
    return made


def test_a_line_has_time_program_and_level() -> None:
    line = logs.Dated("vswitchd").format(record("it is gone"))
    assert line == "2026-01-02T03:04:05.500Z vswitchd warning: it is gone"


@pytest.mark.parametrize(
    ("level", "priority"),
    [(logging.DEBUG, 7), (logging.INFO, 6), (logging.WARNING, 4), (logging.ERROR, 3)],
)
def test_the_journal_gets_no_time_and_a_priority_for_each_line(level: int, priority: int) -> None:
    text = logs.ForJournal("vswitchd").format(record("one\ntwo", level))
    assert text == f"<{priority}>vswitchd: one\n<{priority}>two"


def test_the_journal_is_known_by_its_very_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    """The variable is inherited by programs whose standard error leads elsewhere."""
    here = os.fstat(2)
    monkeypatch.setenv("JOURNAL_STREAM", f"{here.st_dev}:{here.st_ino}")
    assert isinstance(logs.for_stderr("p"), logs.ForJournal)
    for other in (f"{here.st_dev}:{here.st_ino + 1}", "nonsense", ""):
        monkeypatch.setenv("JOURNAL_STREAM", other)
        assert isinstance(logs.for_stderr("p"), logs.Dated)


def test_standard_error_is_the_usual_place(
    root: logging.Logger, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("JOURNAL_STREAM", raising=False)
    logs.start("program")
    logging.getLogger("vswitch.x").info("hello")
    logging.getLogger("vswitch.x").debug("too fine")
    assert sys.stderr is not None
    (line,) = capsys.readouterr().err.splitlines()
    assert DATED.fullmatch(line)


def test_a_file_that_was_moved_away_is_made_anew(root: logging.Logger, tmp_path: Path) -> None:
    path = tmp_path / "log"
    logs.start("program", str(path))
    logging.getLogger("vswitch").warning("one")
    path.rename(tmp_path / "log.1")
    logs.reopen()
    assert path.exists()
    logging.getLogger("vswitch").warning("two")
    assert [DATED.fullmatch(line) is not None for line in path.read_text().splitlines()] == [True]
    assert "one" in (tmp_path / "log.1").read_text()


def test_a_file_that_can_t_be_written_ends_nothing(root: logging.Logger, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    path = tmp_path / "folder" / "log"
    logs.start("program", str(path))
    path.unlink()
    (tmp_path / "folder").rmdir()
    logging.getLogger("vswitch").warning("lost")
    logs.reopen()
    (tmp_path / "folder").mkdir()
    logging.getLogger("vswitch").warning("found")
    assert "found" in path.read_text()


def test_a_file_that_can_t_be_opened_is_told(root: logging.Logger, tmp_path: Path) -> None:
    with pytest.raises(Failure, match=f"--log-file {tmp_path}/a/b: No such file"):
        logs.start("program", f"{tmp_path}/a/b")
