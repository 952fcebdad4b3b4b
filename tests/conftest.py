"""Which build of the C side the tests run over: the installed one, or a flavour such as sanitized.

With VSWITCH_FLAVOUR naming a build folder, its extension module takes the place of the installed
one before anything imports it, and daemons that tests start find its forwarder.
"""

import importlib.util
import os
import sys
from pathlib import Path


def use_flavour(folder: Path) -> None:
    """Loads `datapath._vswitch` from `folder` and points the daemon at its forwarder."""
    (library,) = folder.resolve().glob("_vswitch*.so")
    spec = importlib.util.spec_from_file_location("datapath._vswitch", library)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    sys.modules["datapath._vswitch"] = module
    os.environ["VSWITCH_FORWARDER"] = str(folder.resolve() / "vswitch-forwarder")


if name := os.environ.get("VSWITCH_FLAVOUR"):
    use_flavour(Path(name))
