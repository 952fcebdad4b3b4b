"""The plan: whole for the common cases, and what changes with the spec and the caller."""

from __future__ import annotations

from typing import Any

import pytest

from containers import steps
from containers.plan import NAMESPACES, Caller, Console, Place, View, birth, entry
from containers.seccomp import program
from containers.spec import Process, Spec
from containers.steps import Step
from vswitch.errors import SchemaError

ALL = ((0, 4294967295),)
ROOT = Caller(0, 0, ALL, ALL, True, "x86_64")
FAKE_ROOT = Caller(0, 0, ((0, 1),), ((0, 1),), False, "aarch64")
USER = Caller(1000, 100, ALL, ALL, True, "x86_64")
RUN = View("/run/vswitch", 25, 1234)
PLACE = Place("/run/vswitch", (RUN, View("/mnt/run/vswitch", 25, 1234)))

HARMLESS = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom")
KEEP = 0x200425EB
DEV = (
    Step("mount", ("tmpfs", "/dev", "mode=755,size=64k", 14, 0)),
    Step("device", ("/dev/null", 1, 3)),
    Step("device", ("/dev/zero", 1, 5)),
    Step("device", ("/dev/full", 1, 7)),
    Step("device", ("/dev/random", 1, 8)),
    Step("device", ("/dev/urandom", 1, 9)),
    Step("device", ("/dev/tty", 5, 0)),
    Step("symlink", ("/dev/ptmx", "pts/ptmx")),
    Step("symlink", ("/dev/fd", "/proc/self/fd")),
    Step("symlink", ("/dev/stdin", "/proc/self/fd/0")),
    Step("symlink", ("/dev/stdout", "/proc/self/fd/1")),
    Step("symlink", ("/dev/stderr", "/proc/self/fd/2")),
    Step("directory", ("/dev/pts", 0o755)),
    Step("directory", ("/dev/shm", 0o755)),
    Step("directory", ("/dev/mqueue", 0o755)),
    Step("mount", ("devpts", "/dev/pts", "newinstance,ptmxmode=0666,mode=0620,gid=5", 10, 0)),
    Step("mount", ("tmpfs", "/dev/shm", "mode=1777,size=64m", 14, 0)),
    Step("mount", ("mqueue", "/dev/mqueue", "", 14, 0)),
)
HIDDEN = (
    Step("mask", ("/proc/acpi",)),
    Step("mask", ("/proc/asound",)),
    Step("mask", ("/proc/interrupts",)),
    Step("mask", ("/proc/kcore",)),
    Step("mask", ("/proc/keys",)),
    Step("mask", ("/proc/kmsg",)),
    Step("mask", ("/proc/kpagecgroup",)),
    Step("mask", ("/proc/kpagecount",)),
    Step("mask", ("/proc/kpageflags",)),
    Step("mask", ("/proc/latency_stats",)),
    Step("mask", ("/proc/pagetypeinfo",)),
    Step("mask", ("/proc/sched_debug",)),
    Step("mask", ("/proc/scsi",)),
    Step("mask", ("/proc/slabinfo",)),
    Step("mask", ("/proc/timer_list",)),
    Step("mask", ("/proc/timer_stats",)),
    Step("mask", ("/proc/vmallocinfo",)),
    Step("mask", ("/sys/devices/virtual/powercap",)),
    Step("mask", ("/sys/firmware",)),
    Step("read-only", ("/proc/bus",)),
    Step("read-only", ("/proc/fs",)),
    Step("read-only", ("/proc/irq",)),
    Step("read-only", ("/proc/sys",)),
    Step("read-only", ("/proc/sysrq-trigger",)),
    Step("freeze", ("/proc",)),
)
MACHINE = (
    Step("hide", ("/run/vswitch", 25, 1234)),
    Step("hide", ("/mnt/run/vswitch", 25, 1234)),
    Step("root", ("/", "/run/vswitch", 7)),
    Step("mount", ("tmpfs", "/tmp", "mode=1777,size=25%", 6, 1)),
    Step("mount", ("tmpfs", "/var/tmp", "mode=1777,size=25%", 6, 1)),
    Step("mount", ("tmpfs", "/run", "mode=1777,size=25%", 6, 1)),
)
PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def spec(**settings: Any) -> Spec:
    return Spec(**{"command": ("ping", "10.0.0.3"), **settings}).named("c1")


def plan(caller: Caller = ROOT, **settings: Any) -> tuple[Step, ...]:
    return birth(spec(**settings), caller, PLACE)


def named(plan: tuple[Step, ...], name: str) -> list[tuple[object, ...]]:
    return [step.arguments for step in plan if step.name == name]


