"""A noun that is new touches its schema, its method and its view, nothing else.

A copy of the switch gets lanes: a class and a field of the schema, one file that says how a lane is
made active, one function that shows lanes.  Then everything else has to know them: requests, words,
help, completion, answers, plans, the store and what it wrote before, the API's methods.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

SCHEMA = '''
@dataclass(frozen=True, slots=True)
class Lane(Record):
    """A share of a port's rate."""

    NOUN: ClassVar[str] = "lane"
    TITLE: ClassVar[str] = "lane {name} of port {port}"
    ADDED: ClassVar[str] = "lay lane {name} on port {port} of bridge {bridge}{settings}"
    CHANGED: ClassVar[str] = "set {settings} of lane {name} of port {port}"
    REMOVED: ClassVar[str] = "take lane {name} off port {port} of bridge {bridge}"
    PORT: ClassVar[str | None] = "port"
    port: str = setting(values.name, "the port that it is on", "PORT")
    name: str = setting(values.name, "its name", "NAME")
    share: int = setting(values.integer(1, 100), "percent of the rate", "N", default=10, live=True)


@dataclass(frozen=True, slots=True)
class Bridge(Record):'''

FIELD = '''    lanes: tuple[Lane, ...] = records(Lane, "lanes of its ports")
    _found:'''

METHOD = '''"""Lanes: kept, as the made-up thing that they are."""

from vswitch.reconcile import Add, Remove, Set


async def _put(operator, operation):
    bridge = operator.bridge(operation.bridge)
    bridge.others.setdefault(type(operation.record), {})[operation.record.key] = operation.record


async def _remove(operator, operation):
    bridge = operator.bridge(operation.bridge)
    del bridge.others[type(operation.record)][operation.record.key]


DOERS = {Add: _put, Set: _put, Remove: _remove}
'''

VIEW = '''

def lanes(out, result, params):
    """Lanes and their shares."""
    out.records(result, (("LANE", "name"), ("SHARE", "share")))
