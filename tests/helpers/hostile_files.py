"""Broken and hostile files for every reader, each as bytes or as a maker.

None of them can be used: a reader has to refuse it, and to name it. Large ones
are small files that ask for much.
"""

import io
import os
import pathlib
import pickle
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable

import av
import numpy as np
import PIL.Image
import skimage.data
import torch_checkpoint

File = bytes | Callable[[pathlib.Path], object]
EXPECTED = {"kernel": (3, 3, 4), "bias": (4,)}
"""What the files of weights should hold."""

_PHOTO = skimage.data.astronaut()[:96, :128]
_HTML = b"<!doctype html><title>Sign in</title>"


class _Evil:
    """Unpickling it makes the folder that `EVIL_MARK` names."""

    def __reduce__(self):
        return os.mkdir, (EVIL_MARK,)


EVIL_MARK = "/tmp/crossnet_tf_hostile_mark"
_SPECIAL: dict[str, File] = {
    "pipe": os.mkfifo,
    "endless device": lambda path: path.symlink_to("/dev/zero"),
    "folder": pathlib.Path.mkdir,
    "link to itself": lambda path: path.symlink_to(path),
}


def pictures() -> dict[str, File]:
    """For `images.read_image`."""
    found: dict[str, File] = {"empty": b"", "page": _HTML, **_SPECIAL}
    for kind in ("PNG", "JPEG", "TIFF", "WEBP", "BMP"):
        whole = _picture(kind)
        found[f"{kind} cut"] = whole[: len(whole) // 2]
        noise = np.random.default_rng(0).bytes(len(whole) - 60)
        found[f"{kind} of noise"] = whole[:60] + noise
    found["PNG of 60,000 x 60,000"] = _png(60_000, 60_000)
    found["PNG of nothing"] = _png(0, 7)
    found["PNG of a wrong checksum"] = _flipped(_picture("PNG"), -30)
    found["JPEG of 65,535 x 65,535"] = _jpeg_claim(65_535, 65_535)
    found["JPEG of 500 scans"] = _scans(500)
    found["BMP of 2^31 rows"] = _bmp_claim()
    return found


def videos() -> dict[str, File]:
    """For `reading.open_video`."""
    whole = _video()
    noise = np.random.default_rng(0).bytes(20_000)
    return {
        "empty": b"",
        "page": _HTML,
        **_SPECIAL,
        "cut": whole[: len(whole) // 2],
        "noise": noise,
        "header, then noise": whole[:40] + noise,
        "list of files": b"#EXTM3U\n#EXTINF:9,\n/etc/passwd\n",
        "concat": b"ffconcat version 1.0\nfile /etc/passwd\n",
        "a picture": _picture("PNG"),
    }


def archives() -> dict[str, File]:
    """For `archives.unpack`; names end in .zip, or in .tar if so called."""
    return {
        "empty.zip": b"",
        "page.zip": _HTML,
        **{f"{name}.zip": file for name, file in _SPECIAL.items()},
        "climbs out.zip": _zip({"../../evil.png": b"x"}),
        "absolute.zip": _zip({"/tmp/evil.png": b"x"}),
        "link.zip": _zip_link(),
        "bomb.zip": _zip({"a.png": bytes(1 << 27)}, zipfile.ZIP_DEFLATED),
        "cut.zip": _zip({"a.png": _picture("PNG")})[:-40],
        "link.tar": _tar(type=tarfile.SYMTYPE, linkname="/etc/passwd"),
        "device.tar": _tar(type=tarfile.CHRTYPE),
        "climbs out.tar": _tar(name="../evil.png"),
        "long header.tar": _tar(type=tarfile.XHDTYPE, size=(1 << 33) - 1),
    }


def torch_files() -> dict[str, File]:
    """For `torch_files.read_state_dict`."""
    array = np.zeros(1 << 14, np.float32)
    many = {f"w{n}": torch_checkpoint.tensor(str(n), array) for n in range(20)}
    content = {str(n): array.tobytes() for n in range(20)}
    alike = torch_checkpoint.as_zip(torch_checkpoint.pickled(many), content)
    whole = torch_checkpoint.checkpoint({"a": array})
    one = {"a": torch_checkpoint.tensor("0", array)}
    longer = {"0": bytes(1 << 25)}
    program = torch_checkpoint.pickled(one)
    return {
        "empty": b"",
        "page": _HTML,
        **_SPECIAL,
        "program": torch_checkpoint.as_zip(pickle.dumps(_Evil()), {}),
        "program of before": torch_checkpoint.as_legacy(
            pickle.dumps(_Evil(), 2), {}
        ),
        "program alone": pickle.dumps({"a": _Evil()}, 2),
        "overlapping": torch_checkpoint.all_at_one_place(alike),
        "long storage": torch_checkpoint.as_zip(program, longer),
        "long list": torch_checkpoint.as_zip(b"]" * 3_000_000, {}),
        "cut": whole[: len(whole) // 2],
    }  # fmt: skip


def arrays() -> dict[str, File]:
    """For `array_files.read`; names end in .npz or .safetensors."""
    good = {n: np.zeros(s, np.float32) for n, s in EXPECTED.items()}
    nan = {**good, "bias": np.full(4, np.nan, np.float32)}
    evil = {**good, "bias": np.array([_Evil(), 1, 2, 3], object)}
    large = b'{"kernel":{"dtype":"F32","shape":[9,9,9],"data_offsets":[0,9]}}'
    return {
        "empty.npz": b"",
        "page.safetensors": _HTML,
        **{f"{name}.npz": file for name, file in _SPECIAL.items()},
        "program.npz": _npz(evil),
        "not finite.npz": _npz(nan),
        "other shape.npz": _npz({**good, "bias": np.zeros(9, np.float32)}),
        "cut.npz": _npz(good)[:-60],
        "long header.safetensors": struct.pack("<Q", 1 << 40) + b"{",
        "no header.safetensors": struct.pack("<Q", 9) + b"not JSON!",
        "lying header.safetensors": struct.pack("<Q", len(large)) + large,
    }


def records() -> dict[str, File]:
    """For `record_files.RecordFiles`, of one record."""
    return {
        "empty": b"",
        "page": _HTML,
        **_SPECIAL,
        "length of 2^63": b"\xff" * 16,
        "length above the file": struct.pack("<QI", 1000, 0) + bytes(50),
    }


def checkpoints() -> dict[str, File]:
    """For `bundles.check`: the index of a checkpoint."""
    magic = bytes.fromhex("57fb808b247547db")
    return {
        "empty": b"",
        "page": _HTML,
        **_SPECIAL,
        "footer of noise": np.random.default_rng(0).bytes(40) + magic,
        "block of 2^60": b"\xff" * 8 + b"\x0f" * 32 + magic,
        "large": bytes(1 << 25),
    }


def settings() -> dict[str, File]:
    """For `runs.load_config`: the `config.json` of a stranger."""
    return {
        "empty": b"",
        "page": _HTML,
        **_SPECIAL,
        "nested": b"[" * 100_000,
        "huge number": b'{"model": {"width": 1' + b"0" * 5000 + b"}}",
        "large": b'{"model": "' + b"x" * (1 << 21) + b'"}',
        "of another kind": b'{"model": {"width": "wide"}}',
        "escape codes": b'{"\\u001b[31mred": 1}',
    }


def lines() -> dict[str, File]:
    """For files of headers and of flags."""
    return {
        "page": _HTML,
        **_SPECIAL,
        "large": b"Authorization: x\n" * 100_000,
        "bytes": b"\xff\xfe\x00\x01",
    }


def _picture(kind: str) -> bytes:
    file = io.BytesIO()
    PIL.Image.fromarray(_PHOTO).save(file, kind)
    return file.getvalue()


def _png(width: int, height: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + check

    size = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = chunk(b"IDAT", zlib.compress(bytes(1 << 20)))
    start = b"\x89PNG\r\n\x1a\n"
    return start + chunk(b"IHDR", size) + pixels + chunk(b"IEND", b"")


def _flipped(data: bytes, place: int) -> bytes:
    changed = bytearray(data)
    changed[place] ^= 255
    return bytes(changed)


def _jpeg_claim(width: int, height: int) -> bytes:
    data = bytearray(_picture("JPEG"))
    frame = data.index(b"\xff\xc0")
    data[frame + 5 : frame + 9] = struct.pack(">HH", height, width)
    return bytes(data)


def _scans(count: int) -> bytes:
    file = io.BytesIO()
    PIL.Image.fromarray(_PHOTO).save(file, "JPEG", progressive=True)
    data = file.getvalue()
    last = data.rindex(b"\xff\xda")
    return data[:-2] + data[last:-2] * count + data[-2:]


def _bmp_claim() -> bytes:
    data = bytearray(_picture("BMP"))
    data[22:26] = struct.pack("<i", -(2**31))
    return bytes(data)


def _video() -> bytes:
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.height, stream.width, stream.pix_fmt = 96, 128, "yuv420p"
        for number in range(9):
            pixels = np.roll(_PHOTO, number, axis=1)
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return file.getvalue()


def _zip(members: dict[str, bytes], kind: int = zipfile.ZIP_STORED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", kind) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return file.getvalue()


def _zip_link() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        link = zipfile.ZipInfo("a.png")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
    return file.getvalue()


def _tar(name: str = "a.png", **fields: object) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as tar:
        member = tarfile.TarInfo(name)
        for field, value in fields.items():
            setattr(member, field, value)
        tar.fileobj.write(member.tobuf(tarfile.USTAR_FORMAT))
    return file.getvalue()


def _npz(values: dict[str, np.ndarray]) -> bytes:
    file = io.BytesIO()
    np.savez(file, **values)
    return file.getvalue()
