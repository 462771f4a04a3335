"""Makes pages of all public names from their docstrings, with pdoc.

    python docs/build_api.py [FOLDER]

What `make docs` runs. A docstring that pdoc cannot read, a module that cannot
be imported and a name that cannot be resolved end it with an error.
"""

import importlib
import os
import pathlib
import sys
import warnings

ROOT = pathlib.Path(__file__).resolve().parent.parent
FOLDER = ROOT / "build" / "docs"
BESIDE = ("crossnet_tf.data", "crossnet_tf.export")


def build(folder: pathlib.Path) -> None:
    """Writes the pages into `folder`.

    Raises:
        Warning: what pdoc warns of.
    """
    import pdoc

    import crossnet_tf

    for name in BESIDE:
        importlib.import_module(name)
    # In a checkout its path also leads to where data/ and export/ stand, and
    # from there to itself, without end.
    del crossnet_tf.__path__[1:]
    pdoc.render.configure(docformat="google")
    with warnings.catch_warnings():
        warnings.filterwarnings("error", module=r"pdoc\b")
        # Not ours: annotations of TFDS and urllib3, which ours inherit.
        theirs = r"for (?!crossnet_tf)|utils\.VersionOrStr"
        warnings.filterwarnings("ignore", f".*annotation .*({theirs})")
        pdoc.pdoc("crossnet_tf", output_directory=folder)


def main() -> None:
    """Builds where the command line says."""
    # pyvips asks `uname`, which pdoc forbids at import unless told so.
    os.environ.setdefault("PDOC_ALLOW_EXEC", "1")
    sys.path.insert(0, str(ROOT))
    folder = pathlib.Path(sys.argv[1]) if sys.argv[1:] else FOLDER
    build(folder)
    print(f"Written: {folder / 'index.html'}")


if __name__ == "__main__":
    main()
