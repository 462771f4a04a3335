"""Keeps what TensorFlow says of itself out of what a command says.

While it is imported, and when it looks for GPUs, TensorFlow writes lines
about itself to stderr that no setting of its own turns off. A user's mistake
shall end in one line, not in that line below ten others.
"""

import contextlib
import importlib.abc
import importlib.machinery
import importlib.util
import logging
import os
import sys
import types
from collections.abc import Iterator, Sequence

import absl.logging

_NAME = "tensorflow"
_STDERR = 2


def silence_tensorflow() -> None:
    """Works only before TensorFlow is imported."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    absl.logging.set_verbosity(absl.logging.ERROR)
    logging.getLogger(_NAME).setLevel(logging.ERROR)
    if _NAME not in sys.modules and _FINDER not in sys.meta_path:
        sys.meta_path.insert(0, _FINDER)


class _QuietImport(importlib.abc.MetaPathFinder):
    """Hands `import tensorflow` on, with stderr closed meanwhile."""

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,
        target: types.ModuleType | None = None,
    ) -> importlib.machinery.ModuleSpec | None:
        """As any finder; once."""
        if fullname != _NAME:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(_NAME)
        if spec is None or spec.loader is None:
            return spec
        load = spec.loader.exec_module

        def load_quietly(module: types.ModuleType) -> None:
            with _no_stderr():
                load(module)
                module.config.list_physical_devices()

        # The spec is new, and so is its loader: no other import has it.
        spec.loader.exec_module = load_quietly  # type: ignore[method-assign]
        return spec


_FINDER = _QuietImport()


@contextlib.contextmanager
def _no_stderr() -> Iterator[None]:
    """Of C++ as well, which writes to the file and knows no `sys.stderr`."""
    sys.stderr.flush()
    before = os.dup(_STDERR)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, _STDERR)
    try:
        yield
    finally:
        sys.stderr.flush()
        os.dup2(before, _STDERR)
        os.close(before)
        os.close(nowhere)
