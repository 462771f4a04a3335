"""Times one training step on several devices of this machine.

    python docs/measure_devices.py

prints the tables of docs/performance.md, "Several devices": preset `lite` on
1, 2 and 4 parts of the CPU, on one in parts of a batch, and in two processes
over loopback, always with the same batch; and what it costs to exchange
gradients of several sizes. All parts share the machine's processors, so that
none can be faster than one: what is missing is the price of dividing.
"""

import dataclasses
import json
import multiprocessing
import os
import socket
import statistics
import sys
import time
from typing import Any

BATCH, SIDE, STEPS = 8, 128, 8
MEGABYTES = (1, 36, 144)
ROWS = {
    "one device": {},
    "two parts of a batch, one after the other": {"grad_accumulation": 2},
    "two logical devices": {"devices": 2},
    "four logical devices": {"devices": 4},
    "two workers": {"workers": 2},
}


def main() -> None:
    """Measures and prints."""
    lines = [
        "| how | seconds | range | CPU seconds |",
        "| --- | ---: | --- | ---: |",
    ]
    for name, how in ROWS.items():
        found = _measure(_train, how)
        times = found[0]["times"]
        cpu = sum(one["cpu"] for one in found)
        lines.append(
            f"| {name} | {statistics.median(times):.2f} "
            f"| {min(times):.2f}-{max(times):.2f} | {cpu:.2f} |"
        )
        print(lines[-1], file=sys.stderr, flush=True)
    lines += [
        "",
        "| exchanged | seconds | CPU seconds |",
        "| ---: | ---: | ---: |",
    ]
    for size in MEGABYTES:
        found = _measure(_exchange, {"workers": 2, "megabytes": size})
        cpu = sum(one["cpu"] for one in found)
        seconds = min(found[0]["times"])
        lines.append(f"| {size} MB | {seconds:.3f} | {cpu:.3f} |")
    print("\n".join(lines))


def _measure(call: Any, how: dict) -> list[dict]:
    """What each process measured."""
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    context = multiprocessing.get_context("spawn")
    count, queue = how.get("workers", 1), context.Queue()
    tasks = _tasks(count) if count > 1 else [""]
    processes = [
        context.Process(target=call, args=(how, task, queue)) for task in tasks
    ]
    for process in processes:
        process.start()
    found = [queue.get() for _ in processes]
    for process in processes:
        process.join()
    return sorted(found, key=lambda one: one["worker"])


def _tasks(count: int) -> list[str]:
    """TF_CONFIG of each process."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    workers = [f"127.0.0.1:{one.getsockname()[1]}" for one in sockets]
    for one in sockets:
        one.close()
    return [
        json.dumps(
            {
                "cluster": {"worker": workers},
                "task": {"type": "worker", "index": index},
            }
        )
        for index in range(count)
    ]


def _train(how: dict, task: str, queue: Any) -> None:
    """Some steps on pictures of noise."""
    import keras
    import tensorflow as tf

    from crossnet_tf.baselines.registry import build_model
    from crossnet_tf.training import step
    from crossnet_tf.training.optimizer import make_optimizer

    parts = how.get("devices", 1)
    config, where = _opened(how, task, parts)
    with where as devices:
        keras.utils.set_random_seed(0)
        with devices.strategy.scope():
            model = build_model(config.model)
            optimizer = make_optimizer(config.train)
            optimizer.build(model.trainable_variables)
            counter = tf.Variable(
                0,
                dtype=tf.int64,
                aggregation=tf.VariableAggregation.ONLY_FIRST_REPLICA,
            )
        local = devices.local_batch(config)
        take = step.TrainStep(
            config,
            step.Parts(model, optimizer, None, counter),
            devices.strategy,
            local,
        )
        lr = tf.random.uniform([local, SIDE // 4, SIDE // 4, 3], seed=1)
        hr, ref = (
            tf.random.uniform([local, SIDE, SIDE, 3], seed=s) for s in (2, 3)
        )
        batch = {"lr": lr, "ref": ref}, hr
        batches = iter(tf.data.Dataset.from_tensors(batch).repeat())
        _report(
            lambda: take(batches, tf.constant(1), False),
            devices.worker,
            queue,
        )


def _exchange(how: dict, task: str, queue: Any) -> None:
    """Sums of a tensor over all processes."""
    import tensorflow as tf

    _, where = _opened(how, task, 1)
    with where as devices:
        values = tf.ones([how["megabytes"] * 2**18])

        @tf.function
        def exchange() -> tf.Tensor:
            def summed() -> tf.Tensor:
                context = tf.distribute.get_replica_context()
                return context.all_reduce("SUM", values)[0]

            return devices.strategy.run(summed)

        _report(lambda: exchange(), devices.worker, queue)


def _opened(how: dict, task: str, parts: int) -> Any:
    """Settings and devices."""
    os.environ["TF_CONFIG"] = task
    import tensorflow as tf

    from crossnet_tf import config as config_lib
    from crossnet_tf.training import devices

    tf.config.set_logical_device_configuration(
        tf.config.list_physical_devices("CPU")[0],
        [tf.config.LogicalDeviceConfiguration()] * parts,
    )
    config = config_lib.Config(model=config_lib.model_config("lite"))
    config = dataclasses.replace(
        config,
        data=dataclasses.replace(
            config.data, batch_size=BATCH, crop_height=SIDE, crop_width=SIDE
        ),
        train=dataclasses.replace(
            config.train,
            strategy="auto" if task or parts > 1 else "one_device",
            grad_accumulation=how.get("grad_accumulation", 1),
        ),
    )
    names = [f"/cpu:{number}" for number in range(parts)] * (parts > 1)
    cluster = devices.find_cluster(config.train, names)
    return config, devices.opened(config, cluster, names)


def _report(call: Any, worker: int, queue: Any) -> None:
    """Wall and processor time of each call, after a first one."""
    call()
    times, before = [], time.process_time()
    for _ in range(STEPS):
        began = time.perf_counter()
        call()
        times.append(time.perf_counter() - began)
    cpu = (time.process_time() - before) / STEPS
    queue.put({"worker": worker, "times": times, "cpu": cpu})


if __name__ == "__main__":
    main()
