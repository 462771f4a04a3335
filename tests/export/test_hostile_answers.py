"""Two hundred answers that are wrong somewhere: a picture, or one line."""

import base64
import json
import random
import time
import tracemalloc

import numpy as np
import pytest
from odd_servers import answering, answering_grpc
from serving_export import pair

from crossnet_tf.export.remote import (
    connecting,
    messages,
    photos,
    transport,
    upscaler,
)
from crossnet_tf.export.remote.failures import RequestError

LR, REF = (image[0] for image in pair(8, 12))
SIGNATURES = ("encoded", "uint8", "serving_default")
MAX_SECONDS = 2
"""Of computing, of one answer; the server's share is in it."""
_ODD = (
    None, True, -1, 1e308, 10**40, "", "\x1b[31m", [], [[]], {}, {"b64": 7},
    {"b64": "%%"}, float("nan"), "9" * 10**5, [1] * 10**5,
)  # fmt: skip


def _right(signature):
    """The output that the client hopes for."""
    if signature == "encoded":
        return [photos.encode(REF)]
    if signature == "uint8":
        return REF[None]
    return np.float32(REF[None]) / 255


def _mangled(data: bytes, chance: random.Random) -> bytes:
    """Cut, doubled, or with other bytes."""
    changed = bytearray(data)
    kind = chance.randrange(4)
    if kind == 0:
        return data[: chance.randrange(len(data))]
    if kind == 1:
        return data * 2
    for _ in range(chance.choice((1, 3, 100))):
        changed[chance.randrange(len(data))] = chance.randrange(256)
    return bytes(changed)


def _grpc(signature: str, chance: random.Random) -> bytes:
    response = messages.PredictResponse()
    proto = messages.to_proto(_right(signature))
    if proto.string_val and chance.random() < 0.7:
        proto.string_val[0] = _mangled(proto.string_val[0], chance)
    if chance.random() < 0.4:
        dims = proto.tensor_shape.dim
        dims[chance.randrange(len(dims))].size = chance.choice(
            (-1, 0, 1, 2**31, 2**62)
        )
    if chance.random() < 0.2:
        proto.dtype = chance.randrange(24)
    response.outputs[chance.choice(("sr", "a", ""))].CopyFrom(proto)
    data = response.SerializeToString()
    return _mangled(data, chance) if chance.random() < 0.4 else data


def _rest(signature: str, chance: random.Random) -> bytes:
    value = _right(signature)
    if signature == "encoded":
        picture = _mangled(value[0], chance)
        columns = [{"b64": base64.b64encode(picture).decode()}]
    else:
        columns = value.tolist()
        row = columns[0][chance.randrange(len(REF))]
        row[chance.randrange(len(row))] = chance.choice(_ODD)
    if chance.random() < 0.3:
        columns = chance.choice(_ODD)
    body = json.dumps({chance.choice(("outputs", "a")): columns}).encode()
    if chance.random() < 0.4:
        body = _mangled(body, chance)
    head = f"HTTP/1.1 {chance.choice((200, 200, 200, 404, 500, 999))} X\r\n"
    head += f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    data = head.encode() + body
    return _mangled(data, chance) if chance.random() < 0.1 else data


def _survives(where: str, signature: str) -> bool:
    """Whether a picture came; all else must be an error of one short line."""
    limit = upscaler.answer_limit(signature, REF.shape[0] * REF.shape[1])
    way = connecting.connect(
        transport.Target(where, retries=0, timeout=10, max_answer=limit)
    )
    start = time.process_time()
    tracemalloc.start()
    try:
        sr = upscaler.ask(way, signature, LR, REF)
        assert (sr.shape, sr.dtype) == (REF.shape, np.uint8)
        return True
    except RequestError as error:
        assert str(error).isprintable()  # noqa: PT017
        assert len(str(error)) < 600  # noqa: PT017
        return False
    finally:
        way.close()
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 40 * limit
        assert time.process_time() - start < MAX_SECONDS


def _bombard(count: int, make, serve) -> None:
    chance = random.Random(0)
    kinds = [SIGNATURES[number % 3] for number in range(count)]
    answers = [make(kind, chance) for kind in kinds]
    with serve(*answers) as (where, requests):
        right = [_survives(where, kind) for kind in kinds]
        assert len(requests) == count
    assert sum(right) < count / 2


@pytest.mark.parametrize(
    "count", [8, pytest.param(100, marks=pytest.mark.slow)]
)
@pytest.mark.parametrize(
    ("make", "serve"), [(_rest, answering), (_grpc, answering_grpc)]
)
def test_hostile_answers_reject(count, make, serve):
    _bombard(count, make, serve)
