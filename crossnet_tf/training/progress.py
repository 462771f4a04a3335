"""How far a run has come, apart from its weights.

Saved in its checkpoints and nowhere else: what a checkpoint holds belongs
together, whatever the process did before or after it was written.
"""

import math

import tensorflow as tf

from crossnet_tf.config import Config

_SAMPLES, _EVALUATED = "samples", "evaluated"


class Progress:
    """Counts that a run saves with its weights.

    Attributes:
        best_psnr: variable: best held-out PSNR in dB; -inf: none yet.

    Args:
        config: the settings of the run.
    """

    def __init__(self, config: Config) -> None:
        self.best_psnr = tf.Variable(-math.inf, trainable=False)
        self._evaluated = tf.Variable(0, dtype=tf.int64, trainable=False)
        self._samples = tf.Variable(0, dtype=tf.int64, trainable=False)
        self._batch_size = config.data.batch_size
        self._begin = 0

    @property
    def evaluated_until(self) -> int:
        """The last step that was evaluated; 0: none yet."""
        return int(self._evaluated)

    def note_evaluated(self, step: int) -> None:
        """Notes that the weights of a step were evaluated."""
        self._evaluated.assign(step)

    @property
    def state(self) -> dict[str, tf.Variable]:
        """What is saved, by the names that checkpoints have for it."""
        return {
            "best": self.best_psnr,
            _EVALUATED: self._evaluated,
            _SAMPLES: self._samples,
        }

    def begin(
        self, step: int, restored: set[str] | None, saved: Config | None
    ) -> int:
        """Notes where this process begins.

        Args:
            step: steps done before.
            restored: names that the run's checkpoint had; None: a new run.
            saved: settings of the run before.

        Returns:
            How many samples were drawn before.
        """
        if restored and _SAMPLES not in restored and saved:
            # An earlier release's: never draw the same samples again.
            self._samples.assign(step * saved.data.batch_size)
            self._evaluated.assign(step)
        self._begin = step
        return int(self._samples)

    def save_at(self, step: int) -> None:
        """Notes the samples of all steps up to `step`, to be saved."""
        steps = step - self._begin
        self._samples.assign_add(steps * self._batch_size)
        self._begin = step
