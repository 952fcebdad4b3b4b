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

pytestmark = pytest.mark.skipif(
    not GOLDENS, reason="os-ken's recorded messages are not installed: pip install os-ken"
)


@pytest.mark.parametrize("path", GOLDENS, ids=lambda path: path.stem)
def test_a_recorded_message_is_written_as_it_was_read(path: Path) -> None:
    """Those with a field that fields.def lacks (Nicira's, MPLS) must be told by just that error."""
    for data in Frames().feed(path.read_bytes()):
        message, error = decoded(data)
        assert error is None or error in FOREIGN_FIELD
        assert message is None or encode(message) == data


def test_nearly_all_recorded_messages_are_understood() -> None:
    understood = [path for path in GOLDENS if decoded(path.read_bytes())[0]]
    assert len(understood) >= 0.75 * len(GOLDENS)


def decoded(data: bytes) -> tuple[Message | None, Error | None]:
    try:
        return decode(data), None
    except ProtocolProblem as problem:
        return None, problem.error
