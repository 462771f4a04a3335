"""Pairs that ship, to try a page with."""

import pathlib

FOLDER = pathlib.Path(__file__).parent / "examples"
_NAMES = ("garage", "astronaut")


def example_pairs() -> list[tuple[pathlib.Path, pathlib.Path]]:
    """LR and REF of each; the first REF has LR's field of view.

    Example:
        >>> from crossnet_tf.app.examples import example_pairs
        >>> [lr.name for lr, _ in example_pairs()]
        ['garage_lr.png', 'astronaut_lr.png']
    """
    return [
        (FOLDER / f"{name}_lr.png", FOLDER / f"{name}_ref.jpg")
        for name in _NAMES
    ]