'''


def instead(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert text.count(old) == 1
    path.write_text(text.replace(old, new))


@pytest.fixture(scope="module")
def switch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a copy of the switch that has lanes."""
    folder = tmp_path_factory.mktemp("copy")
    shutil.copytree(ROOT / "vswitch", folder / "vswitch")
    schema = folder / "vswitch/schema.py"
    instead(schema, "\n@dataclass(frozen=True, slots=True)\nclass Bridge(Record):", SCHEMA)
    instead(schema, "    _found:", FIELD)
    (folder / "vswitch/daemon/operate/lanes.py").write_text(METHOD)
    with (folder / "vswitch/cli/views.py").open("a") as views:
        views.write(VIEW)
    return folder


def run(switch: Path, program: str, *arguments: str, code: int = 0) -> str:
    """What a program of the copy prints."""
    path = os.pathsep.join((str(switch), str(ROOT)))
    done = subprocess.run(
        [sys.executable, "-S", "-c", program, *arguments], capture_output=True, text=True,
        cwd=switch, env={"PYTHONPATH": path, "PATH": "/usr/bin:/bin"}, check=False,
    )  # fmt: skip
    assert done.returncode == code, done.stderr
    return done.stdout or done.stderr


VSWITCH = "import sys; from vswitch.cli import main; sys.exit(main())"


def test_help_and_words_have_it(switch: Path) -> None:
    page = run(switch, VSWITCH, "lane", "set", "--help")
    assert page.startswith("usage: vswitch lane set BRIDGE PORT NAME [options]")
    assert "  --share N  percent of the rate" in page
    assert "\n  lane ls " in run(switch, VSWITCH, "--help")
    assert run(switch, VSWITCH, "lane", "--help").startswith("usage: vswitch lane add|set|ls|rm")
    told = run(switch, VSWITCH, "lane", "add", "br0", "p", "gold", "--share", "0", code=2)
    assert told.startswith("vswitch: lane share '0': ")
    line = ("completion", "candidates", "--", "lane", "add", "b", "p", "n", "--s")
    found = run(switch, VSWITCH, *line)
    assert "--share\tpercent of the rate" in found


def test_the_reference_and_the_view_have_it(switch: Path) -> None:
    reference = run(switch, "from vswitch.reference import page; print(page())")
    assert "lane.add" in reference
    shown = run(switch, """
from vswitch.cli.commands import COMMANDS
from vswitch.cli.output import Output
COMMANDS["lane ls"].view(Output(), [{"name": "gold", "share": 30}], {})
""")  # fmt: skip
    assert shown == "LANE  SHARE\ngold     30\n"


def test_plans_have_it(switch: Path) -> None:
    texts = run(switch, """
from vswitch.reconcile import apply, plan
from vswitch.requests import REQUESTS
from vswitch.schema import Bridge, Config, Lane, Port
bare = Bridge("b", dpid=1, ports=(Port("p", number=1, kind="tap"), Port("q", number=2, kind="tap")))
before = bare.changed(lanes=(Lane("p", "gold"), Lane("q", "tin"), Lane("p", "old")))
after = before.changed(
    ports=(bare.ports[0], bare.ports[1].changed(mtu=9000)),
    lanes=(Lane("p", "gold", 30), Lane("q", "tin"), Lane("p", "new", 5)),
)
steps = plan(Config((after,)), Config((before,)))
for step in steps:
    REQUESTS[step.method].check(step.params())
    print(step.text)
assert apply(steps, Config((before,))).bridges[0].part(Lane, "p", "gold").share == 30
assert plan(Config((after,)), apply(steps, Config((before,)))) == []
""")  # fmt: skip
    assert texts.splitlines() == [
        "take lane old off port p of bridge b",
        "take port q off bridge b",
        "put port q on bridge b with number 2, kind tap, mtu 9000",
        "set share 30 of lane gold of port p",
        "lay lane tin on port q of bridge b",
        "lay lane new on port p of bridge b with share 5",
    ]


def test_the_store_has_it_and_keeps_what_was_there(switch: Path, tmp_path: Path) -> None:
    old = "from vswitch.store.sqlite import SqliteStore as S; from vswitch.schema import *; "
    old += f"s = S({str(tmp_path)!r}); b = Bridge('b', dpid=1, ports=(Port('p', number=1),)); "
    old += "s.transaction(lambda config: config.with_bridge(b)); s.close()"
    run(ROOT, old)
    assert run(switch, f"""
from vswitch.schema import Lane
from vswitch.store.sqlite import SqliteStore
store = SqliteStore({str(tmp_path)!r})
(bridge,) = store.read().config.bridges
store.transaction(lambda config: config.with_bridge(bridge.with_part(Lane("p", "gold", 7))))
store.close()
store = SqliteStore({str(tmp_path)!r})
print(store.read().config.bridges[0].to_json()["lanes"], len(bridge.ports))
""") == "[{'port': 'p', 'name': 'gold', 'share': 7}] 1\n"  # fmt: skip
    assert "knows" in run(ROOT, old.replace("s = S", "S"), code=1)


def test_the_api_has_it(switch: Path, tmp_path: Path) -> None:
    told = run(switch, f"""
import asyncio
from pathlib import Path
from datapath.frames import PortKind, PortSpec
from vswitch.agent.agent import Agent
from vswitch.agent.exchange import Exchange
from vswitch.agent.view import View
from vswitch.answers import ANSWERS
from vswitch.daemon.daemon import Daemon
from vswitch.daemon.folders import Folders
from vswitch.daemon.live import LiveBridge, LivePort
from vswitch.daemon.methods import methods
from vswitch.errors import Failure
from vswitch.schema import Bridge, Port
from vswitch.store.memory import MemoryStore

async def main():
    store = MemoryStore()
    port = Port("p", number=1, kind="tap")
    bridge = Bridge("b", dpid=1, ports=(port,))
    store.transaction(lambda config: config.with_bridge(bridge))
    daemon = Daemon(Folders(Path({str(tmp_path)!r}), None), store, ephemeral=True)
    exchange = Exchange(Agent(View("b", 1), (4,)), 1, lambda: 1)
    live = LiveBridge(1, 1, bridge.bare(), exchange, listeners=[])
    live.ports["p"] = LivePort(port, PortSpec(1, PortKind.TAP, "p"), -1)
    daemon.live.bridges["b"] = live
    do = methods(daemon)
    for method, params in (
        ("lane.add", dict(bridge="b", port="p", name="gold", share=3)),
        ("lane.set", dict(bridge="b", port="p", name="gold", share=4)),
        ("lane.list", dict()),
        ("lane.rm", dict(bridge="b", port="p", name="gold")),
        ("lane.list", dict(bridge="b")),
    ):
        answer = await do[method](**params)
        assert not list(ANSWERS[method].wrong(answer, method))
        print(answer)
    for wrong in ("lane.rm", "lane.set"):
        try:
            await do[wrong](bridge="b", port="p", name="gold")
        except Failure as failure:
            print(failure)

asyncio.run(main())
""")  # fmt: skip
    gold = "{'bridge': 'b', 'port': 'p', 'name': 'gold', 'share': %d, 'active': True}"
    lost = "lane gold of port p: bridge b has none; see `vswitch lane ls`"
    assert told.splitlines() == [
        gold % 3, gold % 4, f"[{gold % 4}]", "None", "[]", lost, lost,
    ]  # fmt: skip
