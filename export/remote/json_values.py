"""Tensors in TensorFlow Serving's JSON, there and back.

An answer is hostile: its size is limited before it comes here, and text that
would become far more objects than a picture has numbers is refused before it
is parsed.

Reference: TensorFlow Serving, "RESTful API", predict in columnar form.
"""

import base64
import json

import numpy as np

from .transport import Value

# Numbers and lists of them have none; a batch of encoded pictures has few.
_MAX_OBJECTS, _MAX_QUOTES = 256, 2048


def to_json(value: Value) -> list:
    """A tensor as JSON takes it; byte strings in base64."""
    if isinstance(value, list):
        return [{"b64": base64.b64encode(v).decode()} for v in value]
    return value.tolist()


def outputs(data: bytes) -> dict[str, Value]:
    """The outputs in an answer, by name; "" if a single one has none.

    Raises:
        ValueError: it is no such answer.
    """
    if data.count(b"{") > _MAX_OBJECTS or data.count(b'"') > _MAX_QUOTES:
        raise ValueError("its JSON has more objects than pictures need.")
    try:
        found = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise ValueError("it is no JSON.") from error
    if not isinstance(found, dict) or "outputs" not in found:
        raise ValueError("its JSON has no `outputs`.")
    found = found["outputs"]
    if not isinstance(found, dict):  # a single output comes without name
        found = {"": found}
    return {name: _from_json(value) for name, value in found.items()}


def _from_json(value: object) -> Value:
    if not isinstance(value, list):
        raise ValueError("an output is no list.")
    if value and isinstance(value[0], dict):
        try:
            return [base64.b64decode(v["b64"], validate=True) for v in value]
        except (ValueError, TypeError, KeyError) as error:
            raise ValueError("an output is no base64.") from error
    try:
        array = np.asarray(value)
    except (ValueError, OverflowError) as error:
        raise ValueError("an output is no regular array.") from error
    if array.dtype.kind not in "iuf":
        raise ValueError("an output has other values than numbers.")
    return array
