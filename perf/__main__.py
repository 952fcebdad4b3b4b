"""`python -m perf COMMAND ...`: one measurement a command; `--json` for machines."""

import argparse
import sys

from perf import bars, flowmods, forward, packetins, traffic
from perf.problem import PerfProblem
from vswitch import streams


@streams.command("perf")
def main(arguments: list[str] | None = None) -> int:
    """Runs one command; exit codes as of `vswitch`: 0 ok, 1 failed, 2 usage, 3 not found."""
    parser = argparse.ArgumentParser(prog="perf", description="Measure the switch.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for command in (forward, flowmods, packetins, bars, traffic):
        command.add_to(commands)
    options = parser.parse_args(arguments)
    try:
        options.run(options)
    except PerfProblem as problem:
        print(f"perf: {problem}", file=sys.stderr)
        return problem.exit
    return 0


if __name__ == "__main__":
    sys.exit(main())
