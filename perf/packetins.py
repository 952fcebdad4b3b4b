"""`perf packetins`: packets for the controller a second, and how long answers take meanwhile.

Frames of never-seen stations flood a port, and a rule sends each to a bare controller.  First as
many come as go, and packet-ins are counted; then so many a second as is said, while the controller
reads as fast as it can, then while it reads slowly, 5 MB a second.  Ten times a second it asks for
an echo, or for a barrier: how long its own words wait behind packet-ins (HARDENING S15).
"""

import argparse
import json
import os
import select
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from datapath.kernel import inside
from perf.contestants import Contestant, OpenVSwitch, Ours, both
from perf.controller import (
    ALL_TO_CONTROLLER,
    BARRIER,
    BARRIER_REPLY,
    DELETE_ALL,
    ECHO,
    ECHO_REPLY,
    PACKET_IN,
    READ,
    WANT_PACKET_INS,
    Controller,
)
from perf.machine import describe
from perf.problem import USAGE, PerfProblem
from perf.turns import Cases, in_words

SETTLE_S = 0.5
"""Flood before anything counts."""

ASK_S = 0.1
SLOW_BYTES_S = 5e6
SLOW_READ, SLOW_BUFFER = 16 << 10, 64 << 10
FOLDER = Path(__file__).parents[1]


QUESTIONS = ((ECHO, ECHO_REPLY), (BARRIER, BARRIER_REPLY))
NAMES = {ECHO_REPLY: "echo", BARRIER_REPLY: "barrier"}


@dataclass
class Heard:
    """What a controller heard in 'seconds': packet-ins, and how many seconds each answer took."""

    seconds: float = 0.0
    packet_ins: int = 0
    waits: dict[int, list[float]] = field(default_factory=dict)


@dataclass
class Asker:
    """Asks one question after the other, the next when its time has come and not before the last
    one is answered."""

    controller: Controller
    heard: Heard
    turn: int = 0
    awaited: int = 0
    since: float = 0.0

    def ask(self, now: float) -> None:
        """Asks the next question if none is on its way and it is time; 'now' in seconds."""
        if not self.awaited and now - self.since >= ASK_S:
            question, self.awaited = QUESTIONS[self.turn % len(QUESTIONS)]
            self.since = now
            self.turn += 1
            self.controller.sock.sendall(question)

    def hear(self, type: int, now: float) -> None:
        """A message of this type came: perhaps the answer."""
        if type == self.awaited:
            self.heard.waits.setdefault(type, []).append(now - self.since)
            self.awaited = 0

    def end(self, now: float) -> None:
        """What is not answered yet took at least as long."""
        if self.awaited:
            self.hear(self.awaited, now)


def listen(controller: Controller, seconds: float, bytes_s: float = 0.0) -> Heard:
    """Listens for a time, reading at most 'bytes_s' a second (0: all)."""
    heard = Heard()
    asker = Asker(controller, heard)
    began, taken = time.monotonic(), controller.taken
    while (now := time.monotonic()) - began < seconds:
        asker.ask(now)
        if bytes_s and controller.taken - taken > bytes_s * (now - began):
            time.sleep(0.001)
        elif select.select([controller.sock], [], [], 0.01)[0]:
            for type in controller.read(SLOW_READ if bytes_s else READ):
                heard.packet_ins += type == PACKET_IN
                asker.hear(type, time.monotonic())
    heard.seconds = time.monotonic() - began
    asker.end(time.monotonic())
    return heard


def one_turn(cases: Cases, contestant: Contestant, rate: int, seconds: float) -> None:
    """Three floods into the contestant."""
    name = contestant.name
    heard, offered = flood(contestant, 0, seconds, 0.0)
    cases.add(name, "packet-ins counted", "a second", heard.packet_ins / heard.seconds)
    cases.add(name, "  of frames offered", "a second", offered / (seconds + 2 * SETTLE_S))
    for how, bytes_s in (("", 0.0), (", slow reader", SLOW_BYTES_S)):
        heard, _ = flood(contestant, rate, seconds, bytes_s)
        for type, waits in heard.waits.items():
            what = f"{NAMES[type]} at {rate:,} frames a second{how}"
            waits.sort()
            cases.add(name, f"{what}, p50", "ms", 1e3 * waits[len(waits) // 2])
            cases.add(name, f"{what}, p99", "ms", 1e3 * waits[len(waits) * 99 // 100])


def flood(contestant: Contestant, rate: int, seconds: float, bytes_s: float) -> tuple[Heard, int]:
    """What a new controller hears of a flood, and how many frames that had."""
    sock = contestant.connect()
    if bytes_s:  # what waits in its own socket is its own business
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SLOW_BUFFER)
    with Controller(sock) as controller:
        controller.barrier(DELETE_ALL + WANT_PACKET_INS + ALL_TO_CONTROLLER)
        return flooded(contestant, controller, rate, seconds, bytes_s)


def flooded(
    contestant: Contestant, controller: Controller, rate: int, seconds: float, bytes_s: float
) -> tuple[Heard, int]:
    """What is heard while frames come, and how many were sent altogether."""
    command = [sys.executable, "-m", "perf.flood", "source", f"{seconds + 2 * SETTLE_S}", f"{rate}"]
    environment = {**os.environ, "PYTHONPATH": str(FOLDER)}
    source = inside(
        contestant.namespace,
        lambda: subprocess.Popen(command, stdout=subprocess.PIPE, env=environment),
    )
    try:
        listen(controller, SETTLE_S, bytes_s)
        heard = listen(controller, seconds, bytes_s)
        said, _ = source.communicate(timeout=30)
    finally:
        source.kill()
        source.wait()
    return heard, int(said)


def measure(rate: int, seconds: float, turns: int) -> dict[str, Any]:
    """All cases, so many times in turns."""
    cases = Cases()
    with both() as contestants:
        for _ in range(turns):
            for contestant in contestants:
                one_turn(cases, contestant, rate, seconds)
    return {
        "cases": cases.as_json(Ours.name, OpenVSwitch.name),
        "rate": rate,
        "turns": turns,
        "machine": describe(),
    }


# ---- the command ------------------------------------------------------------------


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declares the command line."""
    parser = commands.add_parser("packetins", help="packet-ins a second, echoes meanwhile")
    parser.add_argument("--rate", type=int, default=100_000, help="frames a second")
    parser.add_argument("--seconds", type=float, default=3.0, help="measured time (default 3)")
    parser.add_argument("--turns", type=int, default=5, help="times that all is done (default 5)")
    parser.add_argument("--json", action="store_true", help="the result as one JSON document")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Checks the command line, measures, prints."""
    if options.rate < 1 or options.seconds <= 0 or options.turns < 1:
        raise PerfProblem("--rate, --seconds, --turns: give numbers above 0", USAGE)
    result = measure(options.rate, options.seconds, options.turns)
    names = (Ours.name, OpenVSwitch.name)
    print(json.dumps(result) if options.json else in_words(result, names))
