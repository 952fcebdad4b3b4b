"""Makes `import ryu...` work: the modules of os-ken under the name they had in Ryu.

os-ken is Ryu under another name, so an unmodified Ryu app only needs the old name. The alias
hands out the very same module objects (two copies would mean two event systems), and adds the
names that changed: `RyuApp` and `RyuException`. os-ken dropped two things that apps need:

- the web server (`ryu.app.wsgi`): `controlplane.wsgi` stands in for it;
- Ryu's own apps (`ryu.app.simple_switch_13`, `ryu.app.ofctl_rest`...): taken from a Ryu that is
  installed or on PYTHONPATH, file by file; whatever those import comes from here again.

The same holds under os-ken's name (`os_ken.app.simple_switch_13`).
"""

import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import ModuleType

OURS = {
    "ryu.app.wsgi": "controlplane.wsgi",
    "os_ken.app.wsgi": "controlplane.wsgi",
}
"""What we have in place of modules that are missing; nothing that can be installed beside os-ken
is hidden by it, but for Ryu's own copies of what os-ken has."""

RENAMED = {
    # module of os-ken: (Ryu's name, os-ken's name)
    "os_ken.base.app_manager": ("RyuApp", "OSKenApp"),
    "os_ken.exception": ("RyuException", "OSKenException"),
}


class AliasFinder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Answers for `ryu` and everything below it, what is missing below `os_ken.app`, and `OURS`."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """A spec for those names, None for all others."""
        top, _, below = fullname.partition(".")
        if fullname in OURS:
            return self._alias(fullname, OURS[fullname])
        if top != "ryu" and not fullname.startswith("os_ken.app."):
            return None
        theirs = f"os_ken.{below}".rstrip(".")
        if _os_ken_has(theirs):
            return self._alias(fullname, theirs) if top == "ryu" else None
        file = next(ryu_files(below), None)
        if file is None:
            return None
        if top == "os_ken":
            return self._alias(fullname, f"ryu.{below}")
        inside = [str(file.parent)] if file.name == "__init__.py" else None
        return importlib.util.spec_from_file_location(
            fullname, file, submodule_search_locations=inside
        )

    def _alias(self, fullname: str, other: str) -> importlib.machinery.ModuleSpec:
        return importlib.machinery.ModuleSpec(fullname, self, origin=other)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType:
        """The other module itself; its own spec is kept, for the import system replaces it."""
        assert spec.origin is not None
        module = importlib.import_module(spec.origin)
        spec.loader_state = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        """Nothing to run: it has run under its own name. Gives the module its own spec back."""
        alias = module.__spec__
        assert alias is not None
        module.__spec__ = alias.loader_state


def _os_ken_has(name: str) -> bool:
    """Whether os-ken itself has a module `name`."""
    if name in sys.modules:
        return sys.modules[name].__name__ == name
    package = sys.modules.get(name.rpartition(".")[0])
    where = package.__path__ if package is not None and hasattr(package, "__path__") else None
    return importlib.machinery.PathFinder.find_spec(name, where) is not None


def ryu_files(below: str) -> Iterator[Path]:
    """The files that `ryu.<below>` has in Ryu's own packages on the path."""
    for entry in sys.path:
        stem = Path(entry or ".", "ryu", *below.split("."))
        for file in (stem.with_name(stem.name + ".py"), stem / "__init__.py"):
            if file.is_file():
                yield file


def install() -> None:
    """Puts the alias first, so that an old Ryu on the path does not shadow it. Once is enough."""
    if not any(isinstance(finder, AliasFinder) for finder in sys.meta_path):
        sys.meta_path.insert(0, AliasFinder())
    for name, (old, new) in RENAMED.items():
        module = importlib.import_module(name)
        setattr(module, old, getattr(module, new))
