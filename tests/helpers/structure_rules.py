"""The rules that hold for every file: imports, docstrings, lengths, reasons.

A rule takes a checkout and one of its files and lists what is wrong, one line
each. It reads the file (`ast`) and runs nothing. `test_structure.py` tries
each rule on every file, and on a small wrong file to see that it bites. What
a room may import is in pyproject.toml, for import-linter.
"""

import ast
import pathlib
from collections.abc import Iterator

# Keras calls these; `call` reads as the class docstring says.
KERAS_HOOKS = {
    "build",
    "call",
    "compute_output_shape",
    "compute_output_spec",
    "from_config",
    "get_config",
}
MAX_FUNCTION_LINES = 45
_OUTSIDE = {"data", "export", "tests"}


def imports(root: pathlib.Path, file: str) -> Iterator[tuple[int, str]]:
    """Line and full name of what is imported, wherever it stands in the file.

    `from a import b` names `a.b` if that is a module of the checkout, and `a`
    otherwise. Relative imports keep their dots.
    """
    for node in ast.walk(ast.parse((root / file).read_text())):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom):
            base = "." * node.level + (node.module or "")
            for alias in node.names:
                name = f"{base}.{alias.name}"
                path = root / name.replace(".", "/")
                is_module = path.is_dir() or path.with_suffix(".py").is_file()
                yield node.lineno, name if is_module else base


def boundaries(root: pathlib.Path, file: str) -> list[str]:
    """The library imports no builder and no export, and by full names.

    `data/` and `export/` have two names, `data` in a checkout and
    `crossnet_tf.data` everywhere. So that no process loads a file under both,
    their files import each other relatively. A data-set builder is a package
    of its own for `tfds build data/NAME`, so that what is outside its folder
    is `crossnet_tf.data` for it.
    """
    top, *rooms = pathlib.Path(file).parts[:-1]
    in_library, in_builder = top == "crossnet_tf", top == "data" and rooms
    most_dots = 0 if in_library else 1 if top == "data" else 1 + len(rooms)
    problems = []
    for line, name in sorted(set(imports(root, file))):
        room = name.removeprefix("crossnet_tf.").split(".")[0]
        if len(name) - len(name.lstrip(".")) > most_dots:
            problems.append(f"{file}:{line} has a relative import: {name}")
        elif room in _OUTSIDE and not (
            in_builder and name.startswith("crossnet_tf.data")
        ):
            problems.append(f"{file}:{line} imports {name}")
    return problems


def docstrings(root: pathlib.Path, file: str) -> list[str]:
    """Each module, public class, function and method has a docstring."""
    tree = ast.parse((root / file).read_text())
    if not tree.body:
        return []
    problems = [] if ast.get_docstring(tree) else [f"{file}:1 the module"]
    for node in _public(tree):
        if not ast.get_docstring(node):
            problems.append(f"{file}:{node.lineno} {node.name}")
    return problems


def _public(node: ast.Module | ast.ClassDef) -> Iterator[ast.AST]:
    for child in node.body:
        if isinstance(child, ast.FunctionDef | ast.ClassDef) and not (
            child.name.startswith("_")
            or (isinstance(node, ast.ClassDef) and child.name in KERAS_HOOKS)
        ):
            yield child
            if isinstance(child, ast.ClassDef):
                yield from _public(child)


def lengths(root: pathlib.Path, file: str) -> list[str]:
    """A function has at most 45 lines, its docstring not counted."""
    problems = []
    for node in ast.walk(ast.parse((root / file).read_text())):
        if isinstance(node, ast.FunctionDef):
            lines = node.end_lineno - node.lineno + 1
            if ast.get_docstring(node):
                lines -= node.body[0].end_lineno - node.body[0].lineno + 1
            if lines > MAX_FUNCTION_LINES:
                problems.append(f"{file}:{node.lineno} {node.name}: {lines}")
    return problems


def reasons(root: pathlib.Path, file: str) -> list[str]:
    """In a flag file a comment line stands right above each flag."""
    lines = ["", *(root / file).read_text().splitlines()]
    return [
        f"{file}:{number} {line}"
        for number, line in enumerate(lines)
        if line.startswith("-") and not lines[number - 1].startswith("#")
    ]
