"""ovs-ofctl as an independent reader of what we write: text and messages."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Sequence

from tests.kit import needs

OVS_OFCTL = shutil.which("ovs-ofctl")

needs_ovs_ofctl = needs.command("ovs-ofctl", "openvswitch-common")


def print_messages(messages: Sequence[bytes]) -> str:
    """What ovs-ofctl prints for whole OpenFlow messages, one after the other."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(b"".join(messages))
        file.flush()
        return _run("ofp-parse", file.name)


def read_rules(rules: Sequence[str]) -> list[str]:
    """Rules in text as ovs-ofctl reads them and prints them again for OpenFlow 1.3.

    Without the words that flow-mods print in another dialect than dumps (cookie, table,
    timeouts); AssertionError with ovs-ofctl's complaint when it refuses one.
    """
    with tempfile.NamedTemporaryFile("w") as file:
        file.write("".join(f"{rule}\n" for rule in rules))
        file.flush()
        lines = _run("-O", "OpenFlow13", "parse-flows", file.name).splitlines()
    head = "OFPT_FLOW_MOD (OF1.3) "
    return [line.partition(": ADD ")[2] for line in lines if line.startswith(head)]


def _run(*arguments: str) -> str:
    done = subprocess.run(
        [OVS_OFCTL or "ovs-ofctl", *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"ovs-ofctl refuses: {done.stderr}"
    return done.stdout


def read_groups(groups: Sequence[str]) -> list[str]:
    """Groups in text as ovs-ofctl reads them and prints them again for OpenFlow 1.3."""
    lines = [_run("-O", "OpenFlow13", "parse-group", group).splitlines()[-1] for group in groups]
    return [line.strip().removeprefix("ADD ") for line in lines]
