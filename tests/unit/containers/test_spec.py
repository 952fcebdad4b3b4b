"""A spec: what it fills in, and what it refuses in which words."""

from __future__ import annotations

from typing import Any

import pytest

from containers.spec import WORD_MAX, Process, Spec, Stop
from vswitch.errors import Exit, SchemaError


def spec(**settings: Any) -> Spec:
    return Spec(**{"command": ("true",), **settings})


def test_a_name_fills_in_host_name_and_port() -> None:
    named = spec(bridge="br0").named("c1")
    assert (named.name, named.hostname, named.port) == ("c1", "c1", "c1")
    assert spec().named("c1").port is None
    chosen = spec(bridge="br0", port="p7", hostname="www").named("c1")
    assert (chosen.hostname, chosen.port) == ("www", "p7")


def test_a_spec_survives_being_stored() -> None:
    one = spec(bridge="br0", addresses=("10.0.0.2/24",), env=("A=1,2",), detach=True).named("c")
    assert Spec(**{**one.to_json(), "command": list(one.command)}) == one


def test_the_group_is_the_user_s_unless_named() -> None:
    assert spec(user="1000").ids == (1000, 1000)
    assert spec(user="1000:5").ids == (1000, 5)
    assert spec().ids == (0, 0)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"command": ()}, "it is empty"),
        ({"command": ("",)}, "it is empty"),
        ({"command": ("a\0b",)}, "without NUL"),
        ({"command": "true"}, "no list of words"),
        ({"env": ("A",)}, "write NAME=VALUE"),
        ({"env": ("=1",)}, "write NAME=VALUE"),
        ({"name": "../x"}, "a name can't hold"),
        ({"name": "a/b"}, "a name can't hold"),
        ({"name": ".hidden"}, "a name can't hold"),
        ({"name": "sixteen-letters-"}, "16 characters"),
        ({"hostname": "-x"}, "no host name"),
        ({"hostname": "a" * 64}, "no host name"),
        ({"rootfs": "relative"}, "no absolute path"),
        ({"workdir": "/a/../b"}, "no absolute path"),
        ({"user": "root"}, "no user number"),
        ({"user": "4294967295"}, "no user number"),
        ({"bridge": "br0", "addresses": ("10.0.0.2",)}, "prefix length"),
        ({"bridge": "br0", "addresses": ("10.0.0.2/33",)}, "prefix length"),
        ({"bridge": "br0", "gateway": "10.0.0.1"}, "add --address"),
        ({"bridge": "br0", "mac": "01:00:00:00:00:01"}, "unicast"),
        ({"bridge": "br0", "mtu": 10}, "68 to 65535"),
        ({"addresses": ("10.0.0.2/24",)}, "add --bridge"),
        ({"port": "p"}, "add --bridge"),
        ({"read_only": True}, "leave --read-only out"),
        ({"detach": True, "log_size": 100}, "4096 to"),
    ],
)
def test_what_can_t_be_is_refused_with_a_reason(settings: dict[str, Any], says: str) -> None:
    with pytest.raises(SchemaError) as refusal:
        spec(**settings)
    assert says in str(refusal.value)
    assert refusal.value.exit == Exit.USAGE
    assert all((refusal.value.what, refusal.value.why, refusal.value.do))


def test_words_too_long_for_a_plan_are_refused_s36() -> None:
    assert spec(command=("x" * WORD_MAX,))
    with pytest.raises(SchemaError, match="65535 bytes"):
        spec(command=("x" * (WORD_MAX + 1),))
    with pytest.raises(SchemaError, match="4096 words"):
        spec(command=("x",) * 4097)


def test_exec_has_only_what_concerns_a_process() -> None:
    assert set(Process.settings()) == {
        "command", "env", "workdir", "user", "tty", "interactive",
    }  # fmt: skip


@pytest.mark.parametrize("time", [-1, 3601, "soon", "nan"])
def test_a_grace_is_a_number_of_seconds(time: object) -> None:
    with pytest.raises(SchemaError):
        Stop(time=time)  # type: ignore[arg-type]
    assert Stop(time="0.5").time == 0.5  # type: ignore[arg-type]
