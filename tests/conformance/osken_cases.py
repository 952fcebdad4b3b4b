"""The switch tests that come with os-ken, as data: messages first, then packets and what is due.

os-ken reads its own files: `tester.TestFile` turns JSON into its messages, serialized, and
evaluates the packets.  What it only warns about (a file that it doesn't understand), we refuse.
A test is called by its file and its description; a file by category and
name, as "set_field/17_SCTP_SRC_IPv4".
"""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from os_ken.ofproto import ofproto_v1_0, ofproto_v1_3, ofproto_v1_4
from os_ken.tests.switch import tester

import_module("os_ken.flags")  # declares the port numbers that the tester asks for

VERSIONS = {
    "of10": ofproto_v1_0.OFP_VERSION,
    "of13": ofproto_v1_3.OFP_VERSION,
    "of14": ofproto_v1_4.OFP_VERSION,
}
"""Folder of os-ken -> number of the wire protocol."""

CATEGORIES = ("action", "set_field", "match", "group", "meter")
_LOG = logging.getLogger("conformance")


@dataclass(frozen=True, slots=True)
class Case:
    """One test.  'prerequisite' are os-ken's messages, serialized; 'blocks' its parsed tests:
    dicts with 'ingress' (a frame) or 'packets' (a stream) and what is due for it."""

    version: str
    file: str
    description: str
    prerequisite: tuple[Any, ...]
    blocks: tuple[dict[str, Any], ...]

    @property
    def category(self) -> str:
        return self.file.split("/")[0]

    def __str__(self) -> str:
        return f"{self.file}: {self.description}"


def case_files(version: str) -> dict[str, Path]:
    """Every file of a version by its short name, sorted by category and name."""
    root = Path(tester.__file__).parent / version
    files = {_file_name(path): path for path in root.rglob("*.json")}
    assert files, f"os-ken has no tests in {root}"
    return dict(sorted(files.items(), key=lambda item: (_rank(item[0]), item[0])))


def load(version: str, name: str, path: Path) -> list[Case]:
    """The tests of a file; all of them, or AssertionError."""
    wire = VERSIONS[version]
    tester.OfTester.target_ver = tester.OfTester.tester_ver = wire  # where its parser looks
    found = tester.TestFile(str(path), _LOG).tests
    written = sum(isinstance(part, dict) for part in json.loads(path.read_text(encoding="utf-8")))
    assert len(found) == written, f"{path}: os-ken reads {len(found)} of {written} tests"
    return [
        Case(version, name, test.description, tuple(test.prerequisite), tuple(test.tests))
        for test in found
    ]


def _file_name(path: Path) -> str:
    folder = path.parent.name
    return f"{'set_field' if folder == '25_SET_FIELD' else folder}/{path.stem}"


def _rank(name: str) -> int:
    return CATEGORIES.index(name.split("/")[0])
