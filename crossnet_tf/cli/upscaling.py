"""The flags of every command that upscales pictures, defined once."""

from absl import flags

from crossnet_tf import config


def define_upscaling(values: flags.FlagValues) -> dict[str, flags.FlagHolder]:
    """How a picture is upscaled, whatever names it.

    Args:
        values: the command's flags, to which these are added.

    Returns:
        The holders by name, which is the name of the field of
        `upscaling.options.Options`, too.
    """
    return {
        "skip_existing": flags.DEFINE_bool(
            "skip_existing",
            False,
            "Leave existing outputs.",
            flag_values=values,
        ),
        "scale": flags.DEFINE_float(
            "scale",
            0.0,
            "Output size / LR size, by resizing after the network; 0: the "
            "network's.",
            lower_bound=0,
            flag_values=values,
        ),
        "align": _auto(
            "align",
            "Lay REF over LR, whatever its size, zoom and turn; none: REF "
            "fits.",
            values,
        ),
        "match": _auto(
            "match",
            "Match tone, colour, noise and blur of the cameras, where it "
            "helps.",
            values,
        ),
        **_limits(values),
        "precision": flags.DEFINE_enum(
            "precision",
            config.PRECISIONS[0],
            config.PRECISIONS,
            "Keras precision policy to compute with.",
            flag_values=values,
        ),
    }


def _auto(name: str, text: str, values: flags.FlagValues) -> flags.FlagHolder:
    return flags.DEFINE_enum(
        name, "auto", ["auto", "none"], text, flag_values=values
    )


def _limits(values: flags.FlagValues) -> dict[str, flags.FlagHolder]:
    """Sizes: of tiles, of their margins, of what is refused."""
    return {
        "max_side": flags.DEFINE_integer(
            "max_side",
            None,
            "Side in HR pixels of the largest input computed at once; larger "
            "pictures are done in tiles. 0: never tile. Left out: "
            f"{config.MAX_SIDE}, and smaller tiles of larger pictures where "
            "the network takes much memory.",
            lower_bound=0,
            flag_values=values,
        ),
        "margin": flags.DEFINE_integer(
            "margin",
            None,
            "HR pixels that a tile looks beyond its edges, straight ahead in "
            "REF; at least the largest displacement between LR and REF. "
            f"Left out: measured, {config.MARGIN} at most.",
            lower_bound=0,
            flag_values=values,
        ),
        "max_pixels": flags.DEFINE_integer(
            "max_pixels",
            config.MAX_PIXELS,
            "Refuse pictures with more pixels.",
            lower_bound=1,
            flag_values=values,
        ),
    }
