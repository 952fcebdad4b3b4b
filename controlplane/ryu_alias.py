"""Makes `import ryu...` work: the modules of os-ken under the name they had in Ryu.

os-ken is Ryu under another name, so an unmodified Ryu app only needs the old name. The alias
hands out the very same module objects (two copies would mean two event systems), and adds the
names that changed: `RyuApp` and `RyuException`.
"""

import importlib
import importlib.abc
import importlib.machinery
import sys
from collections.abc import Sequence
from types import ModuleType

RENAMED = {
    # module of os-ken: (Ryu's name, os-ken's name)
    "os_ken.base.app_manager": ("RyuApp", "OSKenApp"),
    "os_ken.exception": ("RyuException", "OSKenException"),
}


class AliasFinder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Answers for `ryu` and everything below it."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """A spec for Ryu's names, None for all others."""
        if fullname != "ryu" and not fullname.startswith("ryu."):
            return None
        return importlib.machinery.ModuleSpec(fullname, self)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType:
        """os-ken's module itself; its own spec is kept aside, for the import system replaces it."""
        try:
            module = importlib.import_module("os_ken" + spec.name.removeprefix("ryu"))
        except ModuleNotFoundError as error:
            why = f"No module named {spec.name!r} (os-ken has no {error.name!r} either)"
            raise ModuleNotFoundError(why, name=spec.name) from error
        spec.loader_state = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        """Nothing to run: it has run under its own name. Gives the module its own spec back."""
        alias = module.__spec__
        assert alias is not None
        module.__spec__ = alias.loader_state


def install() -> None:
    """Puts the alias first, so that an old Ryu on the path does not shadow it. Once is enough."""
    if not any(isinstance(finder, AliasFinder) for finder in sys.meta_path):
        sys.meta_path.insert(0, AliasFinder())
    for name, (old, new) in RENAMED.items():
        module = importlib.import_module(name)
        setattr(module, old, getattr(module, new))
