"""Equal forms of convolutions, and which of them a processor takes.

A convolution is three products (the result, the gradient of its input and of
its kernel), and each can be asked of TensorFlow in ways that give the same
numbers up to rounding, at very different speed. `FORMS` says which way, with
the measurements that decided; `crossnet benchmark --layers` shows what a
machine makes of it.

*   *Forward*: `Conv2D`, or the *transposed* form, which asks for the input's
    gradient of the mirrored kernel. TensorFlow hands `Conv2D` kernels to
    oneDNN as they lie; without AVX-512 oneDNN has nothing but a matrix
    product for these, while gradients get kernels laid out for them.
*   *Narrow* convolutions, to far fewer channels than they read: transposed,
    each pixel is multiplied once and the results are added up; the kernel's
    gradient is taken from the transposed form as well.
*   *Strided* ones pad first: gradients of an explicitly padded convolution
    are slow. Only the kernel's gradient of wide ones is faster with explicit
    padding, and, in bfloat16, runs without oneDNN: 60 times slower.
*   *Winograd*: 5x5 with many channels, in float32, with fewer multiplications
    (`winograd`); results are then equal to some 1e-6 of the largest.

Where gradients are wanted, only inputs and results are kept: not what was
padded, put together or about to be activated.
"""

import contextlib
import dataclasses
import functools
from collections.abc import Iterator

import tensorflow as tf

from crossnet_tf import processor
from crossnet_tf.model import winograd
from crossnet_tf.model.listed import Inputs, apart, channels, together


@dataclasses.dataclass(frozen=True)
class Forms:
    """The choice of one kind of processor.

    Attributes:
        narrow: inputs per output channel from which a convolution counts as
            narrow.
        transposed: whether the others are transposed, too.
        wide_stride: inputs from which the kernel's gradient of a strided
            convolution is asked for with explicit padding; float32 only.
        winograd: inputs and outputs from which 5x5 convolutions of stride 1
            are Winograd's; float32 only.
    """

    narrow: int = 4
    transposed: bool = False
    wide_stride: int = 256
    winograd: int = 64


_NEVER = 1_000_000


FORMS = {
    # One Zen 5 core: 5x5, 64 to 64: forward 223 GFLOP/s, transposed 194;
    # to 3 a training step of 6.7 ms, narrow 6.3; 194 to 2: 6.2 and 4.7; 69
    # to 16: 14.9 and 17.5, too small a share to be told apart. Strided 3x3,
    # 256 to 512: the kernel's gradient takes 16.4 ms padded, 10.1 explicit;
    # 5x5, 64 to 64: 3.9 padded, 5.4 explicit.
    "amx": Forms(),
    "avx512_bf16": Forms(),
    "avx512": Forms(),
    # The same core, oneDNN held to AVX2. 5x5, 192 to 64: 48 GFLOP/s
    # forward, transposed 99; 64 to 64: 90 and 108; to 3 forward 11 and 26.
    # Folding strided ones into more channels does not pay (17 ms for 7).
    "avx2": Forms(transposed=True),
    # TensorFlow's own: 7x7, 69 to 16: a step of 160 ms, narrow 49.
    "other": Forms(winograd=_NEVER),
    # cuDNN chooses for itself.
    "gpu": Forms(narrow=_NEVER, wide_stride=_NEVER, winograd=_NEVER),
    # What leaves this machine, as a SavedModel or other file.
    "portable": Forms(winograd=_NEVER),
}

# Weights from which turning a kernel costs more than its form returns.
_MANY_WEIGHTS = 1_000_000
_fixed: list[str] = []


@contextlib.contextmanager
def portable() -> Iterator[None]:
    """Graphs made meanwhile have the forms of no processor in particular."""
    _fixed.append("portable")
    try:
        yield
    finally:
        _fixed.pop()


def current() -> Forms:
    """The forms of this machine."""
    return FORMS[_fixed[-1] if _fixed else _machine()]


def is_narrow(kernel: tf.Tensor) -> bool:
    """Whether a `[k, k, inputs, outputs]` kernel counts as narrow."""
    inputs, outputs = kernel.shape[2:]
    return current().narrow * outputs <= inputs


def is_winograd(kernel: tf.Tensor) -> bool:
    """Whether a `[k, k, inputs, outputs]` kernel of stride 1 is Winograd's."""
    square = kernel.shape[:2] == [winograd.SIZE] * 2
    many = min(kernel.shape[2:]) >= current().winograd
    return square and many and kernel.dtype == tf.float32


def convolve(inputs: Inputs, kernel: tf.Tensor, stride: int) -> tf.Tensor:
    """A convolution of odd kernel that pads `k // 2` on each side.

    Args:
        inputs: `[B, H, W, C]` float; or several, put together along C.
        kernel: `[k, k, C, F]`, of the same dtype.
        stride: 1 or more.

    Returns:
        `[B, ceil(H / stride), ceil(W / stride), F]`.
    """
    if stride == 1 and is_winograd(kernel):
        return winograd.convolve(inputs, kernel)
    whole = together(inputs)
    if stride > 1:
        padded = tf.pad(whole, _pads(kernel))
        return tf.nn.conv2d(padded, kernel, stride, "VALID")
    light = kernel.shape.num_elements() < _MANY_WEIGHTS
    if is_narrow(kernel) or (current().transposed and light):
        return input_gradient(whole, turned(kernel))
    return tf.nn.conv2d(whole, kernel, 1, "SAME")


