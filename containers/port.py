"""A container's port, asked of the daemon like anybody else would.

The daemon makes a TAP and moves it into the container's network namespace; it is gone with
that namespace, and the daemon takes the port off the bridge when it sees that.
"""

from __future__ import annotations

import contextlib
from typing import Any

from containers.spec import Spec
from vswitch.errors import Failure
from vswitch.rpc.client import Client


def request(spec: Spec, pid: int) -> dict[str, Any]:
    """The parameters of `port.add` for the namespace of process `pid`."""
    wanted = {"number": spec.number, "mac": spec.mac, "mtu": spec.mtu, "gateway": spec.gateway}
    return {
        "bridge": spec.bridge,
        "name": spec.port,
        "kind": "tap",
        "netns": f"/proc/{pid}/ns/net",
        "interface": spec.interface,
        "addresses": list(spec.addresses),
        "ephemeral": True,
        **{name: value for name, value in wanted.items() if value is not None},
    }


def attach(client: Client, spec: Spec, pid: int) -> None:
    """Puts the port in place, if the spec wants one; Failure from the daemon otherwise."""
    if spec.bridge:
        client.call("port.add", **request(spec, pid))


def detach(client: Client, spec: Spec) -> None:
    """Takes the port of a container that has ended off the bridge now, not a moment later.

    The daemon would do it by itself, so nothing depends on this, not even a daemon.
    """
    if spec.bridge:
        with contextlib.suppress(Failure):
            client.call("port.rm", bridge=spec.bridge, name=spec.port)
