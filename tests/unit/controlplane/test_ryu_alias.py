"""What our finder stands before: nothing that is installed."""

import importlib.machinery
import importlib.metadata

import os_ken.app
import os_ken.base.app_manager  # the first of os-ken, always
import tinyrpc

from controlplane import ryu_alias
from controlplane.ryu_alias import OURS, AliasFinder

assert os_ken.base.app_manager


def test_the_finder_hides_no_module_that_is_installed() -> None:
    for name in OURS:
        top, _, below = name.partition(".")
        if top != "ryu":  # Ryu's own modules are os-ken's: that is what the alias is for
            found = importlib.machinery.PathFinder.find_spec(name, os_ken.app.__path__)
            assert found is None, f"{name} is {found}"
            assert below


def test_the_finder_answers_for_no_other_package() -> None:
    installed = importlib.metadata.packages_distributions()
    for name in (*installed, "tinyrpc.exc", "tinyrpc.client"):
        if name != "ryu":
            assert AliasFinder().find_spec(name, None) is None
    assert AliasFinder().find_spec("ryu.app.wsgi", None)


def test_tinyrpc_is_the_package() -> None:
    ryu_alias.install()
    assert (tinyrpc.__file__ or "").endswith("tinyrpc/__init__.py")
    assert importlib.metadata.version("tinyrpc")
