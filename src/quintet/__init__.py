"""quintet: five trading systems, one deterministic engine, four worlds."""

from quintet import _kernel_cache

__version__ = "0.1.0"

_kernel_cache.use()
