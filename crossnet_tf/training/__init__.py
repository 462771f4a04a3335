"""A run: from settings and data to checkpoints.

`loop` is the training itself, `run` all that it works with, `step` one step
(losses, gradients, their clipping, the update), `optimizer` what makes the
update; `resuming` goes on where a run stopped. May import `evaluation` and
what is below it.
"""
