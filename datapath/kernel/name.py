"""What an interface may be called (dev_valid_name in the kernel, and a little stricter)."""

from __future__ import annotations

from datapath.kernel.problem import KernelError

NAME_LIMIT = 15  # IFNAMSIZ less the NUL
_SPECIAL = frozenset("/:%\\'\"`$;&|<>*?(){}[]!#~")


def check_name(name: str) -> str:
    """Returns `name`, or raises KernelError: it could not be an interface's name.

    Stricter than the kernel: printable ASCII without characters that a shell or a path would take
    for something else, and no '%', which the kernel reads as a pattern.
    """
    why = _objection(name)
    if why:
        raise KernelError(
            f"interface name {name!r}",
            why,
            f"use 1 to {NAME_LIMIT} letters, digits, '-', '_' or '.'",
        )
    return name


def _objection(name: str) -> str | None:
    if not name:
        return "is empty"
    if len(name) > NAME_LIMIT:
        return f"is longer than {NAME_LIMIT} characters"
    if name in (".", ".."):
        return "is a folder's name"
    if name.startswith("-"):
        return "looks like an option"
    if not (name.isascii() and name.isprintable()) or " " in name or _SPECIAL & set(name):
        return "has a character that interface names can't have"
    return None