def convolve_gradients(
    inputs: Inputs, kernel: tf.Tensor, stride: int, upstream: tf.Tensor
) -> tuple[list[tf.Tensor], tf.Tensor]:
    """The gradients of `convolve`: a list of its inputs', and its kernel's.

    The kernel's comes first: then `inputs` need not be kept any longer.

    Args:
        inputs: what `convolve` got.
        kernel: what `convolve` got.
        stride: what `convolve` got.
        upstream: gradient of its result.
    """
    if stride == 1 and is_winograd(kernel):
        of_kernel = winograd.kernel_gradient(inputs, upstream)
        with _after(of_kernel):
            mirrored, counts = turned(kernel), channels(inputs)
            below = winograd.input_gradients(upstream, mirrored, counts)
            return below, of_kernel
    whole = together(inputs)
    if stride > 1:
        of_kernel = _strided_kernel_gradient(whole, kernel, stride, upstream)
        with _after(of_kernel):
            shape = tf.shape(whole)
            one = _strided_gradient(shape, kernel, stride, upstream)
            return apart(one, inputs), of_kernel
    of_kernel = _kernel_gradient(whole, kernel, upstream)
    with _after(of_kernel):
        return apart(input_gradient(upstream, kernel), inputs), of_kernel


def double(inputs: Inputs, kernel: tf.Tensor) -> tf.Tensor:
    """A transposed convolution of stride 2 that doubles the size exactly.

    Args:
        inputs: `[B, H, W, C]`; or several, put together along C.
        kernel: `[4, 4, F, C]`.

    Returns:
        `[B, 2H, 2W, F]`.
    """
    whole = together(inputs)
    shape = tf.shape(whole)
    size = tf.stack([shape[0], 2 * shape[1], 2 * shape[2], kernel.shape[2]])
    return tf.nn.conv2d_transpose(whole, kernel, size, 2, "SAME")


def double_gradients(
    inputs: Inputs, kernel: tf.Tensor, upstream: tf.Tensor
) -> tuple[list[tf.Tensor], tf.Tensor]:
    """The gradients of `double`: a list of its inputs', and its kernel's."""
    of_kernel = tf.raw_ops.Conv2DBackpropFilter(
        input=upstream,
        filter_sizes=kernel.shape,
        out_backprop=together(inputs),
        strides=[1, 2, 2, 1],
        padding="SAME",
    )
    with _after(of_kernel):
        below = tf.nn.conv2d(upstream, kernel, 2, "SAME")
        return apart(below, inputs), of_kernel


def input_gradient(upstream: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
    """That of a stride-1 convolution by `kernel`; of `inputs`' own size."""
    shape = tf.shape(upstream)
    size = tf.stack([shape[0], shape[1], shape[2], kernel.shape[2]])
    return tf.nn.conv2d_transpose(upstream, kernel, size, 1, "SAME")


def turned(kernel: tf.Tensor) -> tf.Tensor:
    """Mirrored, inputs and outputs exchanged; its own inverse."""
    return tf.transpose(tf.reverse(kernel, [0, 1]), [0, 1, 3, 2])


def _kernel_gradient(
    inputs: tf.Tensor, kernel: tf.Tensor, upstream: tf.Tensor
) -> tf.Tensor:
    ask = functools.partial(
        tf.raw_ops.Conv2DBackpropFilter, strides=[1] * 4, padding="SAME"
    )
    if not is_narrow(kernel):
        return ask(
            input=inputs, filter_sizes=kernel.shape, out_backprop=upstream
        )
    sizes = [*kernel.shape[:2], kernel.shape[3], kernel.shape[2]]
    return turned(ask(input=upstream, filter_sizes=sizes, out_backprop=inputs))


def _strided_kernel_gradient(
    inputs: tf.Tensor, kernel: tf.Tensor, stride: int, upstream: tf.Tensor
) -> tf.Tensor:
    wide = kernel.shape[2] >= current().wide_stride
    explicit = wide and inputs.dtype == tf.float32
    pads = _pads(kernel)
    return tf.raw_ops.Conv2DBackpropFilter(
        input=inputs if explicit else tf.pad(inputs, pads),
        filter_sizes=kernel.shape,
        out_backprop=upstream,
        strides=[1, stride, stride, 1],
        padding="EXPLICIT" if explicit else "VALID",
        explicit_paddings=[n for p in pads for n in p] if explicit else [],
    )


def _strided_gradient(
    shape: tf.Tensor, kernel: tf.Tensor, stride: int, upstream: tf.Tensor
) -> tf.Tensor:
    """That of the inputs, of which `shape` is the shape."""
    top, left = kernel.shape[0] // 2, kernel.shape[1] // 2
    padded = tf.raw_ops.Conv2DBackpropInput(
        input_sizes=shape + tf.constant([0, 2 * top, 2 * left, 0]),
        filter=kernel,
        out_backprop=upstream,
        strides=[1, stride, stride, 1],
        padding="VALID",
    )
    return padded[:, top : top + shape[1], left : left + shape[2]]


def _after(tensor: tf.Tensor) -> contextlib.AbstractContextManager:
    return tf.control_dependencies([tensor])


def _pads(kernel: tf.Tensor) -> list[list[int]]:
    sides = [[size // 2, size // 2] for size in kernel.shape[:2]]
    return [[0, 0], *sides, [0, 0]]


@functools.cache
def _machine() -> str:
    if tf.config.list_physical_devices("GPU"):
        return "gpu"
    if not processor.uses_onednn():
        return "other"
    return processor.instruction_set()
