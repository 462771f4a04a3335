"""Which level of the pyramid a flow of the network's outputs belongs to."""


def level_of(name: str) -> int | None:
    """The level of an output of that name; None unless it is a flow."""
    kind, _, rest = name.partition("_")
    return int(rest.partition("_")[0]) if kind == "flow" else None
