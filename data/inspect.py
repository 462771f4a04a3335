r"""Says what is in a prepared data set, and draws a contact sheet of it.

    python -m data.inspect --dataset=stanford_lf --output=sheet.png

Prints how many light fields each split has, their camera grids, the sizes of
their views and the range of disparity (pixels from a view to its right
neighbour; with "about" if it is estimated from the pictures). The sheet shows
views, LR and HR, disparity, and slices through the views of a row and of a
column, in which every point of the scene should draw a line.
"""

from absl import flags

from crossnet_tf import cli

FLAGS = cli.define_flags("data.data_dir")
DATASET = flags.DEFINE_string(
    "dataset",
    None,
    "Name of a prepared data set: NAME, NAME/CONFIG or NAME:VERSION.",
    required=True,
    flag_values=FLAGS,
)
OUTPUT = flags.DEFINE_string(
    "output", None, "PNG file for the contact sheet.", flag_values=FLAGS
)
NUM_SCENES = flags.DEFINE_integer(
    "num_scenes",
    2,
    "Light fields of each split on the sheet.",
    lower_bound=1,
    upper_bound=50,
    flag_values=FLAGS,
)
SCALE = flags.DEFINE_integer(
    "scale", 4, "HR size / LR size.", lower_bound=2, flag_values=FLAGS
)


def main() -> None:
    """Inspects what the flags say."""
    from crossnet_tf import images
    from crossnet_tf.pairs import prepared  # TensorFlow: flags are right

    from . import contact_sheet, survey

    if OUTPUT.value:
        images.check_output_path(OUTPUT.value)
    path = prepared.find_prepared(DATASET.value, FLAGS.data_dir or "")
    source = prepared.PreparedLightFields(DATASET.value, FLAGS.data_dir or "")
    surveys, shown = [], []
    for split in survey.split_names(path):
        found, first = survey.survey_split(source, split, NUM_SCENES.value)
        surveys.append(found)
        shown += first
    print(f"{DATASET.value} in {path}\n")
    print(survey.table(surveys, estimated=not source.has_disparity))
    if OUTPUT.value:
        sheet = contact_sheet.contact_sheet(shown, SCALE.value)
        images.write_image(OUTPUT.value, sheet)
        print(f"\nWritten: {OUTPUT.value}")


if __name__ == "__main__":
    cli.run(main, FLAGS)
