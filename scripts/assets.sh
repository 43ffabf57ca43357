#!/bin/sh
# Lay what the pages load into app/web/static/vendor, from the packages that package-lock.json names. Where the machine
# has no Node.js that is new enough for them, PyPI's goes into .venv first.
set -eu

vendor=app/web/static/vendor
new_enough='const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b > 18) ? 0 : 1)'

node_works() {
    command -v npm >/dev/null && node -e "$new_enough" 2>/dev/null
}

if ! node_works; then
    PATH="$PWD/.venv/bin:$PATH"
    node_works || {
        echo "Installing Node.js into .venv …"
        .venv/bin/pip install --quiet --quiet --require-hashes -r requirements-node.lock
    }
fi

echo "Fetching what the pages load …"
npm ci --loglevel=error >/dev/null
rm -rf "$vendor"
mkdir -p "$vendor/krds/img/component"
cd node_modules
cp htmx.org/dist/htmx.min.js uplot/dist/uPlot.iife.min.js uplot/dist/uPlot.min.css "../$vendor"
cp swagger-ui-dist/swagger-ui.css swagger-ui-dist/swagger-ui-bundle.js "../$vendor"
cp -R krds-uiux/resources/img/component/icon "../$vendor/krds/img/component"
for package in htmx.org uplot swagger-ui-dist; do
    cp "$package/LICENSE" "../$vendor/$package.LICENSE"
done
cd ..
# KRDS is written for an older Sass, which --quiet keeps from saying so at each line.
node_modules/.bin/sass --quiet --no-source-map --style=compressed --load-path=node_modules app/web/krds.scss "$vendor/krds.css"
