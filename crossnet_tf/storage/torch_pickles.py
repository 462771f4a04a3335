"""Reads the pickles of PyTorch checkpoints without running them.

A pickle is a program for a small machine with a stack. Python's machine calls
what the program names; the one here knows only how to build dicts, lists,
tuples, numbers and texts, and two of PyTorch's names that stand for tensors.
Anything else that is named becomes a `Foreign`: it is kept in its place, does
nothing, and whoever meets it says its name. So a training checkpoint can be
read for its weights, whatever lies beside them.

A small file cannot ask for much: lengths and numbers of steps are limited,
and dicts take keys that are cheap to hash.

References: `pickletools` (the machine); `torch/_utils.py`,
`torch/serialization.py` (what the names mean).
"""

import io
import pickletools
from typing import Any, BinaryIO, NamedTuple

MAX_BYTES = 1 << 22
_MAX_STEPS = 1 << 20
_LARGEST_KEY = 1 << 62
_LONGEST_NAME = 1000
# Names of PyTorch's storages, and NumPy's for their numbers.
DTYPES = {
    "DoubleStorage": "float64",
    "FloatStorage": "float32",
    "HalfStorage": "float16",
    "BFloat16Storage": "bfloat16",
    "LongStorage": "int64",
    "IntStorage": "int32",
    "ShortStorage": "int16",
    "CharStorage": "int8",
    "ByteStorage": "uint8",
    "BoolStorage": "bool",
    "ComplexFloatStorage": "complex64",
    "ComplexDoubleStorage": "complex128",
}
_VALUES = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
# Their argument is their value.
_LITERALS = """
    INT BININT BININT1 BININT2 LONG1 BINFLOAT BINUNICODE SHORT_BINUNICODE
    BINSTRING SHORT_BINSTRING BINBYTES SHORT_BINBYTES
"""
_IS_LITERAL = frozenset(_LITERALS.split())
_TUPLES = {"EMPTY_TUPLE": 0, "TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}
_MARK = object()


class Storage(NamedTuple):
    """Bytes that tensors are views of.

    Attributes:
        key: names them in the file.
        dtype: NumPy's name of their numbers.
        num_elements: how many there are.
    """

    key: str
    dtype: str
    num_elements: int


class Tensor(NamedTuple):
    """A view of a storage; offset and strides count elements. Unchecked."""

    storage: Any
    offset: Any
    sizes: Any
    strides: Any


class Foreign:
    """Stands for something of a name that is not known here."""

    __slots__ = ("name",)

    def __init__(self, name: str):
        self.name = name


class Loaded(NamedTuple):
    """What a pickle holds.

    Attributes:
        value: dicts, lists, tuples, texts, numbers, None, `Tensor`, `Foreign`.
        storages: all that it mentions, by key.
    """

    value: Any
    storages: dict[str, Storage]


def load(file: BinaryIO) -> Loaded:
    """Reads one pickle from where `file` stands, and no further.

    Args:
        file: in memory: a real file would make room for all the bytes that a
            length of the pickle asks for.

    Raises:
        ValueError: damaged, too long, or a step that PyTorch never takes.
    """
    machine, begin = _Machine(), file.tell()
    for number, step in enumerate(pickletools.genops(file)):
        opcode, argument, position = step
        if (position or 0) - begin > MAX_BYTES or number > _MAX_STEPS:
            raise ValueError("its pickle is too long.")
        machine.do(opcode.name, argument)
    return Loaded(machine.pop(), machine.storages)


def load_bytes(data: bytes) -> Loaded:
    """As `load`, of a pickle that is all of `data`."""
    return load(io.BytesIO(data))


class _Machine:
    """The stack and the memory of a pickle; one method per kind of step."""

    def __init__(self):
        self.storages: dict[str, Storage] = {}
        self._stack: list[Any] = []
        self._memory: dict[int, Any] = {}

    def do(self, name: str, argument: Any) -> None:
        """Takes one step."""
        if name in _IS_LITERAL:
            self._stack.append(argument)
        elif name in _VALUES:
            self._stack.append(_VALUES[name])
        elif name in _TUPLES:
            self._tuple(_TUPLES[name])
        elif name.endswith("BINPUT"):
            self._memory[argument] = self._top()
        elif name.endswith("BINGET"):
            self._stack.append(self._memory[argument])
        elif method := getattr(self, f"_do_{name.lower()}", None):
            method(argument)
        elif name not in ("PROTO", "FRAME", "STOP"):
            raise ValueError(f"its pickle uses {name}.")

    def pop(self) -> Any:
        """Takes the topmost value off the stack."""
        value = self._top()
        self._stack.pop()
        return value

    def _top(self) -> Any:
        if not self._stack or self._stack[-1] is _MARK:
            raise ValueError("its pickle takes more than it has.")
        return self._stack[-1]

    def _tuple(self, length: int) -> None:
        values = [self.pop() for _ in range(length)]
        self._stack.append(tuple(reversed(values)))

    def _after_mark(self) -> list:
        values = []
        while self._stack and self._stack[-1] is not _MARK:
            values.append(self._stack.pop())
        if not self._stack:
            raise ValueError("its pickle takes more than it has.")
        self._stack.pop()
        return values[::-1]

    def _do_mark(self, _: None) -> None:
        self._stack.append(_MARK)

    def _do_tuple(self, _: None) -> None:
        self._stack.append(tuple(self._after_mark()))

    def _do_empty_list(self, _: None) -> None:
        self._stack.append([])

    def _do_empty_dict(self, _: None) -> None:
        self._stack.append({})

    def _do_append(self, _: None) -> None:
        self._extend([self.pop()])

    def _do_appends(self, _: None) -> None:
        self._extend(self._after_mark())

    def _extend(self, values: list) -> None:
        target = self._top()
        if isinstance(target, list):
            target.extend(values)
        elif not isinstance(target, Foreign):
            raise ValueError("its pickle appends to what is no list.")

    def _do_setitem(self, _: None) -> None:
        value = self.pop()
        self._update([self.pop(), value])

    def _do_setitems(self, _: None) -> None:
        self._update(self._after_mark())

    def _update(self, values: list) -> None:
        target = self._top()
        if isinstance(target, dict):
            for key, value in zip(values[::2], values[1::2], strict=True):
                target[_key(key)] = value
        elif not isinstance(target, Foreign):
            raise ValueError("its pickle fills what is no dict.")

    def _do_global(self, argument: str) -> None:
        self._stack.append(Foreign(".".join(argument.split(" ", 1))))

    def _do_stack_global(self, _: None) -> None:
        name, module = self.pop(), self.pop()
        self._stack.append(Foreign(f"{module}.{name}"[:_LONGEST_NAME]))

    def _do_memoize(self, _: None) -> None:
        self._memory[len(self._memory)] = self._top()

    def _do_empty_set(self, _: None) -> None:
        self._stack.append(Foreign("builtins.set"))

    def _do_additems(self, _: None) -> None:
        self._after_mark()

    def _do_reduce(self, _: None) -> None:
        arguments, function = self.pop(), self.pop()
        self._stack.append(_called(function, arguments))

    _do_newobj = _do_reduce

    def _do_build(self, _: None) -> None:
        """Attributes: those of a state_dict are notes, no weights."""
        self.pop()
        if isinstance(self._top(), Tensor):
            raise ValueError("its pickle changes a tensor.")

    def _do_binpersid(self, _: None) -> None:
        storage = _storage(self.pop())
        if isinstance(storage, Storage):
            self.storages[storage.key] = storage
        self._stack.append(storage)


def _key(key: Any) -> Any:
    """A key that is cheap to hash; others are as good as nameless."""
    is_number = isinstance(key, int) and abs(key) < _LARGEST_KEY
    return key if is_number or isinstance(key, str) else Foreign("a key")


def _called(function: Any, arguments: Any) -> Any:
    """What a call gives; none is made."""
    if not isinstance(function, Foreign) or not isinstance(arguments, tuple):
        raise ValueError("its pickle calls what is no function.")
    match function.name, arguments:
        case "collections.OrderedDict", ():
            return {}
        case "torch._utils._rebuild_tensor", (_, _, _, _):
            return Tensor(*arguments)
        case "torch._utils._rebuild_tensor_v2", (_, _, _, _, *_):
            return Tensor(*arguments[:4])
        case "torch._utils._rebuild_parameter", (Tensor() as tensor, *_):
            return tensor
    return Foreign(function.name)


def _storage(identity: Any) -> Storage | Foreign:
    """A storage: ("storage", type, key, device, number of elements)."""
    match identity:
        case ("storage", Foreign() as kind, str(key), _, int(count), *view):
            name = kind.name.removeprefix("torch.")
            if name not in DTYPES or count < 0 or any(view):
                raise ValueError(f"it has storages of {kind.name[:80]!r}.")
            return Storage(key, DTYPES[name], count)
        case ("module", Foreign() as kind, *_):  # the class of a network
            return kind
    raise ValueError("it has an unknown kind of storage.")