def test_root_s_container_with_the_machine_s_files() -> None:
    assert plan(bridge="br0") == (
        Step("fresh"),
        Step("namespaces", (0x7E020000, "0 0 4294967295\n", "0 0 4294967295\n", False, True)),
        Step("undumpable"),
        Step("private"),
        Step("streams", (HARMLESS,)),
        *MACHINE,
        Step("mount", ("proc", "/proc", "", 14, 0)),
        Step("mount", ("sysfs", "/sys", "", 15, 2)),
        Step("limit", ("max_cgroup_namespaces", 0, False)),
        Step("limit", ("max_user_namespaces", 0, False)),
        Step("setting", ("/proc/sys/net/ipv4/ping_group_range", "0 2147483647\n")),
        *DEV,
        *HIDDEN,
        Step("pivot"),
        Step("verify"),
        Step("hostname", ("c1",)),
        Step("loopback"),
        Step("no-new-privileges"),
        Step("capabilities", (KEEP,)),
        Step("standing"),
        Step("wait"),
        Step("supervise", (0, True)),
        Step("session"),
        Step("user", (0, 0, True)),
        Step("directory-change", ("/",)),
        Step("filter", (program("x86_64"),)),
        Step("execute", (("ping", "10.0.0.3"), (PATH, "HOME=/root"))),
    )


def test_a_command_in_a_running_container_gets_the_same_restrictions() -> None:
    process = Process(command=("id",), tty=True, user="7", workdir="/etc", env=("TERM=vt100",))
    at_terminal = ROOT._replace(window=(24, 80))
    assert entry(process, at_terminal, pidfd=9, flags=NAMESPACES, nested=False) == (
        Step("fresh"),
        Step("join", (9, 0x7E020000, True)),
        Step("no-new-privileges"),
        Step("capabilities", (KEEP,)),
        Step("terminal", (7, 24, 80)),
        Step("user", (7, 7, True)),
        Step("home", (7,)),
        Step("directory-change", ("/etc",)),
        Step("filter", (program("x86_64"),)),
        Step("execute", (("id",), (PATH, "TERM=vt100"))),
    )


def test_a_root_of_one_s_own_is_writable_unless_asked_and_gets_its_mount_points() -> None:
    own = plan(rootfs="/srv/root")
    assert named(own, "root") == [("/srv/root", PLACE.anchor, 6)]
    made = [path for path, _ in named(own, "directory")]
    assert made[:3] == ["/proc", "/sys", "/dev"]
    assert "/tmp" not in [mount[1] for mount in named(own, "mount")]
    closed = plan(rootfs="/srv/root", read_only=True)
    assert named(closed, "root") == [("/srv/root", PLACE.anchor, 7)]
    assert "/tmp" in [mount[1] for mount in named(closed, "mount")]


@pytest.mark.parametrize("settings", [{}, {"rootfs": "/r"}, {"rootfs": "/r", "read_only": True}])
def test_no_root_is_taken_before_the_daemon_s_folders_are_hidden(settings: dict[str, Any]) -> None:
    order = [step.name for step in plan(**settings)]
    assert order.count("hide") == len(PLACE.hidden)
    assert order.index("private") < order.index("hide")
    assert len(order) - 1 - order[::-1].index("hide") < order.index("root")


def test_a_user_without_rights_maps_only_himself() -> None:
    made = plan(USER)
    assert made[1] == Step("namespaces", (NAMESPACES, "0 1000 1\n", "0 100 1\n", True, True))
    assert named(made, "freeze") == []  # root inside owns nothing of the kernel's
    assert named(made, "user") == [(0, 0, False)]
    assert not any("gid=" in str(mount[2]) for mount in named(made, "mount"))


def test_root_of_a_user_namespace_hands_on_the_ids_it_has() -> None:
    made = plan(FAKE_ROOT)
    assert made[1] == Step("namespaces", (NAMESPACES, "0 0 1\n", "0 0 1\n", False, True))
    assert named(made, "user") == [(0, 0, False)]


@pytest.mark.parametrize(("caller", "twice"), [(ROOT, False), (FAKE_ROOT, False), (USER, True)])
def test_process_1_is_hidden_before_anything_else_and_belongs_to_its_namespace(
    caller: Caller, twice: bool
) -> None:
    """Who has no rights outside could not enter it, were its program started outside (S27, S28)."""
    first = ["fresh", "namespaces", *(["again"] if twice else []), "undumpable", "private"]
    assert [step.name for step in plan(caller)][: len(first)] == first


