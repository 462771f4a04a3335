"""Weights of one system for another that shares parts with it.

CrossNet's variants and SS-Net have parts of it under the same names. What has
the same name and shape is taken, so that variants that are compared need not
each learn it anew.
"""

import keras

from crossnet_tf.storage import weight_files


def copy_fitting(
    source: keras.Model, target: keras.Model
) -> tuple[int, list[str]]:
    """Gives `target` those weights of `source` that fit.

    Args:
        source: a built network.
        target: a built network of another system.

    Returns:
        How many weights were taken, and the names of those of `target` that
        were not.

    Raises:
        ValueError: none fits.
    """
    theirs, ours = (weight_files.by_name(m) for m in (source, target))
    fitting = {
        name
        for name, weight in ours.items()
        if name in theirs and theirs[name].shape == weight.shape
    }
    if not fitting:
        raise ValueError(
            "`init_fitting` needs an `init_from` that shares weights by name "
            f"and shape. Received: {source.name}, of whose {len(theirs)} "
            f"weights none fits {target.name}."
        )
    for name in fitting:
        ours[name].assign(theirs[name])
    return len(fitting), sorted(set(ours) - fitting)
