"""All systems by name; `build_model(config)` makes any of them.

A name is a value of `ModelConfig.system`. What a table says of a system
stands here once.
"""

import dataclasses
from collections.abc import Callable

from crossnet_tf.baselines.bicubic import Bicubic
from crossnet_tf.baselines.crossnet_iw import CrossNetIW, CrossNetIWP
from crossnet_tf.baselines.crossnet_pp import CrossNetPP
from crossnet_tf.baselines.dis import DenseInverseSearch
from crossnet_tf.baselines.mdsr import MultiScaleSR
from crossnet_tf.baselines.patchmatch import PatchMatch
from crossnet_tf.baselines.srcnn import SRCNN
from crossnet_tf.baselines.ss_net import SSNet
from crossnet_tf.baselines.vdsr import VDSR
from crossnet_tf.config import ModelConfig
from crossnet_tf.model.base import System
from crossnet_tf.model.crossnet import CrossNet
from crossnet_tf.model.quick import QuickNet


@dataclasses.dataclass(frozen=True)
class Entry:
    """One system.

    Attributes:
        title: how tables call it.
        build: from settings to a model; `build_model` creates the weights.
        learns: it has weights, so that it needs a run.
        any_scale: the same weights serve every scale.
        aligns: its flow says where REF shows what LR shows.
        follows_tone: it finds the tone curve between two cameras itself.
    """

    title: str
    build: Callable[..., System]
    learns: bool = True
    any_scale: bool = False
    aligns: bool = True
    follows_tone: bool = False


def _with_flownet_s(config: ModelConfig, **kwargs) -> CrossNet:
    """FlowNetS in place of FlowNetS+: flow below 1/4 is not learned."""
    own = dataclasses.replace(config, flow_estimator="flownet_s")
    return CrossNet(own, **kwargs)


REGISTRY = {
    "bicubic": Entry(
        "Bicubic", Bicubic, learns=False, any_scale=True, aligns=False
    ),
    "srcnn": Entry("SRCNN", SRCNN, any_scale=True, aligns=False),
    "vdsr": Entry("VDSR", VDSR, any_scale=True, aligns=False),
    "mdsr": Entry("MDSR", MultiScaleSR, any_scale=True, aligns=False),
    "patchmatch": Entry("PatchMatch", PatchMatch, learns=False, any_scale=True),
    "dis": Entry("DIS", DenseInverseSearch, learns=False, any_scale=True),
    "ss_net": Entry("SS-Net", SSNet),
    "crossnet": Entry("CrossNet", CrossNet),
    "crossnet_iw": Entry("CrossNet-iw", CrossNetIW),
    "crossnet_iw_p": Entry("CrossNet-iw-p", CrossNetIWP),
    "flownet_s": Entry("CrossNet, FlowNetS", _with_flownet_s),
    "crossnet_pp": Entry("CrossNet++", CrossNetPP),
    "quick": Entry("QuickNet", QuickNet, follows_tone=True),
}


def build_model(config: ModelConfig) -> System:
    """The system that `config` names, with its weights created.

    Args:
        config: `system` chooses; each reads what it has use for.
    """
    model = REGISTRY[config.system].build(config, name=config.system)
    model.build()
    return model
