"""TensorFlow's lines about itself stay away; other lines do not."""

import os
import subprocess
import sys


def _stderr(code: str) -> list[str]:
    unset = "TF_CPP_MIN_LOG_LEVEL"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={n: v for n, v in os.environ.items() if n != unset},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    return done.stderr.splitlines()


def test_only_our_lines_are_left():
    lines = _stderr(
        "import sys\n"
        "from crossnet_tf.cli import quiet\n"
        "quiet.silence_tensorflow()\n"
        "quiet.silence_tensorflow()\n"
        "print('before', file=sys.stderr)\n"
        "import tensorflow as tf\n"
        "tf.constant(1) + 1\n"
        "print('after', file=sys.stderr)\n"
    )
    assert lines == ["before", "after"]


def test_import_that_fails_says_why():
    lines = _stderr(
        "import sys\n"
        "from crossnet_tf.cli import quiet\n"
        "quiet.silence_tensorflow()\n"
        "sys.modules['numpy'] = None\n"
        "import tensorflow\n"
    )
    assert "ModuleNotFoundError" in lines[-1]
    assert "numpy" in lines[-1]
