"""The one error of this room: a sentence that says what failed, why, and what to do."""

from __future__ import annotations

import errno
import os


class KernelError(Exception):
    """Something asked of the kernel did not work.

    Attributes: `what` was tried, `why` it failed, `advice` on what to do, `code` the errno
    (0: refused by us).  `str()` is "what: why; advice".
    """

    def __init__(self, what: str, why: str, advice: str, code: int = 0) -> None:
        super().__init__(f"{what}: {why}; {advice}")
        self.what = what
        self.why = why
        self.advice = advice
        self.code = code


_CHECK = "check the names and values given"
_ADVICE = {
    errno.EPERM: "run as root, or inside `unshare -Urnm`",
    errno.EACCES: "run as root, or inside `unshare -Urnm`",
    errno.ENODEV: "see `ip link` for the interfaces that are there",
    errno.EEXIST: "choose another name, or delete what is there",
    errno.EBUSY: "choose another name, or end the program that holds it",
    errno.ENETUNREACH: "give a gateway inside one of the addresses' networks",
    errno.EHOSTUNREACH: "give a gateway inside one of the addresses' networks",
    errno.EADDRNOTAVAIL: "give a unicast MAC address",
    errno.EOPNOTSUPP: "use a kernel built with this kind of interface",
    errno.ENOMEM: "close other programs",
    errno.EMFILE: "raise the limit of open files (`ulimit -n`)",
}


def kernel_error(what: str, code: int, advice: str | None = None) -> KernelError:
    """The error for an errno, with advice that fits it unless the caller knows better."""
    return KernelError(what, os.strerror(code), advice or _ADVICE.get(code, _CHECK), code)
