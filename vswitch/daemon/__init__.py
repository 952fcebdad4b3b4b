"""The daemon `vswitchd`: wires sessions, store, operator API and forwarder together."""

from __future__ import annotations

from vswitch import streams


@streams.command("vswitchd")
def main() -> int:
    """The command `vswitchd`: the exit code of a whole life."""
    from vswitch.daemon.main import run

    return run()


__all__ = ["main"]
