"""The page of a comparison, in a browser."""

import dataclasses

import chromium
import numpy as np
import pytest

from crossnet_tf.upscaling import page

HEIGHT, WIDTH = 24, 40
LABELS = [
    "LR", "Upsampler", "Result", "Warped REF", "Flow", "Trust", "Truth",
]  # fmt: skip


def _flat(value: float, channels: int = 3) -> np.ndarray:
    return np.full([HEIGHT, WIDTH, channels], value, np.float32)


@pytest.fixture
def look():
    """Each picture of another grey, so that it can be told which shows."""
    return page.Look(
        bicubic=_flat(0.1),
        lr_up=_flat(0.2),
        sr=_flat(0.3),
        warped_ref=_flat(0.4),
        flow=_flat(2.0, 2),
        trust=_flat(0.6, 1),
        hr=_flat(0.35),
        curve=np.linspace(0, 1, 5)[:, None] ** np.array([0.5, 1.0, 2.0]),
    )


def test_every_view_can_be_compared_by_clicks(look, tmp_path):
    notes = ["REF was turned by 3 degrees.", "big.png: in 12 tiles."]
    path = tmp_path / "look.html"
    path.write_text(page.comparison_page("<out>.png", look, notes))
    with chromium.opened() as browser:
        tab = browser.page
        tab.goto(path.as_uri())
        options = tab.locator("#right option").all_inner_texts()
        assert options == LABELS
        assert _shown(tab) == ("LR", "Result", 26, 77)
        assert tab.inner_text("h1") == "<out>.png"
        assert tab.locator("li").all_inner_texts() == notes
        # 77 against 0.35 * 255, each of them by 8 bits.
        assert "Result\t26.37" in tab.inner_text("table")
        tab.select_option("#left", label="Warped REF")
        tab.select_option("#right", label="Trust")
        assert _shown(tab) == ("Warped REF", "Trust", 102, 153)
        lines = tab.locator("#curves polyline")
        assert lines.count() == 3
        assert lines.nth(1).get_attribute("points").endswith("100.0,0.0")
        assert browser.requested[0] == path.as_uri()
        rest = browser.requested[1:]
        assert all(url.startswith("data:") for url in rest), rest
        assert not browser.said


def test_slider_follows_mouse_and_keys(look, tmp_path):
    path = tmp_path / "look.html"
    look = dataclasses.replace(look, curve=None)
    path.write_text(page.comparison_page("out.png", look, []))
    with chromium.opened() as browser:
        tab = browser.page
        tab.goto(path.as_uri())
        box = tab.locator("#stage").bounding_box()
        across = box["y"] + box["height"] / 2
        tab.mouse.move(box["x"] + box["width"] / 2, across)
        tab.mouse.down()
        tab.mouse.move(box["x"] + 0.2 * box["width"], across, steps=3)
        tab.mouse.up()
        at = _at(tab)
        assert 15 < at < 25
        tab.keyboard.press("ArrowRight")
        assert _at(tab) > at
        assert tab.inner_text("ul") == "REF was taken as it is."
        assert tab.locator("#curves").count() == 0


def _at(tab) -> float:
    text = tab.evaluate(
        "document.getElementById('stage').style.getPropertyValue('--at')"
    )
    return float(text.rstrip("%"))


def _shown(tab) -> tuple[str, str, int, int]:
    """Labels and greys of the two pictures that lie over each other."""
    greys = tab.evaluate(
        """async () => {
          const greys = [];
          for (const id of ['above', 'below']) {
            const image = document.getElementById(id);
            await image.decode();
            const canvas = document.createElement('canvas');
            const context = canvas.getContext('2d');
            context.drawImage(image, 0, 0);
            greys.push(context.getImageData(5, 5, 1, 1).data[0]);
          }
          return greys;
        }"""
    )
    tags = [tab.inner_text("#left-tag"), tab.inner_text("#right-tag")]
    return (*tags, *greys)
