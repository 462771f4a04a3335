"""The page that runs in the browser: its parts, its folder, itself."""

import json
import pathlib
import shutil
import subprocess
import sys

import chromium
import numpy as np
import onnx
import pytest
from PIL import Image

import crossnet_tf
from crossnet_tf import images
from crossnet_tf.app.examples import example_pairs
from crossnet_tf.ops import resizing
from crossnet_tf.upscaling import tiles
from export.formats import writing
from export.web import building

PAGE = pathlib.Path(building.__file__).parent / "page"
PATIENCE = 500e3  # ms
NAME = "crossnet-quick-x4"


def _node(program: str, given: dict) -> dict:
    """What a program prints that sees `given`; skips without Node.js."""
    if shutil.which("node") is None:
        pytest.skip("No Node.js is installed.")
    lines = (
        "import {readFileSync} from 'node:fs';"
        "const given = JSON.parse(readFileSync(0, 'utf8'));"
        "const picture = (p) => ({...p, data: Float32Array.from(p.data)});"
    )
    done = subprocess.run(
        ["node", "--input-type=module", "-e", lines + program],
        input=json.dumps(given),
        cwd=PAGE,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def _given(image: np.ndarray) -> dict:
    height, width, _ = image.shape
    return {"data": image.ravel().tolist(), "height": height, "width": width}


@pytest.mark.parametrize("size", [(9, 11), (36, 44)])
def test_resizing_agrees(rng, size):
    """Down as LR is made, before its rounding, and up as `lr_up` is."""
    image = rng.random((18, 22, 3), np.float32)
    program = (
        f"import {{resize}} from '{PAGE}/resample.js';"
        "const r = resize(picture(given.image), ...given.size);"
        "console.log(JSON.stringify({...r, data: [...r.data]}));"
    )
    found = _node(program, {"image": _given(image), "size": size})
    if size[0] < 18:
        expected = resizing.downscale(image[None], 2)[0].numpy()
    else:
        expected = resizing.upscale_cubic(image, 2).numpy()
    assert (found["height"], found["width"]) == size
    data = np.reshape(found["data"], expected.shape)
    # Weights beyond the border: left out there, repeated pixels here.
    np.testing.assert_allclose(
        data[4:-4, 4:-4], expected[4:-4, 4:-4], atol=1e-5
    )
    np.testing.assert_allclose(data, expected, atol=0.2)


def test_tiles_agree(rng):
    """The same tiles as Python's, and their mix is the picture again."""
    height, width, side = 320, 512, 384
    image = rng.random((height, width, 3), np.float32)
    program = (
        f"import {{Canvas, cut, split}} from '{PAGE}/tiles.js';"
        "const image = picture(given.image);"
        f"const tiles = split({height}, {width}, {side});"
        f"const canvas = new Canvas({height}, {width});"
        "for (const t of tiles) canvas.add(t, cut(image, t).data);"
        "console.log(JSON.stringify({tiles, data: [...canvas.mean().data]}));"
    )
    found = _node(program, {"image": _given(image)})
    expected = tiles.split(height, width, side, 128)
    names = ("rows", "columns", "inputRows", "inputColumns")
    assert [[tuple(t[name]) for name in names] for t in found["tiles"]] == [
        [t.rows, t.columns, t.input_rows, t.input_columns] for t in expected
    ]
    assert len(expected) > 4
    data = np.reshape(found["data"], image.shape)
    np.testing.assert_allclose(data, image, atol=1e-6)


@pytest.mark.parametrize(
    ("size", "note"),
    [
        ((32, 48), ""),
        ((64, 96), "resized from 96 x 64 to 48 x 32"),
        ((40, 48), "cut to the shape of the small picture and resized"),
    ],
)
def test_reference_is_made_to_fit(size, note):
    program = (
        f"import {{fitReference}} from '{PAGE}/resample.js';"
        "const lr = {height: 8, width: 12};"
        "const {image, note} = fitReference(picture(given.ref), lr, 4);"
        "console.log(JSON.stringify({note, size: [image.height, "
        "image.width], data: [...image.data]}));"
    )
    ref = np.full([*size, 3], 0.25, np.float32)
    found = _node(program, {"ref": _given(ref)})
    assert found["size"] == [32, 48]
    assert note in found["note"]
    assert bool(note) == bool(found["note"])
    np.testing.assert_allclose(found["data"], 0.25, atol=1e-6)


def _onnx(height: int = 0) -> bytes:
    graph = onnx.helper.make_graph([], "empty", [], [])
    content = onnx.helper.make_model(graph).SerializeToString()
    facts = writing.metadata("onnx", height, height, 4)
    return writing.with_onnx_metadata(content, facts)


@pytest.fixture
def parts(tmp_path):
    """An ONNX file and something like npm's folder."""
    wanted = json.loads((PAGE.parent / "package.json").read_text())
    version = wanted["dependencies"]["onnxruntime-web"]
    runtime = tmp_path / "onnxruntime-web"
    (runtime / "dist").mkdir(parents=True)
    (runtime / "package.json").write_text(json.dumps({"version": version}))
    for name in building.RUNTIME:
        (runtime / "dist" / name).write_text("export {};")
    (tmp_path / "a.onnx").write_bytes(_onnx())
    return tmp_path / "a.onnx", runtime, tmp_path / "page"


def test_folder_has_all_that_the_page_asks_for(parts):
    for _ in range(2):  # the second replaces the first
        building.build(*parts, "net-x4")
    names = {path.name for path in parts[2].iterdir()}
    assert {"index.html", "app.js", "worker.js", "model.onnx"} < names
    about = json.loads((parts[2] / "model.json").read_text())
    assert (about["name"], about["scale"]) == ("net-x4", 4)
    assert set(about["example"].values()) < names
    for script in parts[2].glob("*.js"):
        for line in script.read_text().splitlines():
            if line.startswith("import "):
                assert (parts[2] / line.split("'")[1]).is_file(), line
    texts = [p.read_text() for p in PAGE.iterdir()]
    assert not any("https:" in text or "//cdn" in text for text in texts)


def _break(parts, how):
    onnx_file, runtime, output = parts
    if how == "no file":
        onnx_file.unlink()
    elif how == "no onnx":
        onnx_file.write_bytes(b"\xff\xff")
    elif how == "one size":
        onnx_file.write_bytes(_onnx(16))
    elif how == "old runtime":
        (runtime / "package.json").write_text('{"version": "1.0.0"}')
    elif how == "no runtime":
        (runtime / "package.json").unlink()
    elif how == "foreign":
        output.mkdir()
        (output / "mine.txt").touch()


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ("no file", "`onnx` must be a file that exists"),
        ("no onnx", "no ONNX file"),
        ("one size", "for any size.*lr_height=16"),
        ("old runtime", r"`runtime_dir`.*Received: 1\.0\.0"),
        ("no runtime", "make web-demo"),
        ("foreign", "`output_dir` must be new.*page"),
    ],
)
def test_folder_rejects(parts, how, message):
    _break(parts, how)
    with pytest.raises((ValueError, FileNotFoundError), match=message):
        building.build(*parts, "net-x4")
    assert not (parts[2] / "index.html").exists()


