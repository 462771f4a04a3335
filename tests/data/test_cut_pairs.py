"""Training pairs cut from pictures of a scene."""

import os

import numpy as np
import pytest

from crossnet_tf import images
from crossnet_tf.data import cut_pairs, matching_tiles

SIZE = 64


def _scene(folder, shifts, seed=0, height=128):
    rng = np.random.default_rng(seed)
    wide = rng.random((height // 8, 40, 3)).repeat(8, 0).repeat(8, 1)
    folder.mkdir(parents=True)
    for number, shift in enumerate(shifts):
        picture = wide[:, 64 + shift : 256 + shift]
        images.write_image(folder / f"v{number}.png", picture)


def test_tiles_show_the_same(tmp_path):
    _scene(tmp_path / "a", [0, 24, 48])
    scenes = matching_tiles.find_scenes(tmp_path, SIZE)
    tiles = list(matching_tiles.cut(scenes, 6, SIZE, seed=0))
    assert [tile.name for tile in tiles] == [f"a_{n:04}" for n in range(6)]
    for tile in tiles:
        assert tile.hr.shape == tile.ref.shape == (SIZE, SIZE, 3)
        # Blocks of 8 pixels, found to 3 pixels on either axis.
        assert np.isclose(tile.hr, tile.ref).mean() > 0.35


def test_the_same_seed_cuts_the_same(tmp_path):
    _scene(tmp_path / "a", [0, 24])
    _scene(tmp_path / "b", [0, 8], seed=1)
    scenes = matching_tiles.find_scenes(tmp_path, SIZE)
    one, two, other = (
        np.stack([t.hr for t in matching_tiles.cut(scenes, 4, SIZE, seed)])
        for seed in (3, 3, 4)
    )
    np.testing.assert_array_equal(one, two)
    assert np.abs(one - other).max() > 0


def test_pictures_of_different_things_are_refused(tmp_path):
    _scene(tmp_path / "a", [0])
    _scene(tmp_path / "b", [0], seed=1)
    scenes = {"mixed": [tmp_path / "a/v0.png", tmp_path / "b/v0.png"]}
    with pytest.raises(ValueError, match="show the same: scene mixed"):
        list(matching_tiles.cut(scenes, 1, SIZE, 0))


def test_sizes_must_agree(tmp_path):
    _scene(tmp_path / "a", [0])
    _scene(tmp_path / "b", [0], height=136)
    scenes = {"mixed": [tmp_path / "a/v0.png", tmp_path / "b/v0.png"]}
    with pytest.raises(ValueError, match="differ in size: mixed"):
        list(matching_tiles.cut(scenes, 1, SIZE, 0))


@pytest.mark.parametrize("strict", [False, True])
def test_bad_scenes_are_left_out(tmp_path, capsys, strict):
    for name in "abc":
        _scene(tmp_path / name, [0, 16])
    (tmp_path / "b" / "v1.png").write_bytes(b"no picture")
    (tmp_path / "c" / "v0.png").unlink()
    os.mkfifo(tmp_path / "c" / "v0.png")
    if strict:
        with pytest.raises(ValueError, match=r"c/v0.png` must be a file"):
            matching_tiles.find_scenes(tmp_path, SIZE, strict)
        scenes = {"b": sorted((tmp_path / "b").iterdir())}
        with pytest.raises(ValueError, match=r"b/v1.png` must be a picture"):
            list(matching_tiles.cut(scenes, 3, SIZE, 0, strict))
        return
    scenes = matching_tiles.find_scenes(tmp_path, SIZE)
    assert list(scenes) == ["a", "b"]
    tiles = list(matching_tiles.cut(scenes, 6, SIZE, 0))
    assert [tile.name for tile in tiles] == [f"a_{n:04}" for n in range(3)]
    text = capsys.readouterr().err
    assert "Left out `b`: " in text
    assert "Left out `c`: " in text


def test_small_or_single_pictures_make_no_scene(tmp_path):
    _scene(tmp_path / "single", [0])
    _scene(tmp_path / "small", [0, 1], height=56)
    with pytest.raises(ValueError, match="`scenes` must hold folders"):
        matching_tiles.find_scenes(tmp_path, SIZE)


def test_command_writes_pairs_that_train(tmp_path):
    _scene(tmp_path / "scenes" / "a", [0, 16])
    output = tmp_path / "pairs"
    killed = tmp_path / ".pairs.incomplete" / "hr" / "other_0000.png"
    killed.parent.mkdir(parents=True)
    images.write_image(killed, np.zeros([SIZE, SIZE, 3]))
    flags = [f"--scenes={tmp_path / 'scenes'}", f"--output={output}"]
    cut_pairs.FLAGS(["cut_pairs", *flags, "--count=3", f"--size={SIZE}"])
    cut_pairs.main()
    names = [f"a_000{n}.png" for n in range(3)]
    for kind in ("hr", "ref"):
        found = sorted(path.name for path in (output / kind).iterdir())
        assert found == names
    with pytest.raises(ValueError, match="`output` must be new"):
        cut_pairs.main()
