#!/bin/sh
# While an image is built (Dockerfile): puts what a role's lock names into /venv and that into /layer. environment.sh ROLE
set -eu
PYTHONPATH=/tools python3 -m pip --python /venv/bin/python3 install \
    --only-binary :all: --no-binary pyvips --no-build-isolation --no-compile --ignore-installed \
    --require-hashes -r "/locks/$1.txt" ${TRACES:+-r /locks/otel.txt}
python3 -m compileall -q --invalidation-mode unchecked-hash /venv/lib
mkdir /layer
mv /venv /layer
find /layer -exec touch --no-dereference --date=@0 {} +
