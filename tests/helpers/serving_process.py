"""Starts and stops the server that the tests ask.

`SERVING=real` takes `tensorflow_model_server` from PATH, or docker's
`tensorflow/serving`; otherwise it is the stand-in, `serving_server.py`. Both
get the same model configuration and are asked the same questions.
"""

import contextlib
import dataclasses
import json
import os
import pathlib
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator

from ports import free_port
from serving_models import wait_until

IMAGE = "tensorflow/serving:2.20.0"
IS_REAL = os.environ.get("SERVING") == "real"


@dataclasses.dataclass(frozen=True)
class Server:
    """A running server.

    Attributes:
        grpc: host:port.
        rest: http://host:port.
        pid: of its process.
        started: what the stand-in printed.
    """

    grpc: str
    rest: str
    pid: int
    started: dict

    def memory(self) -> int:
        """Resident bytes."""
        text = pathlib.Path(f"/proc/{self.pid}/status").read_text()
        (line,) = [x for x in text.splitlines() if x.startswith("VmRSS")]
        return int(line.split()[1]) * 1024

    def states(self, model: str) -> dict[int, str]:
        """State of each version, by REST."""
        url = f"{self.rest}/v1/models/{model}"
        with urllib.request.urlopen(url, timeout=10) as response:
            versions = json.load(response)["model_version_status"]
        return {int(v["version"]): v["state"] for v in versions}


@contextlib.contextmanager
def running(folder: pathlib.Path, *models: str, options=()) -> Iterator[Server]:
    """A server of the models `folder/<name>`, until the block ends."""
    config = folder / "models.config"
    config.write_text(
        "model_config_list {\n"
        + "".join(
            f'config {{ name: "{name}" base_path: "{folder / name}" '
            'model_platform: "tensorflow" }\n'
            for name in models
        )
        + "}\n"
    )
    start = _real if IS_REAL else _stand_in
    with start(config, models, options) as server:
        yield server


@contextlib.contextmanager
def _stand_in(config, models, options) -> Iterator[Server]:
    program = pathlib.Path(__file__).with_name("serving_server.py")
    command = [sys.executable, program, f"--model_config_file={config}"]
    log = config.with_suffix(".log")
    with (
        open(log, "w") as errors,
        subprocess.Popen(
            [*command, *options],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        ) as process,
    ):
        line = process.stdout.readline()
        assert line, log.read_text()
        started = json.loads(line)
        yield Server(
            f"localhost:{started['port']}",
            f"http://localhost:{started['rest_api_port']}",
            process.pid,
            started,
        )
        process.stdin.close()  # asks it to end
        process.wait(60)


@contextlib.contextmanager
def _real(config, models, options) -> Iterator[Server]:
    port, rest_port = free_port(), free_port()
    arguments = [
        f"--port={port}",
        f"--rest_api_port={rest_port}",
        f"--model_config_file={config}",
        "--file_system_poll_wait_seconds=1",
    ]
    command = ["tensorflow_model_server"]
    if not shutil.which(command[0]):
        folder = config.parent
        command = ["docker", "run", "--rm", "--network=host"]
        command += ["-v", f"{folder}:{folder}:ro", IMAGE]
    with subprocess.Popen([*command, *arguments]) as process:
        rest = f"http://localhost:{rest_port}"
        server = Server(f"localhost:{port}", rest, process.pid, {})

        def available() -> bool:
            try:
                return all(
                    "AVAILABLE" in server.states(m).values() for m in models
                )
            except (OSError, urllib.error.HTTPError):
                return False

        try:
            wait_until(available)
            yield server
        finally:
            process.terminate()
