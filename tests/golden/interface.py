"""The OpenAPI document, the metrics and the error codes, each as a golden file's text."""

from __future__ import annotations

from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from tests.golden import collect
from tests.golden.files import as_json, as_lines


def golden_files() -> dict[str, str]:
    """Return the text of each file."""
    return {
        "openapi.json": openapi(),
        "metrics.json": metrics(),
        "error_codes.txt": error_codes(),
    }


def openapi() -> str:
    """Return the document without the version of the service."""
    document = collect.openapi()
    assert document["info"]["version"] == collect.VERSION
    document["info"]["version"] = "<version>"
    return as_json(document)


def metrics() -> str:
    """Return type, help, labels, sample names and buckets of each metric, by its name."""
    found: dict[str, dict[str, Any]] = {}
    for family in text_string_to_metric_families(collect.metrics()):
        if not family.name.startswith("backend_"):
            continue  # process_… and python_…, which differ between platforms
        labels = {label for sample in family.samples for label in sample.labels}
        buckets = [sample.labels["le"] for sample in family.samples if "le" in sample.labels]
        assert family.samples, f"{family.name} has no sample, which would tell its labels."
        found[family.name] = {
            "type": family.type,
            "help": family.documentation,
            "labels": sorted(labels - {"le"}),
            "samples": sorted({sample.name for sample in family.samples}),
            **({"buckets": buckets} if buckets else {}),
        }
    return as_json(found)


def error_codes() -> str:
    """Return a line for each error code and status, with the headers that are sent besides."""
    return as_lines(
        " ".join((code, str(status), *headers))
        for code, status, headers in collect.error_responses()
    )
