"""The dependency injection container, the only place that knows adapters.

One module per capability declares its providers; :mod:`entrypoints.container.root` joins them.
"""

from entrypoints.container.root import Container
from entrypoints.container.running import running, serving

__all__ = ["Container", "running", "serving"]
