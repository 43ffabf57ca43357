#!/bin/sh
# Write requirements.lock (what the service runs with) and requirements-dev.lock (the same, and the tools) from
# setup.cfg, with uv in an environment of its own that is thrown away. Arguments go to uv: --upgrade.
set -eu

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder"
"$folder/bin/pip" install --quiet --quiet uv

compile() {
    "$folder/bin/uv" pip compile setup.cfg --quiet --python-version 3.11 --generate-hashes \
        --no-emit-index-url --no-annotate --no-header "$@"
}
compile --output-file requirements.lock "$@"
compile --extra dev --constraint requirements.lock --output-file requirements-dev.lock "$@"
