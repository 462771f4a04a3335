"""The rules that hold for every file: order, imports, docstrings, flags.

A rule takes a checkout and one of its files and lists what is wrong, one line
each. It reads the file (`ast`) and runs nothing. `test_structure.py` tries
each rule on every file, and on a small wrong file to see that it bites.
"""

import ast
import pathlib
from collections.abc import Iterator

# The library in reading order: a file imports only from files above it. A
# name with a "/" at the end is a folder whose files may import each other.
ORDER = (
    "config",
    "atomic",
    "images/",
    "model/convolution",
    "model/resampling",
    "model/subgraph",
    "model/warp",
    "model/flow_estimator",
    "model/windows",
    "model/brightness",
    "model/lucas_kanade",
    "model/epipolar",
    "model/propagation",
    "model/observed_flow",
    "model/pyramid_flow",
    "model/encoder",
    "model/decoder",
    "model/upsampler",
    "model/crossnet",
    "losses",
    "teacher",
    "baselines/",
    "metrics/",
    "light_fields",
    "augment",
    "color",
    "wrong_ref",
    "stereo",
    "prepared",
    "folders",
    "sources",
    "whole_pairs",
    "pipeline",
    "panels",
    "pictures",
    "memory",
    "report/",
    "tiling",
    "weight_files",
    "checkpoints",
    "runs",
    "devices",
    "optimization",
    "step",
    "evaluation",
    "methods",
    "comparison",
    "summaries",
    "resuming",
    "run_state",
    "training",
    "upscaling",
    "torch_files",
    "converting",
    "flag_help",
    "outcome",
    "quiet",
    "cli",
    "train",
    "evaluate",
    "upscale",
    "demo",
    "timing",
    "benchmark",
    "convert",
)
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


def _place(module: str) -> int | None:
    """Where a module of the library stands in ORDER; None: nowhere.

    `module` is like "model/warp". The package itself is -1, as every file
    may import it; a subpackage stands where its last file does.
    """
    if not module:
        return -1
    places = [
        place
        for place, entry in enumerate(ORDER)
        if f"{module}/".startswith(entry if entry[-1] == "/" else f"{entry}/")
        or entry.startswith(f"{module}/")
    ]
    return max(places, default=None)


def _short(name: str) -> str:
    """ "crossnet_tf/model/warp.py" or "crossnet_tf.model" as in ORDER."""
    parts = name.removesuffix(".py").replace(".", "/").split("/")[1:]
    return "/".join(parts[:-1] if parts[-1:] == ["__init__"] else parts)


def order(root: pathlib.Path, file: str) -> list[str]:
    """The file is in ORDER and imports only from above itself."""
    me = _short(file)
    place = _place(me)
    if place is None:
        return [
            f"{file} has no place in the reading order: "
            "add it to ORDER in tests/structure_rules.py"
        ]
    problems = []
    for line, name in imports(root, file):
        other = _short(name)
        same_folder = ORDER[place][-1] == "/" and _place(other) == place
        inside_package = file.endswith("__init__.py") and _place(other) == place
        if (
            name.split(".")[0] == "crossnet_tf"
            and other != me
            and not (same_folder or inside_package)
            and (_place(other) is None or _place(other) >= max(place, 0))
        ):
            problems.append(f"{file}:{line} imports {name}, which comes later")
    return problems


def boundaries(root: pathlib.Path, file: str) -> list[str]:
    """No relative imports; the library imports no builder and no export.

    The files of a data-set builder may import each other relatively:
    `tfds build data/NAME` loads them as package NAME, not data.NAME.
    """
    outside = {"data", "export", "tests"}
    in_builder = len(pathlib.Path(file).parts) == 3 and file.startswith("data/")
    problems = []
    for line, name in sorted(set(imports(root, file))):
        if name.startswith(".") and not (in_builder and name[1:2] != "."):
            problems.append(f"{file}:{line} has a relative import: {name}")
        elif file.startswith("crossnet_tf") and name.split(".")[0] in outside:
            problems.append(f"{file}:{line} imports {name}")
    return problems


def flags(root: pathlib.Path, file: str) -> list[str]:
    """Below the command line's own files nothing knows of flags."""
    if (_place(_short(file)) or 0) >= ORDER.index("flag_help"):
        return []
    text = (root / file).read_text()
    lines = [
        node.lineno
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.ImportFrom)
        and node.module == "absl"
        and any(alias.name in ("flags", "app") for alias in node.names)
    ] + [
        line
        for line, name in imports(root, file)
        if name.startswith(("absl.flags", "absl.app"))
    ]
    return [f"{file}:{line} imports absl's flags" for line in lines]


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
