"""The cut into rooms holds: imports and includes only go down, every file says its idea."""

from pathlib import Path

import pytest

from tests.kit.layers import (
    C_ORDER,
    PYTHON_ROOMS,
    Finding,
    c_arrows,
    c_findings,
    draw,
    draw_floors,
    homonyms,
    knots,
    name_findings,
    opening_findings,
    python_arrows,
    python_circles,
    python_findings,
    read_tree,
)

ROOT = Path(__file__).parents[2]
PACKAGES = ("vswitch", "datapath", "controlplane", "containers", "manual", "perf")


@pytest.fixture(scope="module")
def python_sources() -> dict[str, str]:
    return read_tree(ROOT, PACKAGES, (".py",))


@pytest.fixture(scope="module")
def c_sources() -> dict[str, str]:
    return read_tree(ROOT / "datapath/src", (".",), (".c", ".h", ".def"))


def report(findings: list[Finding], graph: str = "") -> str:
    lines = [f"  {finding}" for finding in findings]
    return "\n".join(["wrong:", *lines, *(["the graph:", graph] if graph else [])])


def test_python_imports_only_go_down(python_sources: dict[str, str]) -> None:
    arrows = python_arrows(python_sources)
    findings = python_findings(arrows)
    assert not findings, report(findings, draw(arrows, PYTHON_ROOMS))


def test_no_python_files_stand_in_a_circle(python_sources: dict[str, str]) -> None:
    tests = read_tree(ROOT, ("tests",), (".py",))
    found = python_circles({**python_sources, **tests})
    assert not found, "\n".join(["circles:", *found])


def test_no_two_classes_of_a_room_have_one_name(python_sources: dict[str, str]) -> None:
    findings = homonyms(python_sources)
    assert not findings, report(findings)


def test_c_includes_only_go_left(c_sources: dict[str, str]) -> None:
    arrows = c_arrows(c_sources)
    findings = c_findings(arrows)
    rooms = [room for rank in C_ORDER for room in rank]
    assert not findings, report(findings, draw(arrows, rooms))


def test_every_file_opens_with_its_idea(
    python_sources: dict[str, str], c_sources: dict[str, str]
) -> None:
    init = read_tree(ROOT, ("containers/init",), (".c", ".h"))
    findings = opening_findings({**python_sources, **c_sources, **init})
    assert not findings, report(findings)


def test_no_room_has_a_name_that_says_nothing() -> None:
    everything = read_tree(ROOT, (*PACKAGES, "tests"), (".py", ".c", ".h"))
    findings = name_findings(everything)
    assert not findings, report(findings)


# ---- the checker itself catches what it is there for -----------------------------


def python_whys(path: str, text: str) -> list[str]:
    return [finding.why for finding in python_findings(python_arrows({path: text}))]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("vswitch/schema.py", "from vswitch.daemon import main"),
        ("vswitch/schema.py", "import vswitch.daemon.wiring"),
        ("vswitch/cli/flow.py", "def late():\n    from vswitch.rpc.server import Server"),
        ("vswitch/agent/session.py", "from ..daemon import main"),
        ("vswitch/agent/session.py", "from os_ken.ofproto import ofproto_v1_3"),
        ("vswitch/daemon/wiring.py", "import pyroute2.netlink"),
        ("datapath/switch.py", "from datapath import _vswitch"),
        ("datapath/kernel/link.py", "from datapath.switch import Switch"),
        ("containers/attach.py", "from vswitch.agent import session"),
        ("controlplane/runner.py", "import datapath.switch"),
        ("vswitch/openflow/codec.py", "import socket"),
        ("containers/plan.py", "from time import monotonic"),
        ("somewhere/else.py", "import vswitch.schema"),
    ],
)
def test_a_wrong_python_arrow_is_found(path: str, text: str) -> None:
    assert len(python_whys(path, text)) == 1


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("vswitch/cli/flow.py", "from vswitch.rpc.client import Client\nimport containers.spec"),
        ("vswitch/agent/session.py", "from . import framing\nimport socket, asyncio, json"),
        ("datapath/ffi.py", "from datapath._vswitch import ffi, lib"),
        ("controlplane/apps/learning.py", "from os_ken.base import app_manager"),
    ],
)
def test_a_right_python_arrow_is_let_alone(path: str, text: str) -> None:
    assert python_whys(path, text) == []


