"""tshark as an independent reader of what we write: OpenFlow messages in a capture file."""

from __future__ import annotations

import json
import shutil
import struct
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from typing import Any

from tests.kit import needs

TSHARK = shutil.which("tshark")

needs_tshark = needs.command("tshark", "tshark")

OPENFLOW_PORT = 6653
_ETHERNET = bytes.fromhex("020000000002 020000000001 0800")


def dissect(messages: Sequence[bytes]) -> list[dict[str, Any]]:
    """What tshark makes of whole messages, one tree of names and values each.

    AssertionError when it fails, or doesn't find just one message where one is.
    """
    with tempfile.NamedTemporaryFile(suffix=".pcap") as file:
        file.write(_capture(messages))
        file.flush()
        line = [TSHARK or "tshark", "-n", "-r", file.name, "-T", "json", "--no-duplicate-keys"]
        done = subprocess.run(line, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = [packet["_source"]["layers"].get("openflow_v4") for packet in json.loads(done.stdout)]
    assert [type(layer) for layer in found] == [dict] * len(messages)
    return found


def values(tree: Any, name: str) -> Iterator[str]:
    """Every value of a field, wherever in a tree it stands."""
    if isinstance(tree, list):
        for item in tree:
            yield from values(item, name)
    elif isinstance(tree, dict):
        for key, value in tree.items():
            if key != name:
                yield from values(value, name)
            elif isinstance(value, list):
                yield from map(str, value)
            else:
                yield str(value)


def _capture(messages: Sequence[bytes]) -> bytes:
    """A pcap file of one TCP stream to OpenFlow's port, a packet for each message."""
    file = struct.pack("=IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)
    at = 0
    for message in messages:
        ports = struct.pack("!HH", 40000, OPENFLOW_PORT)
        tcp = ports + struct.pack("!IIBBHHH", 1 + at, 1, 0x50, 0x18, 65535, 0, 0)
        size = 20 + len(tcp) + len(message)
        ip = struct.pack("!BBHHHBBHII", 0x45, 0, size, 0, 0, 64, 6, 0, 0x0A000001, 0x0A000002)
        frame = _ETHERNET + ip + tcp + message
        file += struct.pack("=IIII", 0, at, len(frame), len(frame)) + frame
        at += len(message)
    return file
