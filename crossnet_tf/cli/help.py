"""The text of `--help`: the command's docstring, then its flags by group.

absl's own `--help` shows only the flags that the main module defines, in
alphabetical order and under module names. Here every flag shows, in the
order of definition, under the title that `cli.define_flags` gave it.
"""

import textwrap
from collections.abc import Iterator
from typing import Any

from absl import flags

GENERAL = "Flags of this command"
_LAST = ("debug", "help")
_WIDTH = 80


def describe(
    flag: flags.Flag, group: str, kind: str = "", default: str = ""
) -> None:
    """Notes how `--help` shows a flag.

    Args:
        flag: a defined flag.
        group: the title to list it under.
        kind: what stands after `=`.
        default: shown in brackets; empty: nothing is shown.
    """
    noted: Any = flag
    noted.group, noted.kind, noted.shown_default = group, kind, default


def help_text(docstring: str, values: flags.FlagValues) -> str:
    """What `--help` prints.

    Args:
        docstring: of the command's module.
        values: the command's flags; those that were never described come
            first, under `GENERAL`.
    """
    groups: dict[str, list[str]] = {GENERAL: []}
    for name in sorted(values, key=_LAST.__contains__):
        group = getattr(values[name], "group", GENERAL)
        groups.setdefault(group, []).append(name)
    lines = [textwrap.dedent(docstring).strip()]
    for group, names in groups.items():
        lines += ["", f"{group}:"]
        for name in names:
            lines += _flag_lines(name, values[name])
        if group == GENERAL:
            lines += _flagfile_lines()
    return "\n".join(lines)


def _flag_lines(name: str, flag: flags.Flag) -> Iterator[str]:
    kind = getattr(flag, "kind", "") or _kind(flag)
    choices = ""
    if len(f"  --{name}={kind}") > _WIDTH:
        kind, choices = "CHOICE", f" One of {kind.replace('|', ', ')}."
    yield f"  --[no]{name}" if flag.boolean else f"  --{name}={kind}"
    default = flag.default if flag.default not in (None, "", False) else ""
    default = getattr(flag, "shown_default", default)
    # absl begins the help of choices with the choices.
    text = (flag.help.partition(">: ")[2] or flag.help) + choices
    if default:
        text += f" (default: {default})"
    elif not all(validator.checker(None) for validator in flag.validators):
        text += " (required)"
    yield from _wrap(" ".join(text.split()))


def _kind(flag: flags.Flag) -> str:
    if hasattr(flag.parser, "enum_values"):
        return "|".join(flag.parser.enum_values)
    return {"int": "INT", "float": "NUMBER"}.get(flag.flag_type(), "TEXT")


def _flagfile_lines() -> list[str]:
    text = (
        "Read flags from this file, or from one that ships by its name, such "
        "as quickstart; one flag per line; lines that begin with # "
        "are comments. What stands later on the command line wins."
    )
    return ["  --flagfile=PATH|NAME", *_wrap(text)]


def _wrap(text: str) -> list[str]:
    indent = " " * 6
    return textwrap.wrap(
        text, _WIDTH, initial_indent=indent, subsequent_indent=indent
    )
