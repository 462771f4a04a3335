"""How far a large picture is: a bar of its tiles, on a terminal only."""

from collections.abc import Callable
from typing import Self

import tqdm


class TileBar:
    """Context that shows a bar once there are tiles, and takes it away.

    Below a bar of pictures it takes the next line. Where stderr is no
    terminal, such as in a log, nothing is shown.

    Args:
        name: stands before the bar.
        told: told what is shown, terminal or not.

    Attributes:
        total: how many tiles there are; 0: the picture is not cut.
    """

    def __init__(
        self, name: str, told: Callable[[int, int], None] | None = None
    ):
        self._name, self._told, self.total = name, told, 0
        self._bar: tqdm.tqdm | None = None

    def show(self, done: int, total: int) -> None:
        """Shows that `done` of `total` tiles are done.

        Args:
            done: at least 1.
            total: another one than before begins anew, as tiles do that had
                to be made smaller.
        """
        if self._bar is None or self.total != total:
            self.close()
            self.total = total
            self._bar = tqdm.tqdm(
                total=total,
                unit="tile",
                desc=self._name,
                leave=False,
                mininterval=0,
                disable=None,
            )
        self._bar.update(done - self._bar.n)
        if self._told:
            self._told(done, total)

    def close(self) -> None:
        """Takes the bar away."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()
