"""Folders as file managers leave them."""

import pytest

from crossnet_tf.images import listing

JUNK = ("._a.jpg", ".DS_Store", "Thumbs.db", "desktop.ini", ".thumbs/b.png",
        "__MACOSX/c.png", ".a.png.crossnet_tf_tmp")  # fmt: skip


@pytest.fixture
def folder(tmp_path):
    for name in ("a.png", "b.JPG", "notes.txt", "sub/c.tif", *JUNK):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.touch()
    return tmp_path


def test_junk_is_not_seen(folder):
    names = [path.name for path in listing.visible(folder)]
    assert names == ["a.png", "b.JPG", "notes.txt", "sub"]


def test_pictures_of_a_tree(folder):
    names = [path.name for path in listing.pictures(folder, recursive=True)]
    assert names == ["a.png", "b.JPG", "c.tif"]
    assert [p.name for p in listing.pictures(folder)] == ["a.png", "b.JPG"]


def test_links_to_nothing_are_seen(folder):
    (folder / "gone.png").symlink_to("nowhere")
    assert folder / "gone.png" in listing.pictures(folder)
