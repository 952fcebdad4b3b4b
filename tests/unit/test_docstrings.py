"""What is public says what it does; there are no exceptions."""

from pathlib import Path

import pytest

from tests.kit.docstrings import undocumented
from tests.kit.layers import read_tree

ROOT = Path(__file__).parents[2]
PACKAGES = ("vswitch", "datapath", "controlplane", "containers", "perf")


def test_every_public_thing_has_its_docstring() -> None:
    found = undocumented(read_tree(ROOT, PACKAGES, (".py",)))
    assert not found, "\n".join(["without a word:", *found])


# ---- the checker itself catches what it is there for -----------------------------

SILENT = {
    "a module": ("x = 1\n", "a.py"),
    "a function": ('"""Idea."""\ndef f():\n    pass\n', "f"),
    "a coroutine": ('"""Idea."""\nasync def f():\n    pass\n', "f"),
    "a class": ('"""Idea."""\nclass C:\n    x = 1\n', "C"),
    "a method": ('"""Idea."""\nclass C:\n    """C."""\n    def m(self): ...\n', "C.m"),
    "a property": (
        '"""Idea."""\nclass C:\n    """C."""\n    @property\n    def p(self): ...\n', "C.p",
    ),
    "of a base without words": (
        '"""Idea."""\nclass _B:\n    def m(self): ...\nclass C(_B):\n    """C."""\n'
        "    def m(self): ...\n", "C.m",
    ),
    "not of its base": (
        '"""Idea."""\nimport asyncio\nclass C(asyncio.Protocol):\n    """C."""\n'
        "    def mine(self): ...\n", "C.mine",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("text", "name"), SILENT.values(), ids=SILENT)
def test_what_says_nothing_is_found(text: str, name: str) -> None:
    (found,) = undocumented({"a.py": text})
    assert found.rpartition(": ")[2] == name


@pytest.mark.parametrize(
    "text",
    [
        "",
        '"""Idea."""\ndef _f(): ...\nclass _C:\n    def m(self): ...\n',
        '"""Idea."""\nclass B:\n    """B."""\n    def m(self):\n        """Does."""\n'
        'class C(B):\n    """C."""\n    def m(self): ...\n',
        '"""Idea."""\nimport asyncio\nclass C(asyncio.Protocol):\n    """C."""\n'
        "    def data_received(self, data): ...\n",
        '"""Idea."""\nfrom logging import Formatter\nclass C(Formatter):\n    """C."""\n'
        "    def format(self, record): ...\n",
    ],
)
def test_what_is_private_or_said_elsewhere_is_let_alone(text: str) -> None:
    assert undocumented({"a.py": text}) == []
