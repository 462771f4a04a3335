"""Hooks and workflows call what there is, with the project's own versions."""

import pathlib
import re

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
WORKFLOW = ROOT / ".github" / "workflows" / "checks.yml"


def _load(path: pathlib.Path) -> dict:
    return yaml.safe_load(path.read_text("utf-8"))


def _steps(job: str) -> list[str]:
    return [
        s["run"] for s in _load(WORKFLOW)["jobs"][job]["steps"] if "run" in s
    ]


def test_workflow_covers_systems_and_newest_versions():
    jobs = _load(WORKFLOW)["jobs"]
    systems = {
        s.split("-")[0] for s in jobs["test"]["strategy"]["matrix"]["os"]
    }
    assert systems == {"ubuntu", "macos", "windows"}
    assert "make lint" in _steps("lint")
    assert any("-c requirements.txt" in step for step in _steps("test"))
    assert not any("requirements.txt" in step for step in _steps("newest"))
    assert any("--upgrade-strategy eager" in step for step in _steps("newest"))


def test_make_has_the_targets_that_workflows_call():
    targets = re.findall(r"(?m)^([a-z-]+):", (ROOT / "Makefile").read_text())
    called = {
        step.split()[1]
        for job in _load(WORKFLOW)["jobs"]
        for step in _steps(job)
        if step.startswith("make ")
    }
    assert called
    assert called <= set(targets)


def test_hooks_are_local_and_run_the_pinned_tools():
    config = _load(ROOT / ".pre-commit-config.yaml")
    assert [repo["repo"] for repo in config["repos"]] == ["local"]
    pins = (ROOT / "requirements.txt").read_text()
    for hook in config["repos"][0]["hooks"]:
        program, *arguments = hook["entry"].split()
        assert program.startswith(".venv/bin/")
        if program.endswith("python"):
            assert (ROOT / arguments[0]).exists()
        else:
            tool = {"lint-imports": "import-linter"}
            name = pathlib.Path(program).name
            assert f"\n{tool.get(name, name)}==" in pins
