"""Command-line flags made from the settings; how a command starts and ends.

This is the only file that knows both `absl.flags` and `config`: each field of
a config section is one flag of the same name, with the field's type, limits
and help. A command keeps its flags in a `FlagValues` of its own, so that two
commands can be imported side by side:

    FLAGS = cli.define_flags("data", "train")
    RUN_DIR = flags.DEFINE_string("run_dir", None, "...", flag_values=FLAGS)

    def main() -> None:
        config = cli.config_from_flags(FLAGS)
        ...

    if __name__ == "__main__":
        cli.run(main, FLAGS)

A flag that is not given is None, and `config_from_flags` leaves the field as
it is in the config to begin with: the defaults, a preset, or a run's own.
Nothing here imports TensorFlow, so `--help` and wrong flags answer at once;
a command imports what needs it inside `main`.
"""

import dataclasses
import difflib
import os
import pathlib
import re
import sys
import typing
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from absl import flags

import crossnet_tf
from crossnet_tf import config as config_lib
from crossnet_tf import footprint, regular
from crossnet_tf.cli import help, outcome, quiet

_SECTIONS = typing.get_type_hints(config_lib.Config)
_TITLES = {
    "model": "Network (what is left out keeps the value of --preset)",
    "data": "Data",
    "train": "Training",
    "eval": "Evaluation",
}
_MAX_FLAG_FILE_BYTES = 2**20
_KINDS = {bool: "", int: "INT", float: "NUMBER", str: "TEXT"}


def define_flags(*sections: str, defaults: str = "") -> flags.FlagValues:
    """Flags for whole config sections or for single fields of them.

    Args:
        *sections: names like "data" or, for one field, "eval.max_pixels".
        defaults: what `--help` says of the defaults if they are not the
            fields' own, for example "the run's".

    Returns:
        A new `FlagValues`, with `--debug` and `--help` in it too. Pass it as
        `flag_values` to define the command's own flags.
    """
    values = flags.FlagValues()
    for section in sections:
        name, _, only = section.partition(".")
        hints = typing.get_type_hints(_SECTIONS[name])
        for field in dataclasses.fields(_SECTIONS[name]):
            if field.name == only or not only:
                _define(field, hints[field.name], values)
                kind, default = _shown(field, hints[field.name], name)
                help.describe(
                    values[field.name],
                    _TITLES[name],
                    kind,
                    defaults or default,
                )
    flags.DEFINE_bool(
        "debug",
        False,
        "Show TensorFlow's messages, and the traceback of an error.",
        flag_values=values,
    )
    flags.DEFINE_bool("help", False, "Show this help.", flag_values=values)
    return values


def define_alias(name: str, original: str, values: flags.FlagValues) -> None:
    """Another name for a flag, such as the one that it had before.

    Both at once are a wrong command line, and what is said of the flag is
    said under the name that the user gave it.

    Args:
        name: the other name.
        original: a flag of `values`.
        values: the command's flags.
    """
    flags.DEFINE_alias(name, original, flag_values=values)
    alias: Any = values[name]
    alias.stands_for = original
    alias.help = f"The same as --{original}."
    kind = getattr(values[original], "kind", "")
    group = getattr(values[original], "group", help.GENERAL)
    help.describe(alias, group, kind)


def _define(
    field: dataclasses.Field, hint: Any, values: flags.FlagValues
) -> None:
    common = {
        "name": field.name,
        "default": None,
        "help": field.metadata["help"],
        "flag_values": values,
    }
    choices = field.metadata.get("choices")
    if field.name == "preset":
        choices = sorted(config_lib.PRESETS)
        common["help"] = "Network settings to begin with."
    if typing.get_origin(hint) is tuple:
        parser = _TupleParser(typing.get_args(hint)[0])
        flags.DEFINE(parser, serializer=flags.CsvListSerializer(","), **common)
    elif hint is bool:
        flags.DEFINE_bool(**common)
    elif hint is int:
        flags.DEFINE_integer(**common)
    elif hint is float:
        flags.DEFINE_float(**common)
    elif choices:
        flags.DEFINE_enum(enum_values=list(choices), **common)
    else:
        flags.DEFINE_string(**common)


def _shown(
    field: dataclasses.Field, hint: Any, section: str
) -> tuple[str, str]:
    """The kind of value and the default, as `--help` shows them."""
    items = typing.get_args(hint)
    kind = f"{_KINDS[items[0]]},..." if items else _KINDS[hint]
    kind = "|".join(map(str, field.metadata.get("choices", ()))) or kind
    default: Any = field.default
    if items:
        default = ",".join(map(str, default))
    if field.name == "preset":
        kind = "|".join(sorted(config_lib.PRESETS))
    elif section == "model":
        default = ""
    return kind, "" if default is False else str(default)


class _TupleParser(flags.ArgumentParser):
    """`1,7` to `(1, 7)`; an empty text to `()`."""

    def __init__(self, item_type: type):
        self._item_type = item_type

    def parse(self, argument: str) -> tuple:
        items = argument.split(",") if argument.strip() else []
        return tuple(self._item_type(item) for item in items)

    def flag_type(self) -> str:
        return f"{self._item_type.__name__} list"


