"""From what a person types to a loaded app: `learning`, `my_app.py`, `ryu.app.ofctl_rest`.

os-ken's own loader ends in a traceback for every mistake, so names are resolved and imported here
first; os-ken then finds the module already loaded. Every failure says which app, why, and what to
do about it.
"""

import importlib
import importlib.util
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

from vswitch.errors import Exit, Failure

BUNDLED = "controlplane.apps"


def load(name: str) -> str:
    """Imports the app `name` and returns the module name under which os-ken finds it.

    A path or something ending in `.py` is a file; else a bundled app's short name; else a module.
    """
    if name.endswith(".py") or "/" in name:
        module = _guarded(name, lambda: _load_file(name))
    else:
        module = _guarded(name, lambda: _load_module(name))
    _check_has_app(name, module)
    return module.__name__


def bundled() -> list[str]:
    """The short names of the apps that come with us."""
    folder = Path(__file__).parent / "apps"
    return sorted(path.stem for path in folder.glob("*.py") if path.stem != "__init__")


def failure(doing: str, name: str, error: Exception) -> Failure:
    """Why `doing` ("importing", "starting") the app `name` failed, with the line that did."""
    said = " ".join(str(error).split()) or "without a word"
    why = f"{doing} it failed with {type(error).__name__}: {said} ({_deepest_line(error)})"
    return Failure(f"app {name}", why, "correct the app, or see all of it with --verbose")


def _load_file(name: str) -> ModuleType:
    path = Path(name).resolve()
    if not path.is_file():
        raise Failure(f"app {name}", "there is no such file", "check the path", Exit.NOT_FOUND)
    root, dotted = _place_in_packages(path)
    if str(root) not in sys.path:
        sys.path.append(str(root))  # for what lies beside the app
    if "." in dotted:
        return importlib.import_module(dotted)
    before = sys.modules.get(dotted)
    if before is not None and getattr(before, "__file__", None) == str(path):
        return before
    if before is not None or dotted in sys.stdlib_module_names:
        dotted += "_app"  # a file named like a module that others mean
    spec = importlib.util.spec_from_file_location(dotted, path)
    if spec is None or spec.loader is None:
        raise Failure(f"app {name}", "it is not a Python file", "give a file named *.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[dotted] = module
    spec.loader.exec_module(module)
    return module


def _place_in_packages(path: Path) -> tuple[Path, str]:
    """The folder to import from and the dotted name: a file of a package is part of it."""
    names, folder = [path.stem], path.parent
    while (folder / "__init__.py").is_file() and folder.name.isidentifier():
        names.insert(0, folder.name)
        folder = folder.parent
    return folder, ".".join(names)


def _load_module(name: str) -> ModuleType:
    target = f"{BUNDLED}.{name}" if name in bundled() else name
    try:
        return importlib.import_module(target)
    except ModuleNotFoundError as error:
        if error.name is not None and (target + ".").startswith(error.name + "."):
            raise Failure(
                f"app {name}", "no such module", _what_to_give(name), Exit.NOT_FOUND
            ) from None
        raise


def _what_to_give(name: str) -> str:
    if name.startswith(("ryu.app.", "os_ken.app.")):
        return "os-ken has no apps of Ryu's: install ryu (controlplane/README.md), or give a file"
    return f"give a module, a file (*.py) or one of: {', '.join(bundled())}"


def _guarded(name: str, importing: Callable[[], ModuleType]) -> ModuleType:
    try:
        return importing()
    except Failure:
        raise
    except Exception as error:
        raise failure("importing", name, error) from error


def _deepest_line(error: Exception) -> str:
    if isinstance(error, SyntaxError):
        return f"{error.filename}:{error.lineno}"
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if "importlib" not in frame.filename
    ]
    return f"{frames[-1].filename}:{frames[-1].lineno}" if frames else "unknown place"


def _check_has_app(name: str, module: ModuleType) -> None:
    from os_ken.base.app_manager import OSKenApp

    classes = [value for value in vars(module).values() if isinstance(value, type)]
    if not any(issubclass(cls, OSKenApp) and cls.__module__ == module.__name__ for cls in classes):
        why = "it has no class derived from OSKenApp (Ryu: RyuApp)"
        raise Failure(f"app {name}", why, "name the module that defines the app")
