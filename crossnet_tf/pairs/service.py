"""Crops that other machines decode, over TensorFlow's data service.

    crossnet data_service --port=5050 --address=HOST     on each of them
    crossnet train --data_service=HOST:5050,OTHER:5050 ...

Each service makes its share of every batch: the samples are the same, and in
the same order, as without. (A service with several workers of its own would
deal samples out as they come, and a run could not go on exactly.) Pictures
that Python reads cannot be made elsewhere.

Reference: Audibert et al., "tf.data service: A Case for Disaggregating ML
Input Data Processing", SoCC 2023.
"""

import re
import socket
from collections.abc import Callable

import tensorflow as tf

from crossnet_tf.pairs.order import Place

_ADDRESS = re.compile(
    r"(?:grpc://)?(\[[0-9A-Fa-f:.]+\]|[^\s:/\[\]]+):(\d{1,5})"
)
_CONNECT_SECONDS = 5.0
_PYTHON = ("folder:", "warps:")


def check(services: tuple[str, ...], batch_size: int, place: Place) -> None:
    """Refuses services that cannot be used.

    Args:
        services: addresses.
        batch_size: samples in a batch of all processes.
        place: says how many processes share it.

    Raises:
        ValueError: an address is none, or the batch does not divide.
        OSError: a service does not answer.
    """
    shares = len(services) * place.num_workers
    if batch_size % shares:
        raise ValueError(
            "`batch_size` must be a multiple of the number of data services, "
            f"{len(services)}, times the number of workers, "
            f"{place.num_workers}. Received: batch_size={batch_size}."
        )
    for address in services:
        try:
            reach(address)
        except OSError as error:
            raise OSError(
                f"`data_service` must answer at {address}; start it with "
                f"`crossnet data_service`. Received: {error}."
            ) from error


def check_kind(dataset: str) -> None:
    """Refuses data that cannot be decoded elsewhere.

    Raises:
        ValueError: Python reads them.
    """
    if dataset.startswith(_PYTHON):
        raise ValueError(
            "`data_service` must be empty for pictures in folders, which "
            "Python reads; prepare them with `tfds build data/NAME` to decode "
            f"them elsewhere. Received: dataset={dataset!r}."
        )


def reach(address: str) -> None:
    """Tries whether something listens at an address.

    Raises:
        ValueError: it is none.
        OSError: nothing does.
    """
    match = _ADDRESS.fullmatch(address)
    if match is None or not 0 < int(match[2]) < 2**16:
        raise ValueError(
            "`data_service` must be HOST:PORT, several separated by commas. "
            f"Received: data_service={address!r}."
        )
    place = match[1].strip("[]"), int(match[2])
    socket.create_connection(place, _CONNECT_SECONDS).close()


def from_services(
    services: tuple[str, ...],
    place: Place,
    make: Callable[[Place], tf.data.Dataset],
) -> tf.data.Dataset:
    """Batches whose parts are made by the services.

    Args:
        services: addresses.
        place: where to begin, and this process's share.
        make: makes batches of a share; runs on the services.

    Returns:
        The batches that `make(place)` would yield.
    """
    count = len(services)
    parts = []
    for number, address in enumerate(services):
        share = Place(
            place.first,
            place.worker * count + number,
            place.num_workers * count,
        )
        host = address.removeprefix("grpc://")
        parts.append(
            make(share).apply(
                tf.data.experimental.service.distribute(
                    tf.data.experimental.service.ShardingPolicy.OFF,
                    f"grpc://{host}",
                )
            )
        )
    if count == 1:
        return parts[0]
    return tf.data.Dataset.zip(tuple(parts)).map(
        lambda *shares: tf.nest.map_structure(
            lambda *tensors: tf.concat(tensors, axis=0), *shares
        )
    )
