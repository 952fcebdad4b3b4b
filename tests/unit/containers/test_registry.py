"""Names, and who is believed to be alive: with our own process as the container's first."""

from __future__ import annotations

import errno
import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from containers.identity import Identity, identify, ourselves
from containers.plan import NAMESPACES
from containers.registry import EXIT_ROOM, STATE_MAX, Entry, Registry
from containers.spec import Spec
from vswitch import patience
from vswitch.errors import Exit, Failure


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    return Registry(str(tmp_path / "run"))


def spec(name: str | None = None, detach: bool = False) -> Spec:
    return Spec(command=("true",), name=name, detach=detach)


def dead() -> Identity:
    """A process that has been, with a number that is ours now."""
    return ourselves()._replace(start=1)


def age(registry: Registry, name: str, keeper: Identity, flags: int = 0) -> None:
    entry = registry.find(name)
    registry._write(entry._replace(keeper=keeper, flags=flags))


def reserve(registry: Registry, wanted: Spec, created: float) -> Entry:
    """Takes a name as a runner does that is killed at once: its lock goes with it."""
    reserved = registry.reserve(wanted, created)
    os.close(reserved.exit_file)
    return reserved.entry


def test_names_are_chosen_in_order_and_given_back(registry: Registry) -> None:
    first, second = reserve(registry, spec(), 1.0), reserve(registry, spec(), 2.0)
    assert (first.name, second.name) == ("c1", "c2")
    registry.remove(first)
    assert reserve(registry, spec(), 3.0).name == "c1"


