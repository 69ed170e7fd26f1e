"""Definitions of the kinds that other projects own, out of the Go modules in which they release them."""

import json
import os
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import yaml

from tests.chart.rendering import Object

MODULES = {
    "gateway.networking.k8s.io": ("sigs.k8s.io/gateway-api@v1.4.0", "config/crd/standard"),
    "keda.sh": ("github.com/kedacore/keda/v2@v2.21.0", "config/crd/bases"),
    "monitoring.coreos.com": (
        "github.com/prometheus-operator/prometheus-operator@v0.85.0",
        "example/prometheus-operator-crd",
    ),
}
"""The module that owns a group, and the folder in it that defines the group's kinds."""


def validate(thing: Object) -> None:
    """Raise when the API server would refuse the object, or drop a field of it: that is a typing error nobody sees."""
    group, _, version = thing["apiVersion"].partition("/")
    schema = _closed(_schema(group, version, thing["kind"]))
    schema["properties"]["metadata"] = {"type": "object"}
    jsonschema.Draft202012Validator(schema).validate(thing)


def definition(group: str, kind: str) -> Path:
    """Give the file that defines a kind."""
    module, folder = MODULES[group]
    return _fetched(module) / folder / f"{group}_{kind.lower()}s.yaml"


@cache
def _schema(group: str, version: str, kind: str) -> Object:
    defined = yaml.safe_load(definition(group, kind).read_text())
    (found,) = [one for one in defined["spec"]["versions"] if one["name"] == version]
    schema: Object = found["schema"]["openAPIV3Schema"]
    return schema


def _closed(schema: Any) -> Any:
    """Give the schema, refusing the fields that it does not name."""
    if isinstance(schema, list):
        return [_closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {key: _closed(value) for key, value in schema.items()}
    if schema.get("type") == "object" and isinstance(schema.get("properties"), dict):
        closed.setdefault("additionalProperties", bool(schema.get("x-kubernetes-preserve-unknown-fields")))
    return closed


@cache
def _fetched(module: str) -> Path:
    """Give the module's folder in Go's own cache."""
    command = ["go", "mod", "download", "-json", module]
    # Nothing is built, so it does not matter which Go the module wants.
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, "GOFLAGS": ""})
    if done.returncode:
        raise AssertionError(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}")
    return Path(json.loads(done.stdout)["Dir"])
