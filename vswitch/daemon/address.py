"""Ethernet addresses that stay: of TAPs that we make, unless somebody chose one.

The kernel gives a new TAP a random address, so a container that is started again at its old IP
address would be unreachable until its neighbours' entries have aged.  An address that follows from
who the bridge is (its datapath id, which no two switches share) and the port's name is the same
after every restart of whatever there is.  Pure.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from itertools import count

_GROUP, _LOCAL = 0x01, 0x02
"""Bits of the first byte (IEEE 802, 8.2): a group's address; locally administered."""


def derived(dpid: int, port: str, taken: Collection[bytes] = ()) -> bytes:
    """The address of the port of that name: unicast, locally administered, none of those 'taken'.

    46 bits of a hash: among 1,000 ports of a bridge two agree once in 10^8 bridges.  Then, or when
    an operator chose just this one for another port, whoever comes later gets the next in its own
    row, so it depends on who was there.
    """
    name = port.encode()
    for attempt in count():
        seed = dpid.to_bytes(8, "big") + attempt.to_bytes(4, "big") + name
        digest = hashlib.blake2b(seed, digest_size=6, person=b"vswitch port").digest()
        address = bytes([digest[0] & ~_GROUP & 0xFF | _LOCAL]) + digest[1:]
        if address not in taken:
            return address
    raise AssertionError
