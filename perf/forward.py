"""`perf forward`: packets a second through the whole data path, without a NIC.

Port 1 replays a pcap from memory for ever, each frame copied into a fresh buffer; port 2 counts and
frees. The switch runs on the calling thread, polling without rest: a second to warm up, then the
measured time. The figure to compare is `mpps_per_cpu_s`, packets out of port 2 per second of that
thread's CPU clock: it does not suffer from neighbours on the machine; `mpps` does.
"""

import argparse
import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from datapath.of13.rule import flow_mod
from datapath.problems import SyntaxProblem
from datapath.rule import FlowCommand, parse_rule
from datapath.switch import OpenFlowRefusal, Switch
from perf.machine import describe
from perf.problem import NOT_FOUND, USAGE, PerfProblem

REPLAY, COUNT = 1, 2
WARM_UP_S = 1.0
WRITTEN_FRAMES = 10_000


@dataclass(frozen=True)
class Reading:
    """Counters of a switch at one moment."""

    packets_in: int
    packets_out: int
    hits: int
    misses: int
    drops: dict[int, dict[str, int]]


@dataclass(frozen=True)
class Result:
    """One measurement; its names are those of the JSON."""

    mpps: float
    mpps_per_cpu_s: float
    packets_in: int
    packets_out: int
    drops: dict[int, dict[str, int]]
    cache_hit_percent: float
    rules: int
    seconds: float
    cpu_seconds: float
    machine: dict[str, Any]


def measure(rules: list[bytes], pcap: Path, seconds: float, write: Path | None = None) -> Result:
    """Runs `rules` (flow-mods) over the frames of `pcap` for `seconds`; `write` gets some frames.

    PerfProblem when the switch refuses a rule or the file.
    """
    with Switch(max_rules=max(2 * len(rules), 1024)) as switch:
        _set_up(switch, rules, pcap, write)
        switch.run(WARM_UP_S)
        before, started = read(switch), time.monotonic()
        cpu_s = switch.run(seconds)
        wall_s, after = time.monotonic() - started, read(switch)
        return conclude(before, after, wall_s, cpu_s, switch.stats().rules)


def _set_up(switch: Switch, rules: list[bytes], pcap: Path, write: Path | None) -> None:
    try:
        if write is None:
            switch.add_counting_port(COUNT)
        else:
            switch.add_port(COUNT, write_pcap=str(write), write_limit=WRITTEN_FRAMES)
        switch.atomic(rules)
        switch.add_port(REPLAY, read_pcap=str(pcap))
    except (OpenFlowRefusal, OSError, ValueError) as problem:
        raise PerfProblem(f"the switch refused: {problem}") from problem


def read(switch: Switch) -> Reading:
    """What the switch has counted so far."""
    ports, stats = switch.port_stats(), switch.stats()
    drops = {number: dict(port.drops) for number, port in ports.items()}
    return Reading(
        ports[REPLAY].rx_packets, ports[COUNT].tx_packets, stats.hits, stats.misses, drops
    )


def conclude(before: Reading, after: Reading, wall_s: float, cpu_s: float, rules: int) -> Result:
    """The measurement between two readings."""
    out = after.packets_out - before.packets_out
    hits, misses = after.hits - before.hits, after.misses - before.misses
    return Result(
        mpps=round(out / wall_s / 1e6, 3),
        mpps_per_cpu_s=round(out / cpu_s / 1e6, 3),
        packets_in=after.packets_in - before.packets_in,
        packets_out=out,
        drops=_new_drops(before.drops, after.drops),
        cache_hit_percent=round(100 * hits / max(hits + misses, 1), 2),
        rules=rules,
        seconds=round(wall_s, 3),
        cpu_seconds=round(cpu_s, 3),
        machine=describe(),
    )


def _new_drops(
    before: dict[int, dict[str, int]], after: dict[int, dict[str, int]]
) -> dict[int, dict[str, int]]:
    return {
        port: {
            name: count - before[port].get(name, 0)
            for name, count in drops.items()
            if count != before[port].get(name, 0)
        }
        for port, drops in after.items()
    }


def read_rules(path: Path) -> list[bytes]:
    """The flow-mods of a file of rules in ovs-ofctl's syntax; `#` starts a comment."""
    flow_mods = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        text = line.split("#")[0].strip()
        if not text:
            continue
        try:
            flow_mods.append(flow_mod(parse_rule(text), FlowCommand.ADD))
        except SyntaxProblem as problem:
            raise PerfProblem(f"{path}, line {number}: {problem}", USAGE) from problem
    return flow_mods


# ---- the command ------------------------------------------------------------------


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declares the command line."""
    parser = commands.add_parser("forward", help="packets a second through the whole data path")
    parser.add_argument("--rules", type=Path, required=True, help="rules in ovs-ofctl's syntax")
    parser.add_argument("--pcap", type=Path, required=True, help="frames to replay into port 1")
    parser.add_argument("--seconds", type=float, default=5.0, help="measured time (default 5)")
    parser.add_argument("--threads", type=int, default=1, help="poll threads (1 for now)")
    parser.add_argument("--write", type=Path, help=f"pcap for the first {WRITTEN_FRAMES:,} frames")
    parser.add_argument("--json", action="store_true", help="the result as one JSON document")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Checks the command line, measures, prints."""
    if options.threads != 1:
        raise PerfProblem("--threads: only one poll thread can be measured; give 1", USAGE)
    if options.seconds <= 0:
        raise PerfProblem("--seconds: give a time above 0", USAGE)
    for path in (options.rules, options.pcap):
        if not path.is_file():
            raise PerfProblem(f"{path}: there is no such file; check the path", NOT_FOUND)
    result = measure(read_rules(options.rules), options.pcap, options.seconds, options.write)
    print(json.dumps(asdict(result)) if options.json else in_words(result))


def in_words(result: Result) -> str:
    """The result for a reader."""
    drops = sum(sum(reasons.values()) for reasons in result.drops.values())
    return (
        f"{result.mpps_per_cpu_s:.2f} Mpps per CPU second ({result.mpps:.2f} Mpps by the clock), "
        f"{result.rules} rules, {result.cache_hit_percent:.1f} % from the flow cache, "
        f"{result.packets_out:,} packets out, {drops:,} dropped, in {result.seconds:.1f} s\n"
        f"{result.machine['cpu']}, {result.machine['cpus']} CPUs, "
        f"Linux {result.machine['kernel']}, load {result.machine['load']}"
    )
