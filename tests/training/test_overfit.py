"""A network can learn: four crops by heart, to more than 40 dB."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from crossnet_tf.baselines.registry import build_model
from crossnet_tf.config import model_config
from crossnet_tf.data.synthetic_lf import render
from crossnet_tf.ops import losses, quantization, resizing

TARGET_DB = 40.0
MAX_STEPS = 3000


def _four_crops():
    """LR, REF and HR of neighbouring views, four scenes."""
    pairs = []
    for seed in range(4):
        rng = np.random.Generator(np.random.Philox(seed))
        views, _ = render.render_light_field(rng, 48, 64, rows=2, cols=2)
        pairs.append((views[3], views[0]))
    hr, ref = (np.float32(stack) / 255 for stack in zip(*pairs, strict=True))
    return {"lr": resizing.make_lr(hr, 4), "ref": tf.constant(ref)}, hr


def _psnr(sr, hr):
    error = quantization.quantize(np.asarray(sr)) - hr
    return -10 * np.log10(np.mean(np.float64(error) ** 2))


@pytest.mark.slow
def test_overfits_four_crops():
    keras.utils.set_random_seed(0)
    inputs, hr = _four_crops()
    model = build_model(model_config("lite", width=32))
    rate = keras.optimizers.schedules.CosineDecay(2e-3, MAX_STEPS)
    optimizer = keras.optimizers.Adam(rate, global_clipnorm=2000.0)
    optimizer.build(model.trainable_variables)

    @tf.function
    def steps(count):
        for _ in tf.range(count):
            with tf.GradientTape() as tape:
                sr = model(inputs)["sr"]
                loss = tf.reduce_mean(losses.charbonnier(sr, hr))
            weights = model.trainable_variables
            # The flow's first levels learn from losses on flow only.
            gradients = tape.gradient(
                loss,
                [weight.value for weight in weights],
                unconnected_gradients=tf.UnconnectedGradients.ZERO,
            )
            optimizer.apply(gradients, weights)

    before = _psnr(model(inputs)["sr"], hr)
    assert before < TARGET_DB - 5
    for _ in range(MAX_STEPS // 100):
        steps(tf.constant(100))
        if _psnr(model(inputs)["sr"], hr) > TARGET_DB:
            return
    pytest.fail(f"Only {_psnr(model(inputs)['sr'], hr):.2f} dB.")
