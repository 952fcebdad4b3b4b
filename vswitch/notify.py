"""Tells the service manager how we are doing, if there is one: sd_notify(3) in a few lines.

A manager that wants to hear says where in NOTIFY_SOCKET: a datagram socket of the file system, or
with "@" for its first byte of the kernel's own list of names.  Whoever isn't listening is no
reason for us to fail.
"""

from __future__ import annotations

import contextlib
import os
import socket


def tell(*lines: str) -> None:
    """Sends assignments such as READY=1, STOPPING=1, STATUS=...; nothing without a manager."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return
    name = "\0" + address[1:] if address.startswith("@") else address
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.sendto("\n".join(lines).encode(), name)
