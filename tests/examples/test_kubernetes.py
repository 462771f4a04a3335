"""The training job: TF_CONFIG of each pod, made as Kubernetes makes it."""

import pathlib
import re

import pytest
import yaml

from crossnet_tf import cli, train
from crossnet_tf.config import Config
from crossnet_tf.training import cluster

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "examples/kubernetes"
INDEX = "metadata.annotations['batch.kubernetes.io/job-completion-index']"


@pytest.fixture
def service():
    return _documents()["Service"]


@pytest.fixture
def job():
    return _documents()["Job"]


def _documents() -> dict[str, dict]:
    text = (FOLDER / "train.yaml").read_text("utf-8")
    return {one["kind"]: one for one in yaml.safe_load_all(text)}


def _container(job: dict) -> dict:
    (container,) = job["spec"]["template"]["spec"]["containers"]
    return container


def _environment(job: dict, index: int) -> dict[str, str]:
    """As the kubelet expands it: $(NAME) of variables that came before."""
    found: dict[str, str] = {}
    for variable in _container(job)["env"]:
        if "valueFrom" in variable:
            reference = variable["valueFrom"]["fieldRef"]["fieldPath"]
            assert reference == INDEX
            found[variable["name"]] = str(index)
            continue
        found[variable["name"]] = re.sub(
            r"\$\((\w+)\)",
            lambda match: found.get(match[1], match[0]),
            variable["value"],
        )
    return found


def test_each_pod_gets_its_own_tf_config(job, service, monkeypatch):
    spec = job["spec"]
    count = spec["completions"]
    assert spec["completionMode"] == "Indexed"
    assert spec["parallelism"] == count == 2
    name, subdomain = job["metadata"]["name"], service["metadata"]["name"]
    (port,) = service["spec"]["ports"]
    for index in range(count):
        environment = _environment(job, index)
        monkeypatch.setenv("TF_CONFIG", environment["TF_CONFIG"])
        found = cluster.read_cluster()
        assert found.worker == index
        assert found.addresses == tuple(
            f"{name}-{number}.{subdomain}:{port['port']}"
            for number in range(count)
        )


def test_pods_have_the_names_that_tf_config_says(job, service):
    """A pod's name is JOB-INDEX.SUBDOMAIN if a headless service has it."""
    pod = job["spec"]["template"]["spec"]
    assert service["spec"]["clusterIP"] == "None"
    assert service["spec"]["publishNotReadyAddresses"]
    assert pod["subdomain"] == service["metadata"]["name"]
    assert service["spec"]["selector"] == {"job-name": job["metadata"]["name"]}
    (port,) = _container(job)["ports"]
    assert port["containerPort"] == service["spec"]["ports"][0]["port"]


def test_flags_are_those_of_the_command(job):
    container = _container(job)
    assert container["command"] == ["crossnet", "train"]
    seen: list[Config] = []

    def note() -> None:
        seen.append(cli.config_from_flags(train.FLAGS))

    with pytest.raises(SystemExit) as ended:
        cli.run(note, train.FLAGS, ["train", *container["args"]])
    assert ended.value.code == 0
    (config,) = seen
    assert config.train.strategy == "multi_worker"
    assert config.data.batch_size % job["spec"]["completions"] == 0
    mounts = {mount["mountPath"] for mount in container["volumeMounts"]}
    assert config.data.data_dir in mounts
    assert str(pathlib.PurePath(train.RUN_DIR.value).parent) in mounts


def test_a_lost_worker_does_not_end_the_job(job):
    spec, pod = job["spec"], job["spec"]["template"]["spec"]
    # Exit code 1 of the others counts, evictions do not.
    assert spec["backoffLimit"] >= 10
    assert pod["restartPolicy"] == "Never"  # which the policy needs
    rules = {rule["action"]: rule for rule in spec["podFailurePolicy"]["rules"]}
    (condition,) = rules["Ignore"]["onPodConditions"]
    # Older Kubernetes refuses a condition without a status, in quotes.
    assert condition == {"type": "DisruptionTarget", "status": "True"}
    codes = rules["FailJob"]["onExitCodes"]
    assert codes["containerName"] == _container(job)["name"]
    assert codes["values"] == [cli.outcome.WRONG_FLAGS]
    assert pod["terminationGracePeriodSeconds"] >= 60
