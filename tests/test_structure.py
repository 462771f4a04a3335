"""Tries the rules of structure_rules.py on all files, and on wrong ones."""

import pathlib

import pytest
import structure_rules as rules

ROOT = pathlib.Path(__file__).resolve().parent.parent
PACKAGES = ("crossnet_tf", "data", "export")


def _python_files(*folders: str) -> list[str]:
    return sorted(
        str(path.relative_to(ROOT))
        for folder in folders
        for path in (ROOT / folder).rglob("*.py")
    )


LIBRARY = _python_files("crossnet_tf")
ALL = _python_files(*PACKAGES)
CONFIGS = sorted(str(p.relative_to(ROOT)) for p in ROOT.glob("flags/*.cfg"))


@pytest.mark.parametrize("file", LIBRARY)
def test_library_keeps_the_reading_order(file):
    assert not rules.order(ROOT, file)
    assert not rules.flags(ROOT, file)


@pytest.mark.parametrize("file", ALL)
def test_file_keeps_the_rules(file):
    assert not rules.boundaries(ROOT, file)
    assert not rules.docstrings(ROOT, file)
    assert not rules.lengths(ROOT, file)


@pytest.mark.parametrize("file", CONFIGS)
def test_flag_file_gives_reasons(file):
    assert not rules.reasons(ROOT, file)


def _checkout(folder: pathlib.Path, **files: str) -> pathlib.Path:
    for name, text in files.items():
        path = folder / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.with_suffix(".py").write_text(text)
    return folder


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("from crossnet_tf import runs", ":1 imports crossnet_tf.runs"),
        ("import crossnet_tf.runs as r", ":1 imports crossnet_tf.runs"),
        ("def f():\n  from crossnet_tf.runs import x", ":2 imports"),
        ("from crossnet_tf import metrics", ":1 imports crossnet_tf.metrics"),
        ("from crossnet_tf.new import x", ":1 imports crossnet_tf.new"),
    ],
)
def test_order_rejects_what_comes_later(tmp_path, code, expected):
    _checkout(
        tmp_path,
        crossnet_tf__model__warp=code,
        crossnet_tf__runs="",
        crossnet_tf__metrics__psnr="",
    )
    (problem,) = rules.order(tmp_path, "crossnet_tf/model/warp.py")
    assert f"crossnet_tf/model/warp.py{expected}" in problem


@pytest.mark.parametrize(
    ("file", "code"),
    [
        ("model/warp", "from crossnet_tf import config, __version__"),
        ("model/crossnet", "from crossnet_tf.model import warp"),
        ("metrics/psnr", "from crossnet_tf.metrics import ssim"),
        ("metrics/__init__", "from crossnet_tf.metrics.psnr import psnr"),
        ("train", "from crossnet_tf.metrics import psnr\nimport runs"),
    ],
)
def test_order_accepts_what_comes_before(tmp_path, file, code):
    _checkout(tmp_path, crossnet_tf__config="", crossnet_tf__model__warp="")
    path = tmp_path / "crossnet_tf" / f"{file}.py"
    path.parent.mkdir(exist_ok=True)
    path.write_text(code)
    assert not rules.order(tmp_path, f"crossnet_tf/{file}.py")


def test_order_rejects_a_file_without_place(tmp_path):
    (problem,) = rules.order(tmp_path, "crossnet_tf/utils.py")
    assert "crossnet_tf/utils.py has no place" in problem


def test_order_rejects_imports_by_the_package_itself(tmp_path):
    _checkout(tmp_path, crossnet_tf__config="")
    init = tmp_path / "crossnet_tf" / "__init__.py"
    init.write_text("from crossnet_tf import config")
    assert rules.order(tmp_path, "crossnet_tf/__init__.py")


@pytest.mark.parametrize(
    ("rule", "code", "expected"),
    [
        (rules.boundaries, "from . import b", ":1 has a relative import: ."),
        (rules.boundaries, "from .b import c", "relative import: .b"),
        (rules.boundaries, "import data.synthetic_lf", "imports data.syn"),
        (rules.boundaries, "from export import b", "imports export"),
        (rules.flags, "from absl import flags", ":1 imports absl's flags"),
        (rules.flags, "\nimport absl.flags", ":2 imports absl's flags"),
        (rules.docstrings, "x = 1", ":1 the module"),
        (rules.docstrings, "'''M.'''\ndef f(): pass", ":2 f"),
        (rules.docstrings, "'''M.'''\nclass C:\n  '''C.'''\n"
         "  def call(self): pass\n  def f(self): pass", ":5 f"),
        (rules.lengths, "def f():\n" + "  x = 1\n" * 45, ":1 f: 46"),
    ],
)  # fmt: skip
def test_rule_rejects(tmp_path, rule, code, expected):
    _checkout(tmp_path, crossnet_tf__config=code)
    (problem,) = rule(tmp_path, "crossnet_tf/config.py")
    assert expected in problem


def test_boundary_knows_builders(tmp_path):
    _checkout(tmp_path, data__lf__builder="from . import a\nfrom .a import b")
    assert not rules.boundaries(tmp_path, "data/lf/builder.py")
    _checkout(tmp_path, data__lf__builder="from .. import a")
    assert rules.boundaries(tmp_path, "data/lf/builder.py")
    _checkout(tmp_path, data__builder="from . import a")
    assert rules.boundaries(tmp_path, "data/builder.py")


def test_comments_reject_a_flag_without_reason(tmp_path):
    text = "# Why this.\n--scale=4\n--width=8\n\n# Why.\n\n--seed=1\n"
    (tmp_path / "a.cfg").write_text(text)
    problems = rules.reasons(tmp_path, "a.cfg")
    assert problems == ["a.cfg:3 --width=8", "a.cfg:7 --seed=1"]
