"""The picture of the rooms and the page about them say what the code does."""

import ast
import importlib.util
import pathlib
import re
import xml.etree.ElementTree

import grimp
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "architecture.md"


def _load():
    path = ROOT / "docs" / "draw_rooms.py"
    spec = importlib.util.spec_from_file_location("draw_rooms", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


draw_rooms = _load()


def test_picture_is_current():
    committed = draw_rooms.PICTURE.read_text(encoding="utf-8")
    assert draw_rooms.draw() == committed, "run: python docs/draw_rooms.py"


def test_picture_names_every_room():
    root = xml.etree.ElementTree.parse(draw_rooms.PICTURE).getroot()
    texts = {e.text for e in root.iter() if e.tag.endswith("}text")}
    rooms = {p.parent.name for p in ROOT.glob("crossnet_tf/*/__init__.py")}
    assert rooms & {"ops", "model", "training"}
    assert rooms - {"data", "export"} <= texts


def test_arrows_are_imports_that_no_other_arrow_tells():
    edges = {("a", "b"), ("b", "c"), ("a", "c"), ("a", "d"), ("c", "d")}
    found = draw_rooms.without_shortcuts(edges)
    assert found == {("a", "b"), ("b", "c"), ("c", "d")}
    assert ("model", "ops") in draw_rooms.imports()
    assert ("ops", "model") not in draw_rooms.imports()


def _steps() -> list[tuple[str, str, str]]:
    """Who asks, whom, for which name: rows of the tables of both ways."""
    return re.findall(
        r"^\| \d+ \| `([\w/]+\.py)` \| `([\w/]+\.py)` `(\w+)` \|",
        PAGE.read_text(encoding="utf-8"),
        re.MULTILINE,
    )


STEPS = _steps()


def test_both_ways_are_told():
    assert len(STEPS) >= 20
    firsts = [asks for asks, _, _ in STEPS]
    assert "train.py" in firsts
    assert "upscale.py" in firsts


@pytest.fixture(scope="module")
def graph():
    return grimp.build_graph("crossnet_tf", cache_dir=None)


def _room(file: str) -> str:
    return file.split("/")[0].removesuffix(".py")


def _module(file: str) -> str:
    return "crossnet_tf." + file.removesuffix(".py").replace("/", ".")


@pytest.mark.parametrize(("asks", "asked", "name"), STEPS)
def test_ways_go_down(graph, asks, asked, name):
    floor = {
        room: number
        for number, rooms in enumerate(draw_rooms.floors())
        for room in rooms
    }
    up, down = floor[_room(asks)], floor[_room(asked)]
    assert up < down or _room(asks) == _room(asked)
    assert graph.chain_exists(_module(asks), _module(asked)) or asks == asked
    tree = ast.parse((ROOT / "crossnet_tf" / asked).read_text("utf-8"))
    kinds = ast.FunctionDef | ast.ClassDef
    assert name in {n.name for n in ast.walk(tree) if isinstance(n, kinds)}


def test_named_files_exist():
    text = PAGE.read_text(encoding="utf-8")
    for name in re.findall(r"`([\w/]+\.(?:py|toml|svg))`", text):
        places = [ROOT / name, ROOT / "crossnet_tf" / name]
        assert any(p.exists() for p in places), name
