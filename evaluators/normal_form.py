"""The normal form of ordinary Python: two texts with the same one are the same program.

Comments, layout, docstrings and the names of local variables do not count.
"""

from __future__ import annotations

import ast

from sandbox.syntax import parse


def normalise(text: str) -> str:
    """The normal form as text. Raises Forbidden where the text is not Python or out of bounds."""
    return ast.dump(_normalised(text))


def normal_forms(text: str) -> tuple[str, str]:
    """The normal form, and the one in which all numbers of a kind are the same. Raises Forbidden as `normalise`."""
    tree = _normalised(text)
    whole = ast.dump(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and type(node.value) in (int, float):
            node.value = 0 if isinstance(node.value, int) else 0.0
    return whole, ast.dump(tree)


def _normalised(text: str) -> ast.AST:
    tree = parse(text)
    _rename_locals(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            _drop_docstring(node)
    return tree


def names_defined(text: str) -> set[str]:
    """Names that statements at the top level of the file bind. Raises Forbidden as `normalise`."""
    names: set[str] = set()
    for statement in parse(text).body:
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(statement.name)
        elif isinstance(statement, ast.Import | ast.ImportFrom):
            names |= {(alias.asname or alias.name).split(".")[0] for alias in statement.names}
        else:
            stores = [node for node in ast.walk(statement) if isinstance(node, ast.Name)]
            names |= {node.id for node in stores if isinstance(node.ctx, ast.Store)}
    return names


def _rename_locals(node: ast.AST) -> None:
    """Rename in each outermost function: that covers the functions inside it."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            _Renamer(child).visit_body()
        else:
            _rename_locals(child)


def _drop_docstring(node: ast.Module | ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> None:
    first = node.body[0] if node.body else None
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
        node.body = node.body[1:]


class _Renamer(ast.NodeTransformer):
    """Numbers a function's local names in the order in which they are first assigned.

    Arguments keep theirs, and so does every name that is not only a variable: of an import, a function, a
    class, a handler or a pattern. The new names are not Python's, so that none stands in the text already.
    """

    def __init__(self, function: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        self.function = function
        shared = {name for n in ast.walk(function) if isinstance(n, ast.Global | ast.Nonlocal) for name in n.names}
        stores = [n for n in ast.walk(function) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)]
        stores.sort(key=lambda n: (n.lineno, n.col_offset))
        kept = {n.arg for n in ast.walk(function) if isinstance(n, ast.arg)}
        kept |= {getattr(n, field, "") for n in ast.walk(function) for field in ("name", "asname", "rest")}
        self.names: dict[str, str] = {}
        for store in stores:
            if store.id not in shared | kept:
                self.names.setdefault(store.id, f"%{len(self.names)}")

    def visit_body(self) -> None:
        """Rename throughout the function."""
        self.function.body = [self.visit(node) for node in self.function.body]

    def visit_Name(self, node: ast.Name) -> ast.Name:
        node.id = self.names.get(node.id, node.id)
        return node
