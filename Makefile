# Sets up .venv once and runs the project's jobs in it; `make` lists them.
#
# Variables: PYTHON=/path/to/python (3.11 to 3.13) makes .venv with that one;
# ARGS="tests/ops/test_warp.py -m slow" goes to pytest; EXTRAS=cpu,train is what
# a new .venv gets of pyproject.toml's extras, instead of all that tests need.

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/installed
PINS := requirements.txt
EXTRAS ?= test
DATA_DIR := build/data
PIP_INSTALL := -m pip install -qq --disable-pip-version-check --no-input

# The first interpreter of a fitting version, or nothing.
FITS := import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))
CANDIDATES := python3 python3.13 python3.12 python3.11
PYTHON ?= $(firstword $(foreach name,$(CANDIDATES),\
	$(shell $(name) -c '$(FITS)' 2>/dev/null && echo $(name))))

# Its protoc is that of protobuf 6.31, the oldest that pyproject.toml allows:
# what it writes works with that and with all newer ones.
PROTO_VENV := .venv-proto
PROTO_TOOLS := grpcio-tools==1.74.0
MESSAGES := export/remote/crossnet_serving

# TensorFlow 2.15, the newest that tensorflow-addons works with, ends at 3.11.
TFA_VENV := .venv-tfa
TFA_STAMP := $(TFA_VENV)/installed
TFA_PYTHON ?= python3.11

export TF_CPP_MIN_LOG_LEVEL ?= 2

.DEFAULT_GOAL := help
.PHONY: help install demo web-demo quickstart claims test serve-test lint docs format
.PHONY: messages warp-golden clean
.DELETE_ON_ERROR:

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' \
		$(firstword $(MAKEFILE_LIST))

install: $(STAMP) ## Make .venv with the pinned packages

demo: $(STAMP) ## Super-resolve a real stereo pair with the shipped weights
	@$(BIN)/python -m crossnet_tf.demo --output_dir=runs/demo

# Weights that ship; the smaller, the sooner a browser has them.
WEB_MODEL ?= crossnet-quick-x4
WEB := build/web
WEB_RUNTIME := $(WEB)/npm/node_modules/onnxruntime-web

web-demo: $(STAMP) $(WEB)/$(WEB_MODEL).onnx $(WEB)/npm/installed ## Make a page that runs in the browser
	@$(BIN)/python -m export.web_page --onnx=$(WEB)/$(WEB_MODEL).onnx \
		--runtime_dir=$(WEB_RUNTIME) --name=$(WEB_MODEL) \
		--output_dir=build/web-demo

$(WEB)/%.onnx: | $(STAMP)
	@mkdir -p $(WEB)
	@rm -rf $(WEB)/$*
	@$(BIN)/python -m export.saved_model --weights=$* --output_dir=$(WEB)/$*/1
	@$(BIN)/python -m export.onnx --saved_model_dir=$(WEB)/$*/1 --output=$@

# npm ci compares what it gets with the checksums in package-lock.json.
$(WEB)/npm/installed: export/web/package.json export/web/package-lock.json
	@command -v npm >/dev/null || \
		{ echo "No npm found. Install it (Debian and Ubuntu: apt install npm)." >&2; exit 1; }
	@mkdir -p $(@D)
	@cp $^ $(@D)
	@npm ci --prefix $(@D) --ignore-scripts --no-audit --no-fund --silent
	@touch $@

quickstart: $(STAMP) ## Train for some minutes, then the demo with the result
	$(BIN)/tfds build data/synthetic_lf --config=default --data_dir=$(DATA_DIR)
	$(BIN)/python -m crossnet_tf.train --flagfile=flags/quickstart.cfg \
		--data_dir=$(DATA_DIR) --run_dir=runs/quickstart
	@$(BIN)/python -m crossnet_tf.demo --run_dir=runs/quickstart \
		--output_dir=runs/quickstart/demo

# Each run goes on where it was cut off; finished ones are left as they are.
# CLAIMS_ARGS="--num_steps=500" trains pictures for so long only. CrossNet and
# what shares parts with it learn alike: from the same flow, equally long.
CLAIMS := runs/claims
TRAIN = $(BIN)/python -m crossnet_tf.train --data_dir=$(DATA_DIR)
ALIKE = $(TRAIN) --flagfile=flags/claims.cfg $(CLAIMS_ARGS)
ALIGN = $(TRAIN) --flagfile=flags/crossnet_flow.cfg $(FLOW_ARGS)
SINGLE := srcnn vdsr mdsr
SHARING := crossnet crossnet_iw crossnet_iw_p ss_net flownet_s

