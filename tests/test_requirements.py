"""What is imported is pinned, and what is pinned is explained."""

import ast
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
OURS = {"crossnet_tf", "data", "export"}
PACKAGES = {  # where a package and what it is imported as differ
    "absl": "absl-py",
    "cv2": "opencv-python-headless",
    "ai_edge_litert": "ai-edge-litert",
    "apache_beam": "apache-beam",
    "google": "protobuf",
    "pillow_heif": "pillow-heif",
    "grpc": "grpcio",
    "PIL": "pillow",
    "skimage": "scikit-image",
    "sklearn": "scikit-learn",
    "tensorflow_datasets": "tensorflow-datasets",
    "tensorflow_serving": "tensorflow-serving-api",
}


def _pins(name: str) -> dict[str, str]:
    """Version by package; fails on a line that pins nothing."""
    lines = (ROOT / name).read_text().splitlines()
    return dict(
        re.fullmatch(r"([\w-]+)==([\w.]+)", line).groups()
        for line in lines
        if line and not line.startswith("#")
    )


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
    return tops - OURS - set(sys.stdlib_module_names)


def test_every_import_is_pinned():
    needed = {PACKAGES.get(name, name) for name in _third_party_imports()}
    extra = _pins("requirements-opencv.txt")
    assert needed <= set(_pins("requirements.txt")) | set(extra)
    assert {"numpy", "tensorflow"} <= needed, "found no imports"


def test_build_md_explains_every_pin():
    rows = re.findall(
        r"^\| ([\w-]+) \| ([\d.]+) \| \S.* \| \S.* \|$",
        (ROOT / "BUILD.md").read_text(),
        re.MULTILINE,
    )
    assert dict(rows) == _pins("requirements.txt")
    assert [name for name, _ in rows] == sorted(name for name, _ in rows)


def test_build_md_names_the_other_pins():
    text = (ROOT / "BUILD.md").read_text()
    for name in ("opencv", "test", "tfa", "torch"):
        name = f"requirements-{name}.txt"
        for version in _pins(name).values():
            assert version in text
