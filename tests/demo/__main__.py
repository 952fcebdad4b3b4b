"""Two containers talk through our switch under a learning controller; then we look at the switch.

Uses only what everybody has: `vswitchd`, `vswitch-controller`, `vswitch`, ping and iperf3. Exit 0
means that every step did what it says and that nothing was left behind.
"""

import json
import re
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tests.demo import leftovers
from tests.demo.place import prepare
from tests.demo.stage import Failed, Stage, free_port

ANN, BOB = "10.77.0.1", "10.77.0.2"
BULK_SECONDS = 4
STARTED = time.monotonic()


def tell(words: str) -> None:
    """A line of progress with the time since the start."""
    print(f"[{time.monotonic() - STARTED:5.1f} s] {words}", flush=True)


def show(command: str, output: str) -> None:
    """A command and what it said, indented."""
    print(f"\n  $ {command}")
    print("\n".join(f"  {line}" for line in output.rstrip().splitlines()), flush=True)


@dataclass(frozen=True)
class Figures:
    """What the run reached."""

    round_trip_ms: float
    gigabits: float


def start_switch(stage: Stage) -> None:
    """Daemon with forwarder, controller, and the connection between the two."""
    port = free_port()
    target = f"tcp:127.0.0.1:{port}"
    tell(f"Starting the learning controller: vswitch-controller learning --listen {target}")
    stage.start("vswitch-controller", "learning", "--listen", target)
    tell("Starting the switch: vswitchd --ephemeral --bridge br0 --controller ...")
    run = str(stage.folder / "run")
    bridge = ("--bridge", "br0", "--controller", target)
    stage.start("vswitchd", "--ephemeral", "--run", run, *bridge)
    stage.wait_for("the daemon answers", lambda: stage.succeeds("vswitch", "status"))
    stage.wait_for("the controller is connected", lambda: is_connected(stage))
    tell(f"The switch runs (forwarder {forwarder_pid(stage)}) and its controller is connected")


def is_connected(stage: Stage) -> bool:
    """Whether br0's controller is connected and its first flow is there."""
    controllers = stage.ask("controller", "ls", "br0")
    return any(one["connected"] for one in controllers) and bool(stage.ask("flow", "ls", "br0"))


def forwarder_pid(stage: Stage) -> int:
    """The process that moves the packets."""
    return int(stage.ask("status")["forwarder"]["pid"])


def start_containers(stage: Stage) -> None:
    """Two containers, each born on a port of br0."""
    tell(f"Starting container ann ({ANN}, runs iperf3 -s) and container bob ({BOB})")
    attach = ("run", "-d", "--bridge", "br0")
    stage.vswitch(*attach, "--name", "ann", "--address", f"{ANN}/24", "--", "iperf3", "-s")
    stage.vswitch(*attach, "--name", "bob", "--address", f"{BOB}/24", "--", "sleep", "600")


def ping(stage: Stage) -> float:
    """bob pings ann; the average round trip in ms."""
    tell("bob pings ann")
    words = ("exec", "bob", "--", "ping", "-n", "-c", "10", "-i", "0.1", "-W", "2", ANN)
    output = stage.vswitch(*words)
    loss, times = (
        re.search(r"([\d.]+)% packet loss", output),
        re.search(r"= [\d.]+/([\d.]+)", output),
    )
    if not loss or not times or float(loss[1]) > 0:
        raise Failed(f"the ping lost packets:\n{output}")
    return float(times[1])


def bulk(stage: Stage) -> float:
    """bob sends ann as much TCP as goes through; Gbit/s received."""
    tell(f"bob sends ann bulk TCP for {BULK_SECONDS} s")
    words = ("exec", "bob", "--", "iperf3", "-c", ANN, "-t", str(BULK_SECONDS), "-J")
    result = json.loads(stage.vswitch(*words))
    gigabits = float(result["end"]["sum_received"]["bits_per_second"]) / 1e9
    if gigabits <= 0:
        raise Failed("iperf3 moved no data")
    return gigabits


def look_at(stage: Stage) -> None:
    """What an operator sees: ports, flows, and the life of one packet."""
    tell("What the switch has to say:")
    show("vswitch port ls br0", stage.vswitch("port", "ls", "br0"))
    show("vswitch flow ls br0", stage.vswitch("flow", "ls", "br0"))
    packet = one_packet(busiest(stage))
    show(f"vswitch trace br0 {packet}", stage.vswitch("trace", "br0", packet))


def busiest(stage: Stage) -> dict[str, Any]:
    """The flow with the most hits; Failed if the controller made none."""
    flows = [flow for flow in stage.ask("flow", "ls", "br0") if flow["match"]]
    best = max(flows, key=lambda flow: int(flow["packets"]), default=None)
    if best is None or not best["packets"]:
        raise Failed("the controller's flows were not hit by any packet")
    return dict(best)


def one_packet(flow: dict[str, Any]) -> str:
    """A packet of the bulk transfer, as `vswitch trace` takes it."""
    return f"{flow['match']},tcp,nw_src={BOB},nw_dst={ANN},tp_src=40000,tp_dst=5201"


def stop_everything(stage: Stage) -> None:
    """The orderly way out."""
    print()
    tell("Stopping the containers, the switch and the controller")
    stage.vswitch("stop", "--time", "1", "ann", "bob")
    stage.vswitch("rm", "ann", "bob")
    stage.vswitch("shutdown")


def play(stage: Stage) -> Figures:
    """The whole story."""
    start_switch(stage)
    start_containers(stage)
    figures = Figures(ping(stage), bulk(stage))
    look_at(stage)
    stop_everything(stage)
    return figures


@contextmanager
def nothing_left_behind() -> Iterator[None]:
    """Failed if anything is there afterwards that was not before."""
    leftovers.adopt_orphans()
    before = leftovers.listing()
    yield
    left = [*leftovers.children(), *sorted(leftovers.listing() - before)]
    if left:
        raise Failed(f"left behind: {', '.join(left)}")


def run() -> Figures:
    """The story on a stage of its own; Failed with a sentence and the logs if it goes wrong."""
    with nothing_left_behind(), Stage() as stage:
        try:
            return play(stage)
        except Failed as failed:
            raise Failed(f"{failed}\n{stage.log()}") from None


def main() -> int:
    """Exit code 0 if all went well."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        prepare()
        figures = run()
    except Failed as failed:
        print(f"demo: {failed}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    tell("Everything is stopped and nothing is left behind")
    print(
        f"\n  bulk TCP between the containers   {figures.gigabits:.2f} Gbit/s"
        f"\n  round trip                        {figures.round_trip_ms:.3f} ms\n"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