BACK = {
    "at the top": "from a import low\n",
    "for types only": (
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from a.low import Thing\n"
    ),
    "in a function": "def late():\n    import a.low\n",
    "by its own name": "from . import low\n",
}


@pytest.mark.parametrize("text", BACK.values(), ids=BACK)
def test_files_that_import_each_other_are_a_circle(text: str) -> None:
    sources = {"a/low.py": "from a.high import x\n", "a/high.py": text}
    assert python_circles(sources) == ["a.high <-> a.low"]


def test_classes_of_one_name_are_found() -> None:
    sources = {
        "vswitch/agent/a.py": "class Queue: ...\nclass _Own: ...\n",
        "vswitch/agent/b.py": "class _Own: ...\nclass Queue: ...\n",
        "vswitch/cli/c.py": "class Queue: ...\n",
        "vswitch/daemon/d.py": "from x import Queue as Q, MAX as M, lower as low\n",
    }
    assert [finding.where for finding in homonyms(sources)] == [
        "vswitch/agent/b.py:2", "vswitch/daemon/d.py:1",
    ]  # fmt: skip


def test_a_way_around_by_others_is_a_circle() -> None:
    sources = {
        "a/one.py": "import a.two\n", "a/two.py": "import a\n",
        "a/__init__.py": "from a.one import x\n", "a/three.py": "import a.one\n",
    }  # fmt: skip
    assert python_circles(sources) == ["a <-> a.one <-> a.two"]


def test_what_only_goes_down_is_no_circle() -> None:
    sources = {
        "a/one.py": "from a import two, three\n", "a/two.py": "from a import three\n",
        "a/three.py": "import json\n", "a/__init__.py": "",
    }  # fmt: skip
    assert python_circles(sources) == []


def test_a_knot_holds_what_reaches_each_other() -> None:
    edges = {"a": {"b"}, "b": {"c"}, "c": {"b", "d"}, "d": set[str]()}
    assert sorted(map(sorted, knots(edges))) == [["a"], ["b", "c"], ["d"]]


def test_an_imported_module_is_told_from_an_imported_name() -> None:
    sources = {"vswitch/cli/x.py": "from vswitch import daemon, VERSION", "vswitch/daemon.py": ""}
    assert [arrow.used for arrow in python_arrows(sources)] == ["vswitch", "vswitch.daemon"]


def test_a_wrong_include_is_found_with_its_line() -> None:
    sources = {"packet/parse.c": '/* idea */\n#include "packet/parse.h"\n#include "act/action.h"\n'}
    (finding,) = c_findings(c_arrows(sources))
    assert str(finding).startswith("datapath/src/packet/parse.c:3: packet includes act")


def test_rooms_of_one_rank_do_not_include_each_other() -> None:
    assert c_findings(c_arrows({"cache/cache.c": '#include "classify/classifier.h"'}))


def test_a_room_that_nobody_declared_is_found() -> None:
    assert c_findings(c_arrows({"magic/x.c": '#include "base/hash.h"'}))


def test_a_file_without_an_opening_is_found() -> None:
    sources = {"vswitch/a.py": "import os\n", "b.c": "int x;\n", "c.h": "/* idea */\n", "d.py": ""}
    assert [finding.where for finding in opening_findings(sources)] == ["vswitch/a.py", "b.c"]


def test_a_name_that_says_nothing_is_found() -> None:
    assert name_findings(["vswitch/utils/x.py", "datapath/common.py", "vswitch/paths.py"])[1:] == [
        Finding("datapath/common.py", "is called for nothing: name it after what it holds")
    ]


def test_floors_show_who_stands_on_whom() -> None:
    sources = {
        "a/one.py": "from a import two, three\n", "a/two.py": "from a import three\n",
        "a/three.py": "import json\n", "a/four.py": "",
    }  # fmt: skip
    assert draw_floors(sources).splitlines() == [
        "  3  a/one.py", "  2  a/two.py", "  1  a/four.py a/three.py",
    ]  # fmt: skip


def test_the_drawing_shows_each_room_once() -> None:
    arrows = c_arrows({"flow/a.c": '#include "base/x.h"\n#include "packet/y.h"\n#include "z.h"'})
    assert draw(arrows, ["base", "packet", "flow"]).split() == ["flow", "->", "base", "packet"]