def test_pin_and_checksum_are_of_one_version():
    lock = json.loads((PAGE.parent / "package-lock.json").read_text())
    wanted = json.loads((PAGE.parent / "package.json").read_text())
    packages = lock["packages"]
    assert packages[""]["dependencies"] == wanted["dependencies"]
    runtime = packages["node_modules/onnxruntime-web"]
    assert runtime["version"] == wanted["dependencies"]["onnxruntime-web"]
    for name, package in packages.items():
        assert not name or package["integrity"].startswith("sha512-"), name


def test_mistakes_are_told_in_the_page(parts, tmp_path):
    building.build(*parts, "net-x4")
    large = tmp_path / "large.png"
    Image.new("RGB", (1100, 1000)).save(large)
    text = tmp_path / "<b>.png"
    text.write_text("no picture")
    with chromium.opened() as browser, chromium.served(parts[2]) as address:
        tab, alert = browser.page, browser.page.locator("#alert")
        tab.goto((parts[2] / "index.html").as_uri())
        assert "python3 -m http.server" in alert.inner_text()
        tab.goto(address)
        tab.wait_for_selector("#example:enabled")
        assert not alert.is_visible()
        tab.set_input_files("#lr", text)
        alert.wait_for()
        assert alert.inner_text().startswith("<b>.png is no picture")
        assert tab.locator("#run").is_disabled()
        tab.set_input_files("#lr", large)
        tab.locator("#lr-drop canvas").wait_for()
        assert not alert.is_visible()
        tab.set_input_files("#ref", large)
        tab.click("#run:enabled")
        assert "at most 1000 x 1000" in alert.inner_text()


