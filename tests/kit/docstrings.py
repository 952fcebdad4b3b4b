"""Finds public things of Python sources that say nothing of themselves.

Public is what has no leading underscore: modules, classes, functions, methods, properties.  A
method that does what a base class says of a method of its name needs no words of its own: of a
base class in the sources if that has words for it, of one from outside in any case.  No file is
read, and of what is outside only the standard library is looked at.
"""

import ast
import importlib
from collections.abc import Iterable, Iterator

Function = ast.FunctionDef | ast.AsyncFunctionDef


def undocumented(sources: dict[str, str]) -> list[str]:
    """'path:line: name' of each public thing without docstring in 'sources' (path -> text)."""
    trees = {path: ast.parse(text) for path, text in sources.items() if text.strip()}
    classes = {node.name: node for tree in trees.values() for node in _classes(tree)}
    return [
        f"{path}:{line}: {name}"
        for path, tree in trees.items()
        for name, line in _silent(path, tree, classes)
    ]


def _silent(
    path: str, tree: ast.Module, classes: dict[str, ast.ClassDef]
) -> Iterator[tuple[str, int]]:
    if not ast.get_docstring(tree):
        yield path, 1
    for node in _public(tree.body):
        if not ast.get_docstring(node):
            yield node.name, node.lineno
        if isinstance(node, ast.ClassDef):
            for method in _public(node.body):
                told = ast.get_docstring(method) or _is_told(tree, node, method.name, classes)
                if not told:
                    yield f"{node.name}.{method.name}", method.lineno


def _is_told(
    tree: ast.Module, of: ast.ClassDef, method: str, classes: dict[str, ast.ClassDef]
) -> bool:
    """Whether a base class says what the method does."""
    for base in of.bases:
        name = ast.unparse(base).partition("[")[0]
        ours = classes.get(name.rpartition(".")[2])
        if ours is None:
            found = hasattr(_outside(tree, name), method)
        else:
            said = [m for m in _public(ours.body) if m.name == method and ast.get_docstring(m)]
            found = bool(said) or _is_told(tree, ours, method, classes)
        if found:
            return True
    return False


def _outside(tree: ast.Module, name: str) -> object:
    """The class that a file calls so, from the standard library."""
    module, _, attribute = name.rpartition(".")
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and any(a.name == name for a in node.names):
            module, attribute = node.module or "", name
    try:
        return getattr(importlib.import_module(module), attribute)
    except (ImportError, ValueError, AttributeError):
        return None


def _classes(tree: ast.Module) -> Iterator[ast.ClassDef]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.ClassDef))


def _public(body: Iterable[ast.stmt]) -> Iterator[Function | ast.ClassDef]:
    for node in body:
        if isinstance(node, Function | ast.ClassDef) and not node.name.startswith("_"):
            yield node
