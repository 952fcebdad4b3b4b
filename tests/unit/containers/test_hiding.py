"""Where a folder shows: from the kernel's mount table to places."""

from __future__ import annotations

from pathlib import Path

import pytest

from containers import hiding
from containers.hiding import VIEWS_MAX, Mount, parse, shows, views
from containers.plan import View
from vswitch.errors import Failure

ROOT = Mount(1, "8:1", "/", "/")
RUN = Mount(2, "0:25", "/", "/run")


@pytest.mark.parametrize(
    ("other", "place"),
    [
        (Mount(3, "0:25", "/", "/mnt/run"), "/mnt/run/vswitch"),
        (Mount(3, "0:25", "/vswitch", "/srv/root/x"), "/srv/root/x"),
        (Mount(3, "0:25", "/vswitch/containers/c1", "/part"), "/part"),
        (Mount(3, "0:25", "/vswitch/vswitch.sock", "/srv/sock"), "/srv/sock"),
        (Mount(3, "0:25", "/vswitch-other", "/mnt"), None),
        (Mount(3, "0:25", "/lock", "/mnt"), None),
        (Mount(3, "0:26", "/", "/mnt"), None),
        (Mount(3, "8:1", "/", "/mnt"), None),
    ],
)
def test_every_mount_of_its_file_system_that_holds_it_or_a_part_shows_it(
    other: Mount, place: str | None
) -> None:
    found = [path for _, path in shows([ROOT, RUN, other], RUN, "/run/vswitch")]
    assert found == ["/run/vswitch", *([place] if place else [])]


def test_a_folder_in_the_root_shows_in_bind_mounts_of_the_root_and_of_what_leads_there() -> None:
    mounts = [ROOT, Mount(3, "8:1", "/", "/mnt"), Mount(4, "8:1", "/var/lib", "/srv/lib")]
    found = [path for _, path in shows(mounts, ROOT, "/var/lib/vswitch")]
    assert found == ["/var/lib/vswitch", "/mnt/var/lib/vswitch", "/srv/lib/vswitch"]


def test_a_folder_that_is_a_mount_of_its_own_shows_there() -> None:
    own = Mount(5, "0:30", "/", "/run/vswitch")
    assert [path for _, path in shows([ROOT, RUN, own], own, "/run/vswitch")] == ["/run/vswitch"]


def test_odd_characters_are_read_as_the_kernel_writes_them() -> None:
    line = r"30 1 8:1 /a\040b /mnt/c\134\011d rw,relatime shared:1 - ext4 /dev/sda rw"
    assert parse(line) == [Mount(30, "8:1", "/a b", "/mnt/c\\\td")]


def test_a_real_folder_is_found_by_identity_and_its_parts_are_not_told_again(
    tmp_path: Path,
) -> None:
    (tmp_path / "run" / "containers").mkdir(parents=True)
    run = str(tmp_path.resolve() / "run")
    about = (tmp_path / "run").stat()
    found = views([run, f"{run}/containers"])
    assert (run, about.st_dev, about.st_ino) in found
    assert not any(view.path == f"{run}/containers" for view in found)


def look_at(monkeypatch: pytest.MonkeyPatch, mounts: list[Mount], top: dict[str, int]) -> None:
    """A machine with these mounts; `top` are the places where another one lies above."""
    own = {mount.point: mount.id for mount in mounts}

    def look(path: str) -> tuple[int, View]:
        point = max((point for point in own if hiding._below(path, point) is not None), key=len)
        return top.get(path, own[point]), View(path, 1, 2)

    monkeypatch.setattr(hiding, "parse", lambda _: mounts)
    monkeypatch.setattr(hiding, "_look", look)


def test_a_place_that_another_mount_covers_shows_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """What lies there is another's: to cover it would take that from the container."""
    mounts = [ROOT, RUN, Mount(3, "0:25", "/", "/mnt/run"), Mount(4, "0:25", "/", "/srv/run")]
    look_at(monkeypatch, mounts, {"/srv/run/vswitch": 9})
    assert [view.path for view in views(["/run/vswitch"])] == ["/mnt/run/vswitch", "/run/vswitch"]


def test_a_folder_that_shows_in_too_many_places_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    mounts = [ROOT, RUN]
    mounts += [Mount(n, "0:25", "/", f"/mnt/{n}") for n in range(3, VIEWS_MAX + 2)]
    look_at(monkeypatch, mounts, {})
    assert len(views(["/run/vswitch"])) == VIEWS_MAX
    mounts.append(Mount(VIEWS_MAX + 2, "0:25", "/", "/one more"))
    look_at(monkeypatch, mounts, {})
    with pytest.raises(Failure, match=f"{VIEWS_MAX + 1} places, more than {VIEWS_MAX}"):
        views(["/run/vswitch"])


def test_a_folder_whose_mount_is_not_told_starts_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Better no container than one that sees it."""
    look_at(monkeypatch, [ROOT, RUN], {"/run/vswitch": 7})
    with pytest.raises(Failure, match="its mount can't be told"):
        views(["/run/vswitch"])