def config_from_flags(
    values: flags.FlagValues, base: config_lib.Config | None = None
) -> config_lib.Config:
    """The settings that the parsed flags ask for.

    Args:
        values: what `define_flags` returned, parsed by `run`.
        base: gives every field whose flag is absent; the defaults if None.

    Returns:
        A checked `Config`.

    Raises:
        flags.Error: a value outside its limits, or fields that do not fit.
    """
    base = base or config_lib.Config()
    sections = {}
    try:
        for name in _SECTIONS:
            section = getattr(base, name)
            given = _given(values, section)
            if name == "model" and "preset" in given:
                section = config_lib.model_config(given.pop("preset"))
            sections[name] = dataclasses.replace(section, **given)
    except ValueError as error:
        raise flags.Error(str(error)) from error
    return config_lib.Config(**sections)


def _given(values: flags.FlagValues, section: Any) -> dict[str, Any]:
    names = [field.name for field in dataclasses.fields(section)]
    return {
        name: values[name].value
        for name in names
        if name in values and values[name].value is not None
    }


def run(
    main: Callable[[], None],
    values: flags.FlagValues,
    argv: Sequence[str] | None = None,
) -> NoReturn:
    """Parses the command line, calls `main` and exits.

    A user's mistake is one line on stderr; `outcome` lists the exit codes.
    `main` may raise SystemExit itself.

    Args:
        main: takes nothing; its module's docstring opens `--help`.
        values: the command's flags.
        argv: program name and arguments; those of the process if None.
    """
    argv = list(sys.argv if argv is None else argv)
    if {"--help", "-help", "-h", "--helpfull", "--helpshort"} & set(argv):
        docstring = main.__globals__["__doc__"] or ""
        print(help.help_text(docstring, values))
        sys.exit(0)

    def command() -> None:
        _parse(values, argv)
        if not values.debug:
            quiet.silence_tensorflow()
        footprint.spare_imports()
        footprint.keep_freed()
        try:
            main()
        except Exception as error:
            _say_as_typed(error, values)
            raise

    sys.exit(
        outcome.exit_code(command, debug=lambda: bool(values["debug"].value))
    )


def _aliases(values: flags.FlagValues) -> list[tuple[str, str]]:
    """Names under which flags were given, and their usual ones."""
    return [
        (name, original)
        for name in values
        if (original := getattr(values[name], "stands_for", None))
        and values[name].present
    ]


def _say_as_typed(error: Exception, values: flags.FlagValues) -> None:
    """Names flags in an error's text as the user named them."""
    for name, original in _aliases(values):
        if len(error.args) == 1 and isinstance(error.args[0], str):
            text = error.args[0].replace(f"`{original}`", f"`{name}`")
            error.args = (text.replace(f" {original}=", f" {name}="),)


def _refuse_two_names(values: flags.FlagValues) -> None:
    """One flag under two names: which value counts would be a guess."""
    for _, original in _aliases(values):
        # A parse of the other name counts as one of the original, too.
        names = {n for n, same in _aliases(values) if same == original}
        if values[original].present > sum(values[n].present for n in names):
            names.add(original)
        if len(names) > 1:
            shown = " and ".join(f"--{name}" for name in sorted(names))
            raise flags.Error(f"Give one of {shown}.")


def _parse(values: flags.FlagValues, argv: list[str]) -> None:
    values.unparse_flags()
    for name in values:
        values[name].unparse()
    values.set_gnu_getopt(True)
    try:
        rest = values(_with_flag_files(argv))[1:]
    except flags.UnrecognizedFlagError as error:
        raise flags.Error(_unknown(error.flagname, values)) from error
    except flags.IllegalFlagValueError as error:
        missing = re.match(r"flag --(\w+)=None: ", str(error))
        if missing is None:
            raise
        text = f"`--{missing[1]}` is required; see --help."
        raise flags.Error(text) from error
    except ValueError as error:
        raise flags.Error(str(error)) from error
    _refuse_two_names(values)
    if rest:
        raise flags.Error(
            f"Unexpected argument `{rest[0]}`: every setting is a flag, "
            "--name=value."
        )


def _with_flag_files(argv: Sequence[str]) -> list[str]:
    """The arguments, with paths for the flag files that are only named."""
    found = []
    for before, word in zip(["", *argv], argv):
        if before in ("--flagfile", "-flagfile"):
            word = _flag_file(word)
        elif word.startswith(("--flagfile=", "-flagfile=")):
            flag, _, name = word.partition("=")
            word = f"{flag}={_flag_file(name)}"
        found.append(word)
    return found


def _flag_file(name: str) -> str:
    """The path of a flag file: the user's, or one that ships, by its name.

    Raises:
        flags.Error: there is neither; lists those that ship.
    """
    own = os.path.expanduser(name)
    if os.path.exists(own):
        try:
            return str(regular.check_size(own, _MAX_FLAG_FILE_BYTES))
        except ValueError as error:
            raise flags.Error(f"`--flagfile`: {error}") from error
    shipped = {
        path.stem: path
        for folder in crossnet_tf.__path__
        for path in pathlib.Path(folder, "flags").glob("*.cfg")
    }
    path = shipped.get(name.removesuffix(".cfg"))
    if path is None:
        raise flags.Error(
            "`--flagfile` must be a file, or the name of one that ships: "
            f"{', '.join(sorted(shipped))}. Received: --flagfile={name}"
        )
    return str(path)


def _unknown(name: str, values: flags.FlagValues) -> str:
    for section in _SECTIONS.values():
        if name in {field.name for field in dataclasses.fields(section)}:
            return f"`--{name}` is not a flag of this command; see --help."
    near = difflib.get_close_matches(name, list(values), n=1, cutoff=0.5)
    hint = f"did you mean --{near[0]}?" if near else "see --help."
    return f"Unknown flag `--{name}`; {hint}"
