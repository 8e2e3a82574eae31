"""The processes that count together, as one."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Final

import attrs
from prometheus_client import ProcessCollector
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

_NOT_ADDED_UP: Final = {"process_start_time_seconds": max, "process_max_fds": min}


@attrs.frozen
class Workers(Collector):
    """Prometheus' ``process_…`` metrics: what all of ``folder``'s processes that live use.

    The start is that of the youngest; of files, as many may be open as one process may have.
    """

    folder: str

    def collect(self) -> Iterable[Metric]:
        """One metric of each kind."""
        found: dict[str, list[Metric]] = {}
        # Each counts in files of its own, such as histogram_4711.db.
        for pid in {file.stem.rpartition("_")[2] for file in Path(self.folder).glob("*.db")}:
            for metric in ProcessCollector(registry=None, pid=partial(str, pid)).collect():
                found.setdefault(metric.name, []).append(metric)
        for name, metrics in found.items():
            together = metrics[0]
            (sample,) = together.samples
            value = _NOT_ADDED_UP.get(name, sum)(metric.samples[0].value for metric in metrics)
            together.samples = [sample._replace(value=value)]
            yield together