def test_the_runner_s_devices_are_opened_anew_unless_there_is_a_terminal() -> None:
    """On entering only by root: nobody else owns a device of the machine (S35)."""
    assert named(plan(), "streams") == [(HARMLESS,)]
    assert named(plan(tty=True), "streams") == []
    for caller, opened in ((ROOT, [(HARMLESS,)]), (USER, [])):
        entered = entry(Process(command=("id",)), caller, 9, NAMESPACES, False)
        assert named(entered, "streams") == opened
        assert [step.name for step in entered].index("join") == 1 + len(opened)


@pytest.mark.parametrize(
    ("gids", "groups"),
    [
        (ALL, "0 2147483647\n"),
        (((0, 1),), "0 0\n"),
        (((0, 1000), (5000, 10)), "0 999\n"),
        (((100, 7),), "100 106\n"),
    ],
)
def test_every_group_that_exists_may_ping(gids: tuple[tuple[int, int], ...], groups: str) -> None:
    made = birth(spec(user=f"0:{gids[0][0]}"), ROOT._replace(gids=gids), PLACE)
    assert [arguments[1] for arguments in named(made, "setting")] == [groups]
    order = [step.name for step in made]
    assert order.index("mount") < order.index("setting") < order.index("read-only")


def test_only_root_is_at_home_in_root_s_home() -> None:
    assert "HOME=/root" in plan()[-1].arguments[1]
    assert named(plan(), "home") == []
    other = plan(user="1000:7")
    assert named(other, "home") == [(1000,)]
    assert other[-1].arguments[1] == (PATH,)


@pytest.mark.parametrize("caller", [USER, FAKE_ROOT])
def test_a_user_that_does_not_exist_there_is_refused(caller: Caller) -> None:
    with pytest.raises(SchemaError, match="don't exist here"):
        plan(caller, user="1000")


def test_detached_it_outlives_the_runner_and_leaves_its_exit_code() -> None:
    made = birth(spec(detach=True), ROOT, PLACE._replace(exit_file=8))
    assert named(made, "namespaces")[0][-1] is False
    assert named(made, "supervise") == [(8, False)]


@pytest.mark.parametrize(
    ("said", "streams"),
    [
        ({}, (False, False, 0)),
        ({"interactive": True, "user": "7"}, (False, True, 7)),
        ({"tty": True}, (True, True, 0)),
    ],
)
def test_detached_its_process_1_has_its_streams(
    said: dict[str, Any], streams: tuple[bool, bool, int]
) -> None:
    """Its log's files are process 1's, never the command's."""
    place = PLACE._replace(exit_file=8, console=Console(9, (10, 11)))
    made = birth(spec(detach=True, log_size=5000, **said), ROOT, place)
    assert named(made, "console") == [(9, 10, 11, 5000, *streams)]
    names = [step.name for step in made]
    assert names.index("wait") < names.index("console") < names.index("supervise")
    assert named(plan(), "console") == []


def test_nested_it_may_make_user_namespaces_but_never_those_of_control_groups_s34() -> None:
    made = plan(nested=True)
    assert named(made, "limit") == [("max_cgroup_namespaces", 0, True)]
    assert named(made, "filter") == [(program("x86_64", nested=True),)]
    assert named(made, "capabilities") == [(KEEP | 1 << 31,)]  # to map root there
    entered = entry(Process(command=("id",)), ROOT, 9, NAMESPACES, nested=True)
    assert named(entered, "filter") == [(program("x86_64", nested=True),)]


def test_the_filter_is_the_machine_s_and_comes_last() -> None:
    assert named(plan(FAKE_ROOT), "filter") == [(program("aarch64"),)]
    assert [step.name for step in plan()][-2:] == ["filter", "execute"]
    with pytest.raises(SchemaError, match="no filter"):
        plan(ROOT._replace(machine="pdp11"))


def test_the_last_variable_of_a_name_wins() -> None:
    made = plan(env=("PATH=/bin", "A=1", "A=2"))
    assert made[-1].arguments[1] == ("PATH=/bin", "HOME=/root", "A=2")


def test_the_machine_is_out_of_reach_before_the_command_can_run() -> None:
    order = [step.name for step in plan()]
    before = ["root", "pivot", "verify", "capabilities", "standing", "wait", "supervise", "user",
              "execute"]  # fmt: skip
    assert sorted(before, key=order.index) == before
    last_mask = len(order) - 1 - order[::-1].index("read-only")
    assert last_mask < order.index("pivot")


def test_every_step_of_a_plan_can_be_made_by_hand() -> None:
    assert steps.mount("proc", "/proc", "", 14) == Step("mount", ("proc", "/proc", "", 14, 0))
    assert steps.directory("/x") == Step("directory", ("/x", 0o755))
