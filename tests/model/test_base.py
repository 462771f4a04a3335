"""What every system has in common."""

import pytest

from crossnet_tf.baselines.registry import build_model
from crossnet_tf.config import model_config
from crossnet_tf.model.grid_flow import GridFlow
from crossnet_tf.model.half_fusion import HalfSizeFusion
from crossnet_tf.model.observed_flow import ObservedFlow
from crossnet_tf.model.pyramid_flow import PyramidFlow


@pytest.mark.parametrize(
    ("preset", "parts"),
    [
        ("quick", [GridFlow, HalfSizeFusion]),
        ("lite", [PyramidFlow, ObservedFlow]),
    ],
)
def test_building_calls_each_part_once(preset, parts, monkeypatch):
    called = []
    for part in parts:
        call = part.call

        def counted(self, *args, call=call, part=part, **kwargs):
            called.append(part)
            return call(self, *args, **kwargs)

        monkeypatch.setattr(part, "call", counted)
    # Keras would call each in a graph first, three quarters of the time.
    build_model(model_config(preset))
    assert sorted(called, key=parts.index) == parts
