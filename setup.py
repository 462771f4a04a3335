"""Where the packages lie; everything else is in pyproject.toml.

In a checkout `data/`, `export/` and `flags/` stand beside `crossnet_tf/`; a
wheel has them inside, so that it owns one name in site-packages.
"""

from setuptools import find_packages, setup

_INSIDE = ("data", "export")

setup(
    packages=[
        *find_packages(include=["crossnet_tf*"]),
        *(
            f"crossnet_tf.{name}"
            for folder in _INSIDE
            for name in find_packages(include=[f"{folder}*"])
        ),
        "crossnet_tf.flags",
    ],
    package_dir={
        f"crossnet_tf.{folder}": folder for folder in (*_INSIDE, "flags")
    },
)
