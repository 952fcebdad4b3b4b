"""os-ken's recorded messages of OpenFlow 1.3, read and written again byte by byte."""

import importlib.util
from pathlib import Path

import pytest

from datapath.problems import Error, ProtocolProblem
from vswitch.openflow import Frames, Message, decode, encode

_FOUND = importlib.util.find_spec("os_ken")
_FOLDER = (
    Path((_FOUND.submodule_search_locations or [""])[0]) / "tests/packet_data/of13"
    if _FOUND
    else Path("/nonexistent")
)
GOLDENS = sorted(_FOLDER.glob("*.packet"))
FOREIGN_FIELD = {Error.BAD_MATCH_BAD_FIELD, Error.BAD_ACTION_BAD_SET_TYPE}
OWN_CLASS = "class 0x8000 "
"""In the sentence about a field of the standard (OFPXMC_OPENFLOW_BASIC) that we don't know."""



@pytest.mark.parametrize("path", GOLDENS, ids=lambda path: path.stem)
def test_a_recorded_message_is_written_as_it_was_read(path: Path) -> None:
    """Those with a field that is not of the standard's class must be told by just that error."""
    for data in Frames().feed(path.read_bytes()):
        message, problem = decoded(data)
        if problem:
            assert problem.error in FOREIGN_FIELD
            assert OWN_CLASS not in problem.why
        assert message is None or encode(message) == data


def test_most_recorded_messages_are_understood() -> None:
    """The others have fields of Nicira's (class 1) or of experimenters (class 0xffff)."""
    understood = [path for path in GOLDENS if decoded(path.read_bytes())[0]]
    assert len(understood) >= 0.8 * len(GOLDENS)


def decoded(data: bytes) -> tuple[Message | None, ProtocolProblem | None]:
    try:
        return decode(data), None
    except ProtocolProblem as problem:
        return None, problem
