"""`python -m perf.flood INTERFACE SECONDS RATE`: frames of never-seen stations into an interface.

A process of its own, so that who measures and who floods share no interpreter.  RATE is frames a
second, 0 for as many as go.  Prints how many were sent.
"""

import contextlib
import socket
import struct
import sys
import time

BURST = 50
HEAD = bytes.fromhex("02bb00000001")
TAIL = bytes.fromhex("88b5") + bytes(46)


def flood(interface: str, seconds: float, rate: float) -> int:
    """Frames sent; those that the interface has no room for are not counted."""
    sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    sock.bind((interface, 0))
    began, sent, number = time.monotonic(), 0, 0
    while (passed := time.monotonic() - began) < seconds:
        if rate and number > rate * passed:
            time.sleep(BURST / rate)
            continue
        for _ in range(BURST):
            number += 1
            with contextlib.suppress(OSError):  # no room: a flood does not wait
                sock.send(HEAD + b"\x02\xaa" + struct.pack("!I", number) + TAIL)
                sent += 1
    return sent


if __name__ == "__main__":
    print(flood(sys.argv[1], float(sys.argv[2]), float(sys.argv[3])))
