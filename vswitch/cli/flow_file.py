"""`flow add|mod -f FILE`: a file of flows, made into flow-mods here and lent to the daemon.

The words are read in this process, so a hundred thousand of them hold up no session of the
daemon's; what goes over is memory with flow-mods in it, as a descriptor, since a request has a
megabyte at most.  The daemon carries them out in one transaction: all of them, or none and the line
that is wrong.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from typing import BinaryIO

from datapath.ports import PortNames
from datapath.problems import SyntaxProblem
from datapath.rule import FlowCommand
from datapath.rule_lines import flow_mods
from vswitch.errors import Exit, Failure
from vswitch.rpc.client import Client
from vswitch.values import port_number

MOST = 64 << 20
"""Bytes of flow-mods that one transaction holds."""


def load(client: Client, bridge: str, name: str, how: str) -> object:
    """Carries out what the file says, '-' being standard input; the daemon's answer.

    'how' names what is done with a line that doesn't say it itself (a flow-mod's command).  Failure
    names the file and the line that is wrong; then nothing has changed.
    """
    what = "standard input" if name == "-" else f"file {name}"
    numbers = {p["name"]: p["number"] for p in client.call("port.list", bridge=bridge)}
    ports = PortNames({name: port_number(n) for name, n in numbers.items() if n is not None})
    try:
        with _opened(name, what) as file:
            memory = _filled(what, flow_mods(_lines(what, file), FlowCommand[how], ports))
    except SyntaxProblem as problem:
        where = f"{what} {problem.word}"
        raise Failure(where, problem.why, problem.instead, Exit.USAGE) from None
    try:
        return client.call("flow.load", {"flow_mods": memory}, bridge=bridge)
    except Failure as failure:
        if failure.what.startswith("line "):
            where = f"{what} {failure.what}"
            raise Failure(where, failure.why, failure.do, failure.exit) from None
        raise
    finally:
        os.close(memory)


def _opened(name: str, what: str) -> BinaryIO:
    try:
        return open(0 if name == "-" else name, "rb", closefd=name != "-")
    except OSError as error:
        raise _unreadable(what, error) from None


def _unreadable(what: str, error: OSError) -> Failure:
    return Failure(what, f"it can't be read: {error.strerror or error}", "name another file")


def _lines(what: str, file: BinaryIO) -> Iterator[str]:
    try:
        for line in file:
            yield line.decode()
    except OSError as error:
        raise _unreadable(what, error) from None
    except ValueError:
        raise Failure(what, "it is no text in UTF-8", "name another file", Exit.USAGE) from None


def _filled(what: str, messages: Iterable[bytes]) -> int:
    """A descriptor of memory that holds the messages; the caller's to close."""
    memory = os.memfd_create("flow-mods", os.MFD_CLOEXEC)
    try:
        with open(memory, "wb", closefd=False) as file:
            for message in messages:
                file.write(message)
                if file.tell() > MOST:
                    why = f"its flows take more than {MOST >> 20} MiB, too much for one transaction"
                    raise Failure(what, why, "split it: each part is in force as a whole")
    except BaseException:
        os.close(memory)
        raise
    return memory
