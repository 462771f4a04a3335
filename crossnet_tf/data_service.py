"""Decodes and cuts crops for trainings on other machines.

    crossnet data_service --port=5050 --address=decoder0
    crossnet train --data_service=decoder0:5050 --dataset=flower ...

The machine must see prepared data under the same path as the one that trains
(a shared disk), and needs no GPU. Several services share every batch; the
samples stay the same as without. Ends on Ctrl-C or SIGTERM. Whoever reaches
the port can have it compute: only for networks of your own.
"""

import os
import signal
import socket
import threading

from absl import flags

from crossnet_tf import cli

FLAGS = cli.define_flags()
PORT = flags.DEFINE_integer(
    "port",
    5050,
    "Where trainings connect to.",
    lower_bound=1,
    upper_bound=65535,
    flag_values=FLAGS,
)
ADDRESS = flags.DEFINE_string(
    "address",
    "",
    "Name or number of this machine, as trainings reach it; empty: its host "
    "name.",
    flag_values=FLAGS,
)


def main() -> None:
    """Serves until a signal comes."""
    _check_free(PORT.value)
    import tensorflow as tf

    service = tf.data.experimental.service
    name = ADDRESS.value or socket.gethostname()
    # They serve as long as they are referred to.
    _dispatcher = service.DispatchServer(
        service.DispatcherConfig(port=PORT.value)
    )
    _worker = service.WorkerServer(
        service.WorkerConfig(
            dispatcher_address=f"localhost:{PORT.value}",
            worker_address=f"{name}:%port%",
        )
    )
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, frame: ended.set())
    print(f"Serving crops: --data_service={name}:{PORT.value}", flush=True)
    ended.wait()
    # Stopping them would wait for what they make for trainings that have
    # gone, up to minutes; nothing of it is to be kept.
    os._exit(0)


def _check_free(port: int) -> None:
    """TensorFlow would print a page, and end."""
    try:
        socket.create_server(("", port)).close()
    except OSError as error:
        raise OSError(
            f"`port` must be free. Received: port={port} ({error.strerror})."
        ) from error


if __name__ == "__main__":
    cli.run(main, FLAGS)
