"""Sentences about what is wrong are for people: no value in them is spelled as Python has it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from containers.spec import Process, Remove, Spec, Stop
from vswitch.errors import SchemaError, shown
from vswitch.requests import REQUESTS
from vswitch.schema import Bridge, Config, Controller, Port, Queue, Record

RECORDS: tuple[type[Record], ...] = (
    Bridge, Config, Controller, Port, Queue, Process, Remove, Spec, Stop,
)  # fmt: skip

VALUES: tuple[Any, ...] = (
    (), [], ("10.0.0.9",), ["10.0.0.9", "10.0.0.9"], ["10.0.0.9/24", "10.0.0.9/24"], [["a"]],
    ({"a": 1},), {"a": 1}, {"a": ["b"]}, [{}], {}, None, True, 3.5, "\x1b[2J", "x" * 200, [None],
    [1, 2, 3], [True], ["\0"], "", [""], ["a=b", "\0"], {"a": {"b": {"c": {"d": [1]}}}},
    ["tcp:1.2.3.4:5"], -1, 1 << 70, [{"name": "x"}] * 2, [{"target": "tcp:1.2.3.4:5"}] * 2,
    [{"port": "p", "number": 1}] * 2,
)  # fmt: skip

QUOTED = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"")
PYTHON = re.compile(r"[\[\](){}<>]|\b(None|True|False|tuple|dict|list\()\b|,\)|\\x1b\[")


def refusals() -> Iterator[SchemaError]:
    """Of every setting of every record, and of every parameter of every request."""
    for of in RECORDS:
        for name in of.settings():
            yield from _refused(of.from_json, name)
        yield from _refused_whole(of.from_json)
    for request in REQUESTS.values():
        for parameter in request.parameters:
            yield from _refused(request.check, parameter.name)


def _refused(read: Any, name: str) -> Iterator[SchemaError]:
    for value in VALUES:
        yield from _refused_one(read, {"name": "x", "port": "p", "number": 1, name: value})
        yield from _refused_one(read, {name: value})


def _refused_whole(read: Any) -> Iterator[SchemaError]:
    for value in VALUES:
        yield from _refused_one(read, value)


def _refused_one(read: Any, document: Any) -> Iterator[SchemaError]:
    try:
        read(document)
    except SchemaError as error:
        yield error


def spelled_as_python(error: SchemaError) -> bool:
    """Outside of what is quoted; what to do may say how a list or an object is written."""
    return any(PYTHON.search(QUOTED.sub("", part)) for part in (error.what, error.why))


def test_no_sentence_has_a_value_as_python_spells_it() -> None:
    found = list(refusals())
    assert len(found) > 1000
    assert [str(error) for error in found if spelled_as_python(error)] == []
    assert all(len(str(error)) < 400 and str(error).isprintable() for error in found)


@pytest.mark.parametrize("what", [f"x {value}" for value in (("a",), ["a"], {"a": 1}, None, True)])
def test_a_spelling_of_pythons_would_be_found(what: str) -> None:
    assert spelled_as_python(SchemaError(what, "why", "do"))


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("a", "'a'"), ("\x1b[2J\n", r"'\x1b[2J\n'"),
        (("10.0.0.9",), "'10.0.0.9'"), ([1, "b"], "1, 'b'"),
        ({"name": "x", "a b": [1]}, "name 'x', 'a b' 1"), ([], "none"), ({}, "none"),
        (None, "null"), (True, "true"), (False, "false"), (3.5, "3.5"),
        ([[[["deep"]]]], "..."), (["x" * 30, "y" * 30], f"'{'x' * 30}', '{'y' * 22}..."),
    ],
    ids=str,
)  # fmt: skip
def test_a_value_in_words(value: object, words: str) -> None:
    assert shown(value) == words


def test_the_one_item_that_is_wrong_is_named() -> None:
    with pytest.raises(SchemaError, match=r"^port addresses 'no': it is no address with"):
        Port("p", addresses=("10.0.0.1/8", "no"))
    with pytest.raises(SchemaError, match=r"^port trunks 5000: it is no VLAN"):
        Port("p", trunks=(1, 5000))  # type: ignore[arg-type]
    with pytest.raises(SchemaError, match="bridge b port number LOCAL: it is there twice"):
        Bridge("b", ports=(Port("p", number=0xFFFFFFFE), Port("q", number=0xFFFFFFFE)))


def test_a_list_without_end_is_cut_before_it_is_spelled() -> None:
    value: Any = []
    for _ in range(100_000):
        value = [value]
    assert shown(value) == "..."
