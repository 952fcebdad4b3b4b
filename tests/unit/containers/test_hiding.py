"""Where a folder shows: from the kernel's mount table to places."""

from __future__ import annotations

from pathlib import Path

import pytest

from containers.hiding import Mount, parse, shows, views

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