claims: $(STAMP) ## Train all that the paper compares (days), and its table
	$(BIN)/tfds build data/synthetic_lf --config=default --data_dir=$(DATA_DIR)
	for system in $(SINGLE); do $(ALIKE) --system=$$system --scale=4 \
		--run_dir=$(CLAIMS)/$${system}_x4 || exit; done
	$(ALIGN) --run_dir=$(CLAIMS)/flow
	$(ALIGN) --system=flownet_s --init_from=$(CLAIMS)/flow --init_fitting \
		--phases=coarse_flow --phase_steps= --phase_factors= \
		--run_dir=$(CLAIMS)/flow_of_flownet_s
	for system in $(SHARING); do from=flow; \
		[ $$system != flownet_s ] || from=flow_of_flownet_s; \
		for scale in 4 8; do run=$${system}_x$$scale; \
		$(ALIKE) --system=$$system --scale=$$scale --run_dir=$(CLAIMS)/$$run \
			--init_from=$(CLAIMS)/$$from --init_fitting || exit; \
		from=$$run; done; done
	$(BIN)/python -m crossnet_tf.evaluate --methods=claims:$(CLAIMS) \
		--dataset=synthetic_lf --data_dir=$(DATA_DIR) --views=1,7 \
		--scales=4,8 --report_dir=reports/claims

test: $(STAMP) ## Run the tests (ARGS="-m slow" for the slow ones)
	@$(BIN)/python -m pytest -n 2 $(ARGS)

serve-test: $(STAMP) ## Ask a real TensorFlow Serving the serving tests
	@command -v tensorflow_model_server >/dev/null || \
		command -v docker >/dev/null || \
		{ echo "No tensorflow_model_server on PATH and no docker." >&2; exit 1; }
	@SERVING=real $(BIN)/python -m pytest \
		tests/export/test_serving.py tests/export/test_client.py $(ARGS)

lint: $(STAMP) ## Check style, format, rooms and types
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/lint-imports
	@$(BIN)/mypy

docs: $(STAMP) ## Make API pages from the docstrings, in build/docs
	@$(BIN)/python docs/build_api.py

format: $(STAMP) ## Rewrite the Python files in the project's format
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

messages: ## Write the client's message classes from their .proto file
	@test -d $(PROTO_VENV) || $(PYTHON) -m venv $(PROTO_VENV)
	@$(PROTO_VENV)/bin/python $(PIP_INSTALL) $(PROTO_TOOLS)
	@cd $(dir $(MESSAGES)) && $(CURDIR)/$(PROTO_VENV)/bin/python \
		-m grpc_tools.protoc -I. --python_out=. --pyi_out=. \
		$(notdir $(MESSAGES)).proto

warp-golden: $(TFA_STAMP) ## Compute tests/golden/warp.npz with TF Addons
	@TF_CPP_MIN_LOG_LEVEL=3 $(TFA_VENV)/bin/python -W ignore \
		tests/golden/make_warp_golden.py

clean: ## Remove what these targets made, except runs/
	rm -rf $(VENV) $(TFA_VENV) $(PROTO_VENV) build dist *.egg-info .pytest_cache .ruff_cache
	rm -rf .mypy_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Checks an interpreter; $(1) is the command, $(2) what it must be.
define check_python
	@command -v "$(1)" >/dev/null || \
		{ echo "No $(2) found. Install it or name it: make $(3)=/path/to/python" >&2; exit 1; }
	@$(1) -c 'import venv, ensurepip' 2>/dev/null || \
		{ echo "$(1) has no venv module. Install it (Debian and Ubuntu: apt install python3-venv)." >&2; exit 1; }
endef

$(STAMP): $(PINS) pyproject.toml setup.py
	$(call check_python,$(PYTHON),Python 3.11 to 3.13,PYTHON)
	@$(PYTHON) -c '$(FITS)' || \
		{ echo "PYTHON must be Python 3.11 to 3.13. Received: $(PYTHON)" >&2; exit 1; }
	@echo "Installing pinned packages into $(VENV), once (3 GB on disk) ..."
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python $(PIP_INSTALL) -c $(PINS) -e '.[$(EXTRAS)]'
	@touch $@

$(TFA_STAMP): requirements-tfa.txt
	$(call check_python,$(TFA_PYTHON),Python 3.11,TFA_PYTHON)
	@echo "Installing TensorFlow Addons into $(TFA_VENV), once ..."
	@$(TFA_PYTHON) -m venv $(TFA_VENV)
	@$(TFA_VENV)/bin/python $(PIP_INSTALL) -r requirements-tfa.txt
	@touch $@
