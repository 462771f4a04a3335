"""Starts the stand-in for TensorFlow Serving (`helpers/serving_server.py`).

python tests/serving_server.py --model_config_file=models.config
"""

import pathlib
import runpy
import sys

HELPERS = pathlib.Path(__file__).resolve().parent / "helpers"

if __name__ == "__main__":
    sys.path.insert(0, str(HELPERS))
    runpy.run_path(str(HELPERS / "serving_server.py"), run_name="__main__")
