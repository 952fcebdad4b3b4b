"""A container's port, asked of the daemon like anybody else would.

The daemon makes a TAP and moves it into the container's network namespace; it is gone with
that namespace, and the daemon takes the port off the bridge when it sees that.

The namespace is lent as a descriptor: the daemon may be in another pid namespace, where the
number of our process is a stranger's.  So is process 1, with whose end the port goes whatever else
is left: a namespace stays as long as somebody, anywhere, holds a socket of it.
"""

from __future__ import annotations

import contextlib
import os
from typing import Any

from containers.spec import Spec
from vswitch.errors import Failure
from vswitch.rpc.client import Client


def request(spec: Spec, namespace: str, owner: str) -> dict[str, Any]:
    """The parameters of `port.add`; `namespace` is what the container's is called here."""
    wanted = {"number": spec.number, "mac": spec.mac, "mtu": spec.mtu, "gateway": spec.gateway}
    return {
        "bridge": spec.bridge,
        "name": spec.port,
        "kind": "tap",
        "netns": namespace,
        "interface": spec.interface,
        "addresses": list(spec.addresses),
        "ephemeral": True,
        "owner": owner,
        **{name: value for name, value in wanted.items() if value is not None},
    }


def attach(client: Client, spec: Spec, pid: int, owner: str) -> None:
    """Puts the port in place, if the spec wants one; `pid` is a child of ours, not reaped yet.

    `owner` is nobody else's name, ever.  Failure from the daemon otherwise.
    """
    if not spec.bridge:
        return
    path = f"/proc/{pid}/ns/net"
    try:
        namespace = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        why = f"its network namespace can't be opened: {error.strerror}"
        raise Failure(f"container {spec.name}", why, "see whether it still runs") from None
    process = os.pidfd_open(pid)
    try:
        lent = {"namespace": namespace, "process": process}
        client.call("port.add", lent, **request(spec, path, owner))
    finally:
        os.close(process)
        os.close(namespace)


def detach(client: Client, spec: Spec, owner: str) -> None:
    """Takes the port of a container that has ended off the bridge now, not a moment later.

    Another container may have the port's name by now: the daemon looks at `owner`.

    The daemon would do it by itself, so nothing depends on this, not even a daemon.
    """
    if spec.bridge:
        with contextlib.suppress(Failure):
            client.call("port.rm", bridge=spec.bridge, name=spec.port, owner=owner)
