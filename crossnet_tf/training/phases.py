"""What learns at which step: one phase after another.

CrossNet learns to align badly from pictures alone: its flow estimator is
taught on true flow first, coarse levels before fine ones, because the layers
at 1/2 and full size cost more than all others together; then everything else
learns to make pictures with a flow that stands still; at last all learn
together, on the paper's loss.

    coarse_flow  flow estimator up to 1/4 size; nothing else runs
    flow         the whole flow estimator; nothing else runs
    picture      all but the flow estimator
    all          everything

Preset `quick` learns all at once, and at last how far its result is held to LR
(`hold`), from LRs of every kind, which the rest would try to mend.
"""

import dataclasses

import keras

from crossnet_tf.config import Config, TrainConfig

# Finest level that each phase on flow alone estimates.
FINEST_LEVEL = {"coarse_flow": 2, "flow": 0}
_FLOW_LAYER, _HOLDING_LAYER = "flow_estimator", "/holding/"
# Parts of FlowNetS+ that only flow beyond 1/4 size needs.
_FINE = ("/up0/", "/up1/deconvolution", "/up1/flow_up", "/full_size", "/flow0")
# Systems with a flow estimator that learns from flow alone, and those with
# one that can stand still while the rest learns.
_ALIGNING = ("crossnet", "flownet_s")
_SYSTEMS = (*_ALIGNING, "crossnet_iw")


@dataclasses.dataclass(frozen=True)
class Phase:
    """One phase of a run.

    Attributes:
        name: what learns.
        begin: steps done when it begins.
        end: steps done when it ends.
        factor: its learning rate, as a share of the run's.
    """

    name: str
    begin: int
    end: int
    factor: float

    @property
    def flow_only(self) -> bool:
        """Whether it learns from flow alone, so that no picture is made."""
        return self.name in FINEST_LEVEL

    @property
    def teaches(self) -> bool:
        """Whether its flow learns, so that losses of flow are of use."""
        return self.name not in ("picture", "hold")


def phases_of(train: TrainConfig) -> list[Phase]:
    """All phases, in order; together they take `num_steps`."""
    begins = (0, *train.phase_steps)
    ends = (*train.phase_steps, train.num_steps)
    factors = train.phase_factors or [1.0] * len(train.phases)
    parts = zip(train.phases, begins, ends, factors, strict=True)
    return [Phase(*part) for part in parts]


def phase_at(train: TrainConfig, step: int) -> Phase:
    """The phase of the step that follows `step` steps."""
    phases = phases_of(train)
    return next((p for p in phases if step < p.end), phases[-1])


def learning(model: keras.Model, name: str) -> list[keras.Variable]:
    """The weights that move in the phase of that name."""
    weights = model.trainable_variables
    if name == "all":
        return weights
    if name == "hold":
        return [w for w in weights if _HOLDING_LAYER in w.path]
    of_flow = name in FINEST_LEVEL
    weights = [w for w in weights if (_FLOW_LAYER in w.path) == of_flow]
    if name != "coarse_flow":
        return weights
    return [w for w in weights if not any(part in w.path for part in _FINE)]


def check(config: Config) -> None:
    """Refuses phases that the network does not have.

    Raises:
        ValueError: the system has no flow estimator of its own to teach, or
            is not held to LR.
    """
    system, names = config.model.system, config.train.phases
    if "hold" in names and not config.model.back_projection:
        raise ValueError(
            "`phases` may have `hold` only where the network is held to LR "
            f"(`back_projection`). Received: phases={names}."
        )
    if set(names) - {"all", "hold"} and system not in _SYSTEMS:
        raise ValueError(
            f"`phases` must be `all` for systems other than {_SYSTEMS}. "
            f"Received: phases={names}, system={system!r}."
        )
    if set(names) & set(FINEST_LEVEL) and system not in _ALIGNING:
        raise ValueError(
            f"`phases` on flow alone need one of {_ALIGNING}. "
            f"Received: phases={names}, system={system!r}."
        )
