"""What is known of ports that are in no store: kept for the next daemon, and not for ever."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from vswitch.daemon import notes
from vswitch.daemon.notes import Note, Notes
from vswitch.schema import Port, Queue

PORT = Port("c1", number=3, kind="tap", mac="02:00:00:00:00:01", tag=10, mtu=1400)
NOTE = Note("somebody", "br0", PORT, (Queue("c1", 7, 10_000_000),))


def test_the_next_daemon_knows_what_this_one_noted(tmp_path: Path) -> None:
    Notes(tmp_path).write(NOTE)
    assert Notes(tmp_path).of("somebody") == NOTE
    assert Notes(tmp_path).of("nobody") is Notes(tmp_path).of(None) is None


def test_a_name_that_leads_nowhere_costs_no_other_note(tmp_path: Path) -> None:
    Notes(tmp_path).write(NOTE)
    (tmp_path / "ports" / "x.json").symlink_to("nowhere")
    assert Notes(tmp_path).of("somebody") == NOTE


def test_what_was_taken_off_is_nobody_s_and_known_to_be_off(tmp_path: Path) -> None:
    first = Notes(tmp_path)
    first.write(NOTE)
    assert first.owner("br0", "c1") == "somebody"
    first.take_off("somebody")
    for known in (first, Notes(tmp_path)):
        found = known.of("somebody")
        assert found
        assert (found.off, found.port) == (True, PORT)
        assert known.owner("br0", "c1") is None


def test_a_name_that_is_given_again_takes_nothing_from_its_first_owner(tmp_path: Path) -> None:
    known = Notes(tmp_path)
    known.write(NOTE)
    known.take_off("somebody")
    known.write(Note("another", "br0", Port("c1", number=4, kind="tap")))
    assert Notes(tmp_path).owner("br0", "c1") == "another"
    known.forget("another")
    found = Notes(tmp_path).of("somebody")
    assert found
    assert found.off


def test_a_port_is_again_what_it_was_but_for_what_is_asked_for() -> None:
    asked = Port("c1", kind="tap", addresses=("10.0.0.2/24",), mtu=9000)
    was = NOTE.renewed(asked)
    assert (was.number, was.mac, was.tag, was.mtu) == (3, PORT.mac, 10, 9000)
    assert was.addresses == asked.addresses
    chosen = NOTE.renewed(asked.changed(number=9, mac="02:00:00:00:00:09"))
    assert (chosen.number, chosen.mac) == (9, "02:00:00:00:00:09")


def test_the_oldest_go_when_there_are_too_many(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notes, "NOTES_MAX", 3)
    known = Notes(tmp_path)
    for number in range(5):
        known.write(Note(f"owner {number}", "br0", Port(f"c{number}", number=number + 1)))
    left = [number for number in range(5) if Notes(tmp_path).of(f"owner {number}")]
    assert left == [2, 3, 4]
    assert len(os.listdir(tmp_path / "ports")) == 3


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", "null", "{", "[" * 10000, '{"owner": 1}', "link", "folder", "fifo"]
)
def test_what_can_t_be_read_is_no_note(tmp_path: Path, text: str) -> None:
    Notes(tmp_path).write(NOTE)
    (path,) = (tmp_path / "ports").iterdir()
    if text in ("link", "folder", "fifo"):
        path.rename(tmp_path / "elsewhere")
        make = {"link": lambda: path.symlink_to(tmp_path / "elsewhere"), "folder": path.mkdir}
        make.get(text, lambda: os.mkfifo(path))()
    else:
        path.write_text(text)
    assert Notes(tmp_path).of("somebody") is None


def test_a_note_under_another_s_name_is_none(tmp_path: Path) -> None:
    known = Notes(tmp_path)
    known.write(NOTE)
    (path,) = (tmp_path / "ports").iterdir()
    document = json.loads(path.read_text())
    path.write_text(json.dumps({**document, "owner": "another"}))
    assert Notes(tmp_path).of("another") is None


def test_a_folder_that_can_t_be_written_is_no_failure(tmp_path: Path) -> None:
    (tmp_path / "ports").write_text("somebody else's")
    known = Notes(tmp_path)
    known.write(NOTE)
    assert known.of("somebody") == NOTE
    known.forget("somebody")
    assert known.of("somebody") is None