def test_who_holds_the_folder_for_ever_is_told(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A `vswitch run` that was stopped in that moment."""
    monkeypatch.setenv(patience.VARIABLE, "0.05")
    with registry.locked(), pytest.raises(Failure, match="another command has held") as caught:
        Registry(registry.run).reserve(spec(), 1.0)
    assert caught.value.exit == Exit.TIMED_OUT
    assert reserve(registry, spec(), 2.0).name == "c1"


def test_a_taken_name_is_refused_and_a_dead_one_s_is_used_again(registry: Registry) -> None:
    reserve(registry, spec("web"), 1.0)
    with pytest.raises(Failure, match="there is one of that name"):
        reserve(registry, spec("web"), 2.0)
    age(registry, "web", dead())
    assert reserve(registry, spec("web"), 3.0).created == 3.0


def test_a_number_that_came_round_again_is_not_believed(registry: Registry) -> None:
    us = ourselves()
    assert us.is_alive()
    assert not dead().is_alive()
    assert not us._replace(boot="another").is_alive()
    with pytest.raises(ProcessLookupError):
        dead().open()


def test_a_zombie_has_an_identity_but_is_not_alive() -> None:
    child = subprocess.Popen(["cat"], stdin=subprocess.PIPE)
    assert child.stdin
    assert identify(child.pid).is_alive()
    child.stdin.close()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert not identify(child.pid).is_alive()
    child.wait()
    with pytest.raises(ProcessLookupError):
        identify(child.pid)


def test_the_dead_are_swept_but_detached_ones_stay_to_tell(registry: Registry) -> None:
    for name, detach in (("attached", False), ("born", True), ("unborn", True), ("alive", False)):
        reserve(registry, spec(name, detach), 1.0)
    age(registry, "attached", dead(), NAMESPACES)
    age(registry, "born", dead(), NAMESPACES)
    age(registry, "unborn", dead())
    assert [entry.name for entry in registry.sweep()] == ["alive", "born"]
    assert sorted(os.listdir(registry.folder)) == [".lock", "alive", "born"]


def test_what_can_t_be_read_is_nobody_and_is_swept(registry: Registry) -> None:
    for name, text in (("empty", ""), ("list", "[]"), ("odd", '{"spec": 1}')):
        os.mkdir(registry.path(name))
        Path(registry.path(name, "state.json")).write_text(text)
        with pytest.raises(Failure) as unknown:
            registry.find(name)
        assert unknown.value.exit == Exit.NOT_FOUND
    assert registry.sweep() == []
    assert os.listdir(registry.folder) == [".lock"]


def test_what_lives_and_can_t_be_read_is_not_swept(registry: Registry) -> None:
    """Somebody removed its state.json: its name and its log are all that is left to find it by."""
    lives = registry.reserve(spec("web", detach=True), 1.0)
    os.unlink(registry.path("web", "state.json"))
    assert registry.sweep() == []
    assert os.path.exists(registry.path("web"))
    with pytest.raises(Failure, match=r"one of that name lives.*fuser"):
        registry.reserve(spec("web"), 2.0)
    os.close(lives.exit_file)
    assert registry.sweep() == []
    assert not os.path.exists(registry.path("web"))


@pytest.mark.parametrize(
    ("where", "value"),
    [
        *((("created",), value) for value in (10**400, float("nan"), float("inf"), -1, "1")),
        *((("keeper", "pid"), value) for value in (None, 0, -1, 1 << 70, 1.0, "\ud800", [])),
        *((("keeper", "start"), value) for value in (None, "1", 1.0, True)),
        *((("keeper", "namespace"), value) for value in (None, "1", {})),
        (("keeper", "boot"), 1),
        (("keeper",), []),
        (("spec", "command"), 5),
        (("flags",), "1"),
    ],
)
def test_what_was_tampered_with_is_nobody(
    registry: Registry, where: tuple[str, ...], value: object
) -> None:
    reserve(registry, spec("web"), 1.0)
    path = Path(registry.path("web", "state.json"))
    document = json.loads(path.read_text())
    assert registry.find("web")
    inner = document
    for word in where[:-1]:
        inner = inner[word]
    inner[where[-1]] = value
    path.write_text(json.dumps(document))
    with pytest.raises(Failure, match="none of that name"):
        registry.find("web")
    assert registry.sweep() == []


def elsewhere() -> Identity:
    """A process of another pid namespace, with our number and start."""
    return ourselves()._replace(namespace=1)


def test_a_number_of_another_pid_namespace_is_nobody_here(registry: Registry) -> None:
    assert ourselves().is_here()
    assert not elsewhere().is_here()
    assert not elsewhere().is_alive()
    with pytest.raises(ProcessLookupError):
        elsewhere().open()


def test_in_another_pid_namespace_the_lock_says_who_is_alive(registry: Registry) -> None:
    held = registry.reserve(spec("web", detach=True), 1.0)
    age(registry, "web", elsewhere(), NAMESPACES)
    assert registry.is_alive(registry.find("web"))
    assert [entry.name for entry in registry.sweep()] == ["web"]
    with pytest.raises(Failure, match="there is one of that name"):
        registry.reserve(spec("web"), 2.0)
    os.close(held.exit_file)
    assert not registry.is_alive(registry.find("web"))
    assert reserve(registry, spec("web"), 3.0).created == 3.0


def _folder(path: Path, **files: str) -> None:
    path.mkdir()
    for name, text in files.items():
        (path / name.replace("_", ".")).write_text(text)


def _waiting(path: Path) -> None:
    _folder(path, mine="")
    os.mkfifo(path / "state.json")


STRAYS: dict[str, Callable[[Path], object]] = {
    "notes": lambda path: path.write_text("mine"),
    "c1": lambda path: path.write_text("mine"),
    "pipe": os.mkfifo,
    "nowhere": lambda path: path.symlink_to("/nowhere"),
    "etc": lambda path: path.symlink_to("/etc"),
    "folder": lambda path: (path / "state.json").mkdir(parents=True),
    "with notes": _folder,
    "notes.d": lambda path: _folder(path, log="mine", mine=""),
    "waits": _waiting,
    "deep": lambda path: _folder(path, state_json="[" * 99999, mine=""),
}


def inside(path: Path) -> list[Path]:
    return [] if path.is_symlink() else sorted(path.rglob("*"))


@pytest.mark.parametrize("stray", STRAYS)
def test_what_others_put_there_disturbs_nobody_and_stays(registry: Registry, stray: str) -> None:
    path = Path(registry.path(stray))
    STRAYS[stray](path)
    before = inside(path)
    held = registry.reserve(spec(), 1.0)
    assert held.entry.name == ("c2" if stray == "c1" else "c1")
    assert [entry.name for entry in registry.sweep()] == [held.entry.name]
    registry.remove(held.entry)
    os.close(held.exit_file)
    assert sorted(os.listdir(registry.folder)) == sorted([".lock", stray])
    assert inside(path) == before
    if stray != "with notes":  # no name of a container
        with pytest.raises(Failure, match="is there, and not of our making"):
            registry.reserve(spec(stray), 2.0)


def test_a_link_to_what_looks_like_ours_is_not_followed(registry: Registry, tmp_path: Path) -> None:
    """Neither to be read, nor to be swept away where it leads."""
    entry = reserve(registry, spec("web"), 1.0)
    age(registry, "web", dead())
    os.rename(registry.path("web"), tmp_path / "mine")
    for name in ("web", "c1"):
        os.symlink(tmp_path / "mine", registry.path(name))
    before = inside(tmp_path / "mine")
    with pytest.raises(Failure, match="there is none"):
        registry.find("web")
    assert registry.sweep() == []
    registry.remove(entry)
    assert inside(tmp_path / "mine") == before != []


def test_a_name_that_leads_nowhere_is_taken_too(registry: Registry) -> None:
    os.symlink("/nowhere", registry.path("c1"))
    assert reserve(registry, spec(), 1.0).name == "c2"


def test_a_lock_that_leads_elsewhere_is_not_followed(registry: Registry, tmp_path: Path) -> None:
    os.symlink(tmp_path / "made by us", os.path.join(registry.folder, ".lock"))
    with pytest.raises(Failure, match=r"\.lock in it can't be opened"):
        registry.sweep()
    assert not (tmp_path / "made by us").exists()
    os.unlink(os.path.join(registry.folder, ".lock"))
    registry.sweep()
    assert os.path.exists(os.path.join(registry.folder, ".lock"))


def test_a_state_of_any_size_is_read_as_far_as_one_of_ours_goes(registry: Registry) -> None:
    reserve(registry, spec("web"), 1.0)
    state = Path(registry.path("web", "state.json"))
    text = state.read_text()
    state.write_text(text + " " * (STATE_MAX - len(text)))
    assert registry.find("web").created == 1.0
    state.write_text(" " * STATE_MAX + text)
    with pytest.raises(Failure):
        registry.find("web")


def test_what_others_put_beside_a_container_stays_when_that_goes(registry: Registry) -> None:
    entry = reserve(registry, spec("web", detach=True), 1.0)
    (Path(registry.path("web")) / "notes").write_text("mine")
    assert [found.name for found in registry.sweep()] == ["web"]
    registry.remove(entry)
    assert os.listdir(registry.path("web")) == ["notes"]
    assert registry.sweep() == []


def test_a_folder_with_another_s_entry_is_not_a_container(registry: Registry) -> None:
    """Copied by hand: removing it must not remove the one it was copied from."""
    entry = reserve(registry, spec("web"), 1.0)
    os.mkdir(registry.path("copy"))
    text = Path(registry.path("web", "state.json")).read_text()
    Path(registry.path("copy", "state.json")).write_text(text)
    assert [found.name for found in registry.sweep()] == ["web"]
    assert registry.find("web") == entry


def test_a_lock_that_is_none_is_told(registry: Registry) -> None:
    os.mkdir(os.path.join(registry.folder, ".lock"))
    with pytest.raises(Failure, match=r"\.lock in it can't be opened: Is a directory; repair"):
        registry.sweep()


def test_only_the_very_container_is_removed_not_its_successor(registry: Registry) -> None:
    old = reserve(registry, spec("web"), 1.0)
    age(registry, "web", dead())
    new = reserve(registry, spec("web"), 2.0)
    registry.remove(old)
    assert registry.find("web") == new


def test_an_entry_survives_being_stored(registry: Registry) -> None:
    entry = registry.record(reserve(registry, spec("web"), 1.5), os.getpid())
    assert registry.find("web") == entry
    assert (entry.keeper, entry.flags) == (ourselves(), 0)
    registry.complete(entry, NAMESPACES)
    assert registry.find("web") == entry._replace(flags=NAMESPACES)


def test_what_was_removed_meanwhile_is_not_completed_nor_its_successor(registry: Registry) -> None:
    old = reserve(registry, spec("web"), 1.0)
    registry.remove(old)
    with pytest.raises(Failure, match="removed while it was being made"):
        registry.record(old, os.getpid())
    new = reserve(registry, spec("web"), 2.0)
    with pytest.raises(Failure, match="removed while it was being made"):
        registry.complete(old, NAMESPACES)
    assert registry.find("web") == new


@pytest.mark.parametrize("name", ["..", "../x", "a/b", ".lock", "", "x\0y"])
def test_no_name_leads_out_of_the_folder_s23(registry: Registry, name: str) -> None:
    with pytest.raises(Failure) as refusal:
        registry.find(name)
    assert refusal.value.exit == Exit.NOT_FOUND


def test_an_exit_code_is_known_if_it_was_left(registry: Registry) -> None:
    entry = reserve(registry, spec("web", detach=True), 1.0)
    assert registry.exit_code(entry) is None
    Path(registry.path("web", "exit")).write_text("5\n")
    assert registry.exit_code(entry) == 5


def test_room_for_an_exit_code_is_no_exit_code_and_does_not_spoil_it(registry: Registry) -> None:
    entry = reserve(registry, spec("web", detach=True), 1.0)
    path = Path(registry.path("web", "exit"))
    path.write_bytes(EXIT_ROOM)
    assert registry.exit_code(entry) is None
    with path.open("r+b") as file:
        file.write(b"137\n")
    assert registry.exit_code(entry) == 137
    assert path.stat().st_size == len(EXIT_ROOM)


def test_on_a_full_disk_no_name_is_taken(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("containers.registry.json.dump", full)
    with pytest.raises(Failure, match="No space left on device; free some room"):
        reserve(registry, spec("web"), 1.0)
    assert os.listdir(registry.folder) == [".lock"]
    held = os.listdir("/proc/self/fd")
    for _ in range(3):
        with pytest.raises(Failure):
            registry.reserve(spec("web"), 1.0)
    assert len(os.listdir("/proc/self/fd")) == len(held), "its file was not left open"


def test_folders_are_for_us_alone(registry: Registry) -> None:
    for folder in (registry.run, registry.folder):
        assert os.stat(folder).st_mode & 0o777 == 0o700


def test_word_of_a_port_that_is_gone_is_kept_for_this_container_alone(registry: Registry) -> None:
    entry = reserve(registry, spec("a"), 1.0)
    assert registry.why_detached("a") is None
    registry.say_detached(entry, "no daemon")
    assert registry.why_detached("a") == "no daemon"
    registry.say_detached(entry._replace(keeper=entry.keeper._replace(start=1)), None)
    assert registry.why_detached("a") == "no daemon", "another one of that name"
    registry.say_detached(entry, None)
    assert registry.why_detached("a") is None
    registry.say_detached(entry, "no daemon")
    registry.remove(entry)
    registry.say_detached(entry, "no daemon")
    assert registry.names() == set()
