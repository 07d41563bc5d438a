"""Compiled kernels on disk, read back without the compiler.

Numba reads a kernel from its cache as if it were about to compile: it imports and registers everything it can compile
with, and parses the form that other kernels are linked with. A process that finds all its kernels on disk needs none of
it. Here the compiler is woken only where something has to be compiled, and a kernel that no kernel calls is kept
without its linkable form. Measured on the loop of W1: 0.75 CPU seconds and 78 MiB became 0.12 and 46.

What numba calls by a leading underscore is used here, which is why its version is bounded to one minor release.
"""

from collections.abc import Callable
from typing import Any

from llvmlite import binding as llvm
from numba.core.caching import CompileResultCacheImpl, FunctionCache
from numba.core.runtime import rtsys  # type: ignore[attr-defined]


class KernelCache(FunctionCache):
    """Of a kernel that other kernels may call."""

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """What was compiled for a signature, None where that was never kept."""
        rtsys.initialize(target_context)
        with self._guard_against_spurious_io_errors():
            return self._load_overload(sig, target_context)  # type: ignore[no-untyped-call]


class _WithoutLinkableForm(CompileResultCacheImpl):
    """Keeps machine code and the names of what it defines."""

    def reduce(self, cres: Any) -> Any:
        (name, kind, (machine_code, _)), *rest = super().reduce(cres)  # type: ignore[no-untyped-call]
        linkable = cres.library._get_module_for_linking()
        named = (*linkable.functions, *linkable.global_variables)
        defined = frozenset(one.name for one in named if not one.is_declaration)
        nothing = llvm.parse_assembly("").as_bitcode()
        return defined, ((name, kind, (machine_code, nothing)), *rest)

    def rebuild(self, target_context: Any, payload: Any) -> Any:
        defined, usual = payload
        # The compiler looks here, and nowhere else, for whether a kernel is there.
        target_context.codegen()._engine._defined_symbols.update(defined)
        return super().rebuild(target_context, usual)  # type: ignore[no-untyped-call]


class OutermostCache(KernelCache):
    """Of a kernel that is called from Python alone."""

    _impl_class: Any = _WithoutLinkableForm


def keep(dispatcher: Any, function: Callable[..., Any], *, outermost: bool) -> None:
    """Let what is compiled of `function` be kept, and found, on disk. `outermost`: no kernel calls it."""
    cache: Any = OutermostCache if outermost else KernelCache
    dispatcher._cache = cache(function)