@pytest.fixture(scope="module")
def real(tmp_path_factory, root):
    """The page with a shipped network, as `make web-demo` makes it."""
    if shutil.which("npm") is None:
        pytest.skip("No npm is installed.")
    folder = tmp_path_factory.mktemp("web")
    for name in ("package.json", "package-lock.json"):
        shutil.copy(PAGE.parent / name, folder)
    quiet = ["--ignore-scripts", "--no-audit", "--no-fund"]
    subprocess.run(["npm", "ci", *quiet], cwd=folder, check=True)
    model, name = folder / "model" / "1", NAME
    for command in (
        ["export.saved_model", f"--weights={name}", f"--output_dir={model}"],
        ["export.onnx", f"--saved_model_dir={model}",
         f"--output={folder}/a.onnx"],
    ):  # fmt: skip
        subprocess.run([sys.executable, "-m", *command], cwd=root, check=True)
    runtime = folder / "node_modules" / "onnxruntime-web"
    building.build(folder / "a.onnx", runtime, folder / "page", name)
    return folder / "page"


@pytest.mark.slow
def test_pair_is_enlarged_in_the_browser(real, tmp_path):
    """The same picture as Python's, from files and from the example."""
    lr, ref = example_pairs()[0]
    with chromium.opened() as browser, chromium.served(real) as address:
        tab = browser.page
        tab.goto(address)
        tab.set_input_files("#lr", lr)
        tab.set_input_files("#ref", ref)
        tab.click("#run:enabled")
        tab.locator("#progress").wait_for()
        tab.locator("#result").wait_for(timeout=PATIENCE)
        with tab.expect_download() as download:
            tab.click("#download")
        download.value.save_as(tmp_path / "sr.png")
        assert "96 x 64 to 384 x 256" in tab.inner_text("#notes")
        box = tab.locator("#stage").bounding_box()
        tab.mouse.click(box["x"] + 0.8 * box["width"], box["y"] + 50)
        style = tab.locator("#stage").get_attribute("style")
        assert 75 < float(style.split(":")[1].split("%")[0]) < 85
        tab.click("#example")
        tab.locator("#result").wait_for(state="hidden")
        tab.locator("#result").wait_for(timeout=PATIENCE)
        assert all(url.startswith((address, f"blob:{address}"))
                   for url in browser.requested)  # fmt: skip
        assert not browser.said
    up = crossnet_tf.load(NAME, align="none", match="none")
    found = images.read_image(tmp_path / "sr.png")
    np.testing.assert_allclose(found, up(lr, ref) / 255.0, atol=1.01 / 255)
    assert np.mean(found != up(lr, ref) / np.float32(255)) < 0.01


@pytest.mark.slow
def test_large_pair_is_done_in_tiles(real, tmp_path):
    lr, ref = example_pairs()[0]
    for name, path, size in (("lr", lr, (240, 160)), ("ref", ref, (960, 640))):
        Image.open(path).resize(size, Image.BICUBIC).save(
            tmp_path / f"{name}.png"
        )
    with chromium.opened() as browser, chromium.served(real) as address:
        tab = browser.page
        tab.goto(address)
        tab.set_input_files("#lr", tmp_path / "lr.png")
        tab.set_input_files("#ref", tmp_path / "ref.png")
        tab.click("#run:enabled")
        tab.get_by_text("tile 2 of 4").wait_for(timeout=PATIENCE)
        tab.click("#stop")
        assert tab.locator("#run").is_enabled()
        tab.click("#run")
        tab.locator("#result").wait_for(timeout=PATIENCE)
        assert "960 x 640 pixels" in tab.inner_text("#notes")
        assert "in 4 tiles" in tab.inner_text("#notes")
