"""What is imported is declared, what is declared is pinned and explained."""

import ast
import pathlib
import re
import sys
import tomllib

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = pathlib.Path(__file__).resolve().parent.parent
OURS = {"crossnet_tf", "data", "export"}
PACKAGES = {  # where a package and what it is imported as differ
    "absl": "absl-py",
    "cv2": "opencv-python-headless",
    "google": "protobuf",
    "pillow_heif": "pillow-heif",
    "grpc": "grpcio",
    "PIL": "pillow",
    "skimage": "scikit-image",
    "sklearn": "scikit-learn",
}
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]
# What only tests import, and what is there for its commands.
NOT_IMPORTED = {
    "importlib-resources",
    "lazy-loader",
    "pyvips-binary",
    "mlcroissant",
    "psutil",
    "filelock",
    "tensorboard",
    "tensorflow-cpu",
    "tf2onnx",
    "urllib3",
}


def _pins(name: str = "requirements.txt") -> dict[str, str]:
    """Version by package; fails on a line that pins nothing."""
    lines = (ROOT / name).read_text().splitlines()
    return dict(
        re.fullmatch(r"([\w-]+)==([\w.]+)", line).groups()
        for line in lines
        if line and not line.startswith("#")
    )


def _declared(*extras: str) -> dict[str, Requirement]:
    """Requirements by package, of the base and of extras."""
    found = {}
    names, lines = [*extras], [*PROJECT["dependencies"]]
    while names:
        lines += EXTRAS[names.pop()]
        for own in [x for x in lines if x.startswith("crossnet_tf[")]:
            lines.remove(own)
            names += Requirement(own).extras
    for line in lines:
        requirement = Requirement(line)
        found[canonicalize_name(requirement.name)] = requirement
    return found


def _third_party_imports() -> set[str]:
    names = set()
    for folder in OURS:
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Import):
                    names |= {alias.name for alias in node.names}
                elif isinstance(node, ast.ImportFrom) and not node.level:
                    names.add(node.module)
    tops = {name.split(".")[0] for name in names}
    tops -= OURS | set(sys.stdlib_module_names)
    return {canonicalize_name(PACKAGES.get(name, name)) for name in tops}


def test_every_import_is_declared_for_users():
    needed = _third_party_imports()
    assert needed <= set(_declared("all", "torch"))
    assert {"numpy", "tensorflow"} <= needed, "found no imports"


def test_what_is_declared_for_users_is_imported():
    imported = _third_party_imports()
    assert set(_declared("all")) - NOT_IMPORTED <= imported


def test_each_requirement_is_a_range_with_one_pin_inside():
    pins, declared = _pins(), _declared(*EXTRAS)
    assert set(pins) == set(declared)
    for name, requirement in declared.items():
        assert requirement.specifier.contains(pins[name]), requirement
        assert "==" not in str(requirement.specifier), requirement


@pytest.mark.parametrize("extra", ["cpu", "gpu", "train", "data", "export"])
def test_users_extras_have_no_tools(extra):
    assert not {"pytest", "ruff", "mypy"} & set(_declared(extra))


def test_base_is_without_tensorflow():
    heavy = {"tensorflow", "tensorflow-cpu", "keras", "scipy", "scikit-image"}
    assert not heavy & set(_declared())
    assert heavy & set(_declared("cpu"))


def test_build_md_explains_every_pin():
    rows = re.findall(
        r"^\| ([\w-]+) \| ([\d.]+) \| \S.* \| \S.* \|$",
        (ROOT / "BUILD.md").read_text(),
        re.MULTILINE,
    )
    assert dict(rows) == _pins()
    assert [name for name, _ in rows] == sorted(name for name, _ in rows)


def test_build_md_names_the_other_pins():
    text = (ROOT / "BUILD.md").read_text()
    for version in _pins("requirements-tfa.txt").values():
        assert version in text
