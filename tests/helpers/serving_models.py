"""Versions of models: found by polling, warmed up, swapped, given out.

As TensorFlow Serving's AvailabilityPreservingPolicy (server.cc): a version
goes only when its successor has taken over, and a version that cannot be
loaded changes nothing. A test double, see `serving_predict`.
"""

import contextlib
import pathlib
import struct
import threading
import time
import traceback

import official_messages as official
import serving_predict
import serving_runtime

with official.importable():
    from tensorflow_serving.apis import prediction_log_pb2
    from tensorflow_serving.config import model_server_config_pb2

_WARMUP = pathlib.Path("assets.extra", "tf_serving_warmup_requests")
START, LOADING, AVAILABLE, END = 10, 20, 30, 50


class _Version:
    def __init__(self, path: pathlib.Path):
        self.path, self.state, self.error = path, LOADING, ""
        self.model, self.users = None, 0
        self.num_warmed_up = 0


class Models:
    """All models of a server, kept up to date by a thread."""

    def __init__(
        self,
        config: model_server_config_pb2.ModelServerConfig,
        poll_seconds: float,
        threads: int = 0,
    ):
        self._configs = {c.name: c for c in config.model_config_list.config}
        self._versions: dict[str, dict[int, _Version]] = {
            name: {} for name in self._configs
        }
        self._threads = threads
        self._lock = threading.Condition()
        self._stopped = threading.Event()
        self.poll()
        self._thread = threading.Thread(
            target=self._poll_forever, args=[poll_seconds], daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        self._thread.join()

    def _poll_forever(self, seconds: float) -> None:
        while not self._stopped.wait(seconds):
            self.poll()

    def poll(self) -> None:
        """Loads what the policies ask for, then lets the others go."""
        for name, config in self._configs.items():
            aspired = _aspired(config)
            known = self._versions[name]
            for number in sorted(aspired - set(known)):
                version = _Version(pathlib.Path(config.base_path, str(number)))
                with self._lock:
                    known[number] = version
                self._load(version)
            available = self._available(name)
            if available & aspired:
                for number in available - aspired:
                    self._unload(known[number])

    def num_warmed_up(self) -> dict[str, int]:
        """Warm-up requests that each model has answered."""
        return {
            name: sum(version.num_warmed_up for version in versions.values())
            for name, versions in self._versions.items()
        }

    def _load(self, version: _Version) -> None:
        try:
            model = serving_runtime.SavedModel(version.path, self._threads)
            version.num_warmed_up = _warm_up(model, version.path)
        except Exception as error:
            traceback.print_exc()
            version.state, version.error = END, str(error)
            return
        with self._lock:
            version.model, version.state = model, AVAILABLE

    def _unload(self, version: _Version) -> None:
        with self._lock:
            version.state = END
            self._lock.wait_for(lambda: not version.users)
            model, version.model = version.model, None
        model.close()

    def _available(self, name: str) -> set[int]:
        versions = self._versions.get(name, {})
        return {n for n, v in versions.items() if v.state == AVAILABLE}

    @contextlib.contextmanager
    def use(self, spec):
        """The version number and SavedModel that a ModelSpec means.

        ServableRequestFromModelSpec of server_core.cc, and
        GetUntypedServableHandle of basic_manager.cc.
        """
        with self._lock:
            number = self._find(spec)
            version = self._versions[spec.name][number]
            version.users += 1
        try:
            yield number, version.model
        finally:
            with self._lock:
                version.users -= 1
                self._lock.notify_all()

    def _find(self, spec) -> int:
        if not spec.name:
            raise serving_predict.invalid("ModelSpec has no name specified.")
        available = self._available(spec.name)
        choice = spec.WhichOneof("version_choice")
        if choice is None:
            if available:
                return max(available)
            raise serving_predict.not_found(
                f"Servable not found for request: Latest({spec.name})"
            )
        number = spec.version.value
        if choice == "version_label":
            number = self._labels(spec.name).get(spec.version_label)
            if number is None:
                raise serving_predict.invalid(
                    f"Unrecognized servable version label: {spec.version_label}"
                )
        if number not in available:
            raise serving_predict.not_found(
                "Servable not found for request: "
                f"Specific({spec.name}, {number})"
            )
        return number

    def _labels(self, name: str) -> dict[str, int]:
        config = self._configs.get(name)
        return dict(config.version_labels) if config else {}

    def status(self, spec) -> list[tuple[int, int, str]]:
        """Number, state and error of versions; get_model_status_impl.cc."""
        versions = self._versions.get(spec.name, {})
        if spec.HasField("version"):
            number = spec.version.value
            if number not in versions:
                raise serving_predict.not_found(
                    f"Could not find version {number} of model {spec.name}"
                )
            versions = {number: versions[number]}
        if not versions:
            raise serving_predict.not_found(
                f"Could not find any versions of model {spec.name}"
            )
        return [
            (number, version.state, version.error)
            for number, version in sorted(versions.items())
        ]


def _aspired(config) -> set[int]:
    """The numbered folders that the version policy picks."""
    folder = pathlib.Path(config.base_path)
    numbers = {
        int(path.name)
        for path in folder.iterdir()
        if path.name.isdigit() and path.is_dir()
    }
    policy = config.model_version_policy
    kind = policy.WhichOneof("policy_choice")
    if kind == "all":
        return numbers
    if kind == "specific":
        return numbers & set(policy.specific.versions)
    count = policy.latest.num_versions or 1
    return set(sorted(numbers)[-count:])


def _warm_up(model: serving_runtime.SavedModel, path: pathlib.Path) -> int:
    """Replays the records; saved_model_warmup.cc. Returns their number."""
    records = read_records(path / _WARMUP)
    for record in records:
        log = prediction_log_pb2.PredictionLog.FromString(record)
        serving_predict.predict(model, log.predict_log.request)
    return len(records)


def read_records(path: pathlib.Path) -> list[bytes]:
    """TFRecords: length, its checksum, data, its checksum."""
    data = path.read_bytes() if path.exists() else b""
    records, place = [], 0
    while place < len(data):
        (length,) = struct.unpack_from("<Q", data, place)
        records.append(data[place + 12 : place + 12 + length])
        place += 16 + length
    return records


def wait_until(condition, seconds: float = 300.0) -> None:
    """Polls `condition` in tests; fails after `seconds`."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)
