"""`perf flowmods`: what flow-mods cost an OpenFlow switch in time and memory, beside Open vSwitch.

A bare controller and ovs-ofctl drive our switch, daemon and forwarder together, and where it is
installed Open vSwitch's in the same way, case by case in turns.  Rates: more is better, so is their
ratio; times and memory: less is.
"""

import argparse
import json
import shutil
import statistics
from typing import Any

from perf.contestants import Contestant, OpenVSwitch, Ours, both
from perf.controller import DELETE_ALL, Controller, rule
from perf.machine import describe
from perf.problem import USAGE, PerfProblem
from perf.turns import Cases, in_words

SINGLES = 1000
"""Flow-mods that are sent one at a time, a barrier behind each."""


def measure(rules: int, turns: int) -> dict[str, Any]:
    """All cases with so many rules, each so many times."""
    cases = Cases()
    with both() as contestants:
        for contestant in contestants:
            first_rules(cases, contestant, rules)
        for _ in range(turns):
            for contestant in contestants:
                one_turn(cases, contestant, rules)
    return {
        "cases": cases.as_json(Ours.name, OpenVSwitch.name),
        "rules": rules,
        "turns": turns,
        "machine": describe(),
    }


def first_rules(cases: Cases, contestant: Contestant, rules: int) -> None:
    """What the first rules take of memory; everything is warm then."""
    with Controller(contestant.connect()) as controller:
        controller.barrier(b"".join(map(rule, range(rules))))
        share = (contestant.memory() - contestant.fresh) / rules
        cases.add(contestant.name, f"memory a rule, the first {rules:,}", "bytes", share)


def one_turn(cases: Cases, contestant: Contestant, rules: int) -> None:
    """From an empty table to an empty table."""
    with Controller(contestant.connect()) as controller:
        for present in sorted({0, min(10_000, rules), rules}):
            fill(cases, contestant, controller, present, rules)
            one_at_a_time(cases, contestant, controller, present, rules)
        share = (contestant.memory() - contestant.fresh) / (rules + SINGLES)
        cases.add(contestant.name, "memory a rule after changes", "bytes", share)
        dump_and_delete(cases, contestant, controller, rules)


def fill(
    cases: Cases, contestant: Contestant, controller: Controller, present: int, rules: int
) -> None:
    """Brings the table to 'present' rules; when these are all, that is the case measured."""
    controller.barrier(DELETE_ALL)
    stream = b"".join(map(rule, range(present)))
    spent = contestant.cpu()
    seconds = controller.barrier(stream)
    if present == rules:
        spent = contestant.cpu() - spent
        cases.add(contestant.name, f"{rules:,} flow-mods, one barrier", "a second", rules / seconds)
        cases.add(contestant.name, "the same by the switch's CPU time", "a second", rules / spent)


def one_at_a_time(
    cases: Cases, contestant: Contestant, controller: Controller, present: int, rules: int
) -> None:
    """How long a flow-mod and its barrier take while 'present' rules are there."""
    mods = map(rule, range(rules, rules + SINGLES))
    microseconds = sorted(1e6 * controller.barrier(mod) for mod in mods)
    what = f"flow-mod + barrier, {present:,} rules there"
    cases.add(contestant.name, what + ", p50", "us", statistics.median(microseconds))
    cases.add(contestant.name, what + ", p99", "us", microseconds[len(microseconds) * 99 // 100])


def dump_and_delete(
    cases: Cases, contestant: Contestant, controller: Controller, rules: int
) -> None:
    """How long it takes to list all rules, and to delete them."""
    if shutil.which("ovs-ofctl"):
        cases.add(contestant.name, f"dump of {rules:,} rules", "s", contestant.ofctl("dump-flows"))
        cases.add(contestant.name, f"delete of {rules:,} rules", "s", contestant.ofctl("del-flows"))
        controller.barrier(b"".join(map(rule, range(rules))))
    cases.add(contestant.name, "the same by a bare controller", "s", controller.barrier(DELETE_ALL))


# ---- the command ------------------------------------------------------------------


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declares the command line."""
    parser = commands.add_parser("flowmods", help="flow-mods a second, their latency and memory")
    parser.add_argument("--rules", type=int, default=100_000, help="rules (default 100,000)")
    parser.add_argument("--turns", type=int, default=5, help="times that all is done (default 5)")
    parser.add_argument("--json", action="store_true", help="the result as one JSON document")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Checks the command line, measures, prints."""
    for name in ("rules", "turns"):
        if getattr(options, name) < 1:
            raise PerfProblem(f"--{name}: give a number above 0", USAGE)
    result = measure(options.rules, options.turns)
    names = (Ours.name, OpenVSwitch.name)
    print(json.dumps(result) if options.json else in_words(result, names))
