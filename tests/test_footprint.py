"""What programs spare, what they give back, and that it works afterwards."""

import json
import os
import subprocess
import sys

import pytest

from crossnet_tf import footprint

_TEXT = """\
7f0000000000-7f0000001000 r-xp 00000000 fe:00 12 /lib/one.so.2
Rss:                   4 kB
Anonymous:             0 kB
Swap:                  0 kB
Locked:                0 kB
7f0000001000-7f0000002000 r--p 00001000 fe:00 12 /lib/one.so.2
Anonymous:             4 kB
Swap:                  0 kB
7f0000002000-7f0000003000 r--p 00002000 fe:00 12 /lib/one.so.2
Anonymous:             0 kB
Swap:                  4 kB
7f0000003000-7f0000004000 rw-p 00003000 fe:00 12 /lib/one.so.2
Anonymous:             0 kB
7f0000004000-7f0000005000 r--p 00000000 fe:00 13 /data/picture.png
Anonymous:             0 kB
7f0000005000-7f0000006000 r--p 00000000 00:00 0
Anonymous:             0 kB
7f0000006000-7f0000008000 r--p 00000000 fe:00 14 /lib/two words.so
Anonymous:             0 kB
"""


def _printed(code: str, **environment: str) -> dict:
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **environment},
        check=True,
        capture_output=True,
        text=True,
        timeout=300,
    )
    return json.loads(done.stdout.splitlines()[-1])


def test_only_pages_like_their_file_can_go():
    found = list(footprint._unwritten(_TEXT.splitlines()))
    first = 0x7F0000000000
    assert found == [
        (first, first + 0x1000),
        (first + 0x6000, first + 0x8000),
    ]


def test_keras_spares_what_others_still_find(tmp_path):
    """Stand-ins, so that it does not matter what is installed."""
    for name in ("pandas", "sklearn", "matplotlib"):
        (tmp_path / f"{name}.py").write_text("real = True\n")
    found = _printed(
        "import json, sys\n"
        f"sys.path.insert(0, {str(tmp_path)!r})\n"
        "from crossnet_tf import footprint\n"
        "footprint.spare_imports()\n"
        "footprint.spare_imports()\n"
        "import keras\n"
        "names = ('pandas', 'sklearn', 'matplotlib')\n"
        "spared = [n for n in names if n in sys.modules]\n"
        "real = [__import__(n).real for n in names]\n"
        "print(json.dumps({'spared': spared, 'real': real}))\n"
    )
    assert found == {"spared": [], "real": [True] * 3}


@pytest.mark.skipif(sys.platform != "linux", reason="counts as Linux does")
def test_freed_tensors_and_libraries_leave_the_process():
    found = _printed(
        "import gc, json\n"
        "from crossnet_tf import footprint\n"
        "footprint.spare_imports()\n"
        "footprint.return_freed()\n"
        "import psutil\n"
        "import tensorflow as tf\n"
        "held = lambda: psutil.Process().memory_info().rss / 1e6\n"
        "picture = tf.ones([50, 1000, 1000])\n"
        "full = held()\n"
        "del picture\n"
        "gc.collect()\n"
        "freed = held()\n"
        "footprint.let_go_of_libraries()\n"
        "rest = held()\n"
        "total = float(tf.reduce_sum(tf.ones([10, 1000])))\n"
        "print(json.dumps([full, freed, rest, total]))\n"
    )
    full, freed, rest, total = found
    assert full - freed > 150
    assert freed - rest > 100
    assert total == 10_000
