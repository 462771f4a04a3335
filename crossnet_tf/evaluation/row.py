"""Measures one row of the benchmark in a process of its own.

    python -m crossnet_tf.evaluation.row '{"preset": "lite", ...}'

prints one JSON object, of `timing.measure_network`. The process is made ready
as the commands are, before TensorFlow comes.
"""

import json
import sys

from crossnet_tf import footprint


def main(text: str) -> None:
    """Measures and prints.

    Args:
        text: a JSON object, the arguments of `timing.measure_network`.
    """
    row = json.loads(text)
    footprint.spare_imports()
    if row.get("recompute"):
        footprint.return_freed()
    from crossnet_tf.evaluation import timing  # TensorFlow: once all is set

    print(json.dumps(timing.measure_network(**row)))


if __name__ == "__main__":
    main(sys.argv[1])
