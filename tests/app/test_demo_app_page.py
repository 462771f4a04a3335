"""The local page in a browser, by clicks; needs the extra `demo`."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request

import chromium
import pytest
from PIL import Image
from ports import free_port

from crossnet_tf import images
from crossnet_tf.app.examples import example_pairs

pytestmark = pytest.mark.slow
PATIENCE = 300e3  # ms


@pytest.fixture(scope="module")
def app():
    """The address of a running `crossnet demo_app`, and its process."""
    pytest.importorskip("gradio")
    words = [
        "-m",
        "crossnet_tf.demo_app",
        f"--port={free_port()}",
        "--weights=crossnet-lite-x4,bicubic-x8",
    ]
    with subprocess.Popen(
        [sys.executable, *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "PYTHONPATH": os.getcwd()},
    ) as process:
        try:
            said = ""
            while not (found := re.search(r"Open (http\S+)", said)):
                line = process.stdout.readline()
                assert line, said
                said += line
            yield found[1]
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(60) == 0


@contextlib.contextmanager
def _shown(app, lr, ref):
    with chromium.opened(1100, 1400) as browser:
        tab = browser.page
        tab.goto(app)
        tab.wait_for_selector("#run", timeout=PATIENCE)
        for name, path in (("lr", lr), ("ref", ref)):
            if path:
                tab.set_input_files(f"#{name} input[type=file]", path)
                tab.wait_for_selector(f"#{name} img", timeout=PATIENCE)
        yield browser


def test_pair_is_enlarged_by_clicks(app, tmp_path):
    lr, ref = example_pairs()[1]
    with _shown(app, lr, ref) as browser:
        tab = browser.page
        tab.click("#run")
        notes = tab.locator("#notes textarea")
        tab.wait_for_function(
            "document.querySelector('#notes textarea').value", timeout=PATIENCE
        )
        assert "REF is 510x465, not 320x320" in notes.input_value()
        assert tab.locator("#result img").count() == 2
        with tab.expect_download(timeout=PATIENCE) as download:
            tab.click("#download")
        download.value.save_as(tmp_path / "sr.png")
        assert images.read_image(tmp_path / "sr.png").shape == (320, 320, 3)
        hosts = {url.split("/")[2] for url in browser.requested
                 if url.startswith("http")}  # fmt: skip
        assert hosts == {app.split("/")[2]}, "something came from elsewhere"


def test_example_and_other_scale(app):
    with _shown(app, None, None) as browser:
        tab = browser.page
        tab.locator("td img, .gallery img").first.click()
        tab.wait_for_selector("#lr img", timeout=PATIENCE)
        tab.get_by_label("8x").click()
        tab.click("#run")
        tab.wait_for_function(
            "document.querySelector('#notes textarea').value", timeout=PATIENCE
        )
        width = tab.locator("#result img").first.evaluate(
            "async (image) => { await image.decode(); "
            "return image.naturalWidth; }"
        )
        assert width == 8 * 96


def test_errors_are_one_line(app, tmp_path):
    torn = tmp_path / "<i>torn.png"
    torn.write_bytes(example_pairs()[0][1].read_bytes()[:3000])
    with _shown(app, None, None) as browser:
        tab = browser.page
        for given, message in (
            (None, "Give a small picture first."),
            (torn, "torn.png"),
        ):
            if given:
                tab.set_input_files("#lr input[type=file]", given)
                tab.wait_for_selector("#lr img", timeout=PATIENCE)
            tab.click("#run")
            toast = tab.locator(".toast-body").filter(has_text=message)
            toast.wait_for(timeout=PATIENCE)
            assert "Traceback" not in toast.inner_text()


def test_other_names_are_refused(app):
    request = urllib.request.Request(app, headers={"Host": "evil.example"})
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request)
    assert refused.value.code == 421
    refused.value.close()


def test_a_large_picture_shows_its_tiles(app, tmp_path):
    """Every text of the bar is noted, however short it stands there."""
    large = tmp_path / "large.png"
    Image.open(example_pairs()[0][1]).resize((216, 208)).save(large)
    with _shown(app, large, None) as browser:
        tab = browser.page
        tab.get_by_label("8x").click()
        tab.evaluate(
            "window.seen = new Set(); new MutationObserver(() => { for (const "
            "e of document.querySelectorAll('.progress-text, .progress-level'))"
            " seen.add(e.innerText); }).observe(document.body, {subtree: true,"
            " childList: true, characterData: true})"
        )
        tab.click("#run")
        tab.wait_for_function(
            "document.querySelector('#notes textarea').value", timeout=PATIENCE
        )
        notes = tab.locator("#notes textarea").input_value()
        seen = " ".join(tab.evaluate("[...seen]"))
    total = re.search(r"in (\d+) tiles", notes)[1]
    assert int(total) > 4
    assert re.search(rf"\d+/{total} tiles", seen), seen
