"""The one compile decorator, and exp and log that have the same bits everywhere.

Every compiled function in quintet carries `@kernel`. Options are decided here once:
no fast-math (it may reorder sums and so change a hash), NumPy's error model (no hidden exceptions
in a loop: a divisor is checked where it is read), the on-disk cache, and no second entry for callers in C, of which
there are none and which takes a fourteenth of the time to compile.

`exp` and `log` are built from + - * / (formulas of the public fdlibm: argument reduction and a minimax
polynomial) and from `frexp` and `ldexp`, which only move the binary point, so that a float has the same bits
compiled, interpreted, and on any machine; each is within 1 ulp of the C library.
"""

import hashlib
import math
from collections.abc import Callable
from functools import cached_property, update_wrapper
from types import CodeType, FunctionType
from typing import Any, TypeVar, cast

from llvmlite import ir
from numba import config, njit, typeof, types
from numba.extending import intrinsic, overload

from quintet.core.kept_kernels import keep

F = TypeVar("F", bound=Callable[..., Any])


class Kernel:
    """A function that is compiled for the types of its arguments when it is first called, from Python or from a kernel.

    What the compiler keeps for a function takes a thousandth of a second to make. There are hundreds of kernels, and a
    process that finds its loop on disk calls few of them, so it is made when it is first asked for: by a call, or as
    the type of a name that another kernel calls.
    """

    def __init__(self, function: Callable[..., Any], *, outermost: bool = False, **options: Any) -> None:
        """`outermost`: called from Python alone, so that what is kept of it on disk is its machine code."""
        update_wrapper(self, function)
        self.py_func = function
        self._outermost = outermost
        self._options = {"error_model": "numpy", "no_cfunc_wrapper": True, **options}

    @cached_property
    def dispatcher(self) -> Any:
        """The compiler's own object for this function."""
        made = njit(**self._options)(self.py_func)
        keep(made, self.py_func, outermost=self._outermost)
        return made

    @property
    def _numba_type_(self) -> Any:
        return self.dispatcher._numba_type_

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        """Call the compiled function; the first call with arguments of their types compiles or loads it."""
        return self.dispatcher(*arguments, **named)

    def __getattr__(self, name: str) -> Any:
        """Whatever else is asked is asked of the compiler's object, but for names that Python itself looks for."""
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(self.dispatcher, name)


def compiler_is_off() -> bool:
    """Is everything interpreted (`NUMBA_DISABLE_JIT`)? Then a kernel is the function it was written as."""
    return bool(config.DISABLE_JIT)  # type: ignore[attr-defined]


def kernel(function: F) -> F:
    """Compile `function` with the project's one set of options; cached on disk. With compilation off, the function."""
    return function if compiler_is_off() else cast(F, Kernel(function))


def kernel_inlined(function: F) -> F:
    """A kernel whose code is copied into every compiled caller, with the same bits.

    For a step that is taken on every bar, where calling takes about as long as working: eight indicators in one pass
    are a sixth faster for it. Where it is called from many places, they all grow.
    """
    return function if compiler_is_off() else cast(F, Kernel(function, forceinline=True))


def bind(
    body: Callable[..., Any], name: str, *, is_called_by_kernels: bool = False, **names: Any
) -> Callable[..., Any]:
    """Compile `body` with some of its global names bound to other values: one text, several machines.

    The loop is written once and compiled for every system with that system's kernel in the place of `decide`. A
    function argument could not be cached on disk; a global of a copied function is, under `name` and a fingerprint
    of the kernels bound, so that an edited kernel is never answered from an old file.

    What is bound is called from Python, unless `is_called_by_kernels` says otherwise.
    """
    mark = hashlib.sha256()
    for key in sorted(names):
        mark.update(f"{key}={fingerprint(names[key])};".encode())
    bound = FunctionType(body.__code__, {**body.__globals__, **names}, f"{name}_{mark.hexdigest()[:12]}")
    bound.__qualname__ = bound.__name__
    bound.__module__ = body.__module__
    return bound if compiler_is_off() else Kernel(bound, outermost=not is_called_by_kernels)


def entry(function: Callable[..., Any], *arguments: Any) -> Callable[..., Any]:
    """A kernel compiled for arguments of these types, to be called from a Python loop.

    An ordinary call looks at the type of each argument, which takes longer than a small kernel. This one does not
    look: an integer where a float was shown is converted, an array of another type is read as if it were not. So bind
    the arrays once (`functools.partial`) and let only numbers vary. With compilation off it is the function itself.
    """
    compile_for = getattr(function, "compile", None)
    if compile_for is None:
        return function
    seen = tuple(typeof(argument) for argument in arguments)  # type: ignore[no-untyped-call]
    return cast(Callable[..., Any], compile_for(seen))


def fingerprint(value: Any) -> str:
    """What a kernel is made of: its code, its constants, and those of every kernel it calls; else the value's repr."""
    seen: dict[int, str] = {}

    def of(item: Any) -> str:
        function = getattr(item, "py_func", item)
        if not isinstance(function, FunctionType):
            return repr(item) if isinstance(item, int | float | str | tuple) else type(item).__name__
        if id(function) in seen:
            return seen[id(function)]
        code = function.__code__
        seen[id(function)] = code.co_name
        parts = [code.co_name, code.co_code.hex(), repr([c for c in code.co_consts if not isinstance(c, CodeType)])]
        parts += [f"{name}:{of(function.__globals__[name])}" for name in code.co_names if name in function.__globals__]
        seen[id(function)] = hashlib.sha256("|".join(parts).encode()).hexdigest()
        return seen[id(function)]

    return of(value)


def fetch_ahead(rows: Any, i: int) -> None:
    """Ask the processor for row `i` before it is needed; compiled, one instruction, interpreted, nothing.

    A loop over a long tape with work for every row waits for memory where a machine does not fetch ahead by itself
    (measured in a virtual machine: 35 ns a bar, 8 with this). Never fails, also past the end. `i` is 0 or more.
    """


@intrinsic
def _prefetch(typing_context: Any, rows: Any, i: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        array = context.make_array(signature.args[0])(context, builder, arguments[0])
        word = ir.IntType(32)
        start = builder.bitcast(array.data, ir.IntType(8).as_pointer())
        offset = builder.mul(arguments[1], builder.extract_value(array.strides, 0))
        address = builder.gep(start, [offset])
        kind = ir.FunctionType(ir.VoidType(), [address.type, word, word, word])
        hint = builder.module.declare_intrinsic("llvm.prefetch", [address.type], kind)
        builder.call(hint, [address, word(0), word(3), word(1)])  # to be read; into the nearest cache; data
        return context.get_dummy_value()

    return types.void(rows, types.intp), generate


@overload(fetch_ahead)
def _fetch_ahead_compiled(rows: Any, i: Any) -> Any:
    def compiled(rows: Any, i: Any) -> None:
        _prefetch(rows, i)  # type: ignore[call-arg]  # the typing context is the compiler's

    return compiled


def uncounted(array: Any) -> Any:
    """The same array, without the counting of references that compiled code does at every call it is handed to.

    Counting is an atomic operation: an array that is handed down five calls for every order costs more than the order.
    For a loop whose caller holds the array until the loop returns; the result must not outlive that.
    """
    return array


@intrinsic
def _without_owner(typing_context: Any, array: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        view = context.make_array(signature.args[0])(context, builder, arguments[0])
        view.meminfo = ir.Constant(view.meminfo.type, None)
        view.parent = ir.Constant(view.parent.type, None)
        return view._getvalue()

    return array(array), generate


@overload(uncounted)
def _uncounted_compiled(array: Any) -> Any:
    def compiled(array: Any) -> Any:
        return _without_owner(array)  # type: ignore[call-arg]  # the typing context is the compiler's

    return compiled


LN2_HIGH = 6.93147180369123816490e-01
LN2_LOW = 1.90821492927058770002e-10
INVERSE_LN2 = 1.44269504088896338700e00
SQRT_HALF = 7.07106781186547524401e-01


@kernel
def exp(x: float) -> float:
    """e**x, within 1 ulp; 0.0 below -708, inf above 709.78. NaN stays NaN."""
    if x != x:
        return x
    if x > 709.782712893384:
        return float("inf")
    if x < -708.0:
        # Results below the smallest normal number are no use to a signal, and gradual underflow rounds twice.
        return 0.0
    k = int(INVERSE_LN2 * x + (0.5 if x >= 0.0 else -0.5))
    high = x - k * LN2_HIGH
    low = k * LN2_LOW
    r = high - low
    t = r * r
    c = r - t * (
        1.66666666666666019037e-01
        + t
        * (
            -2.77777777770155933842e-03
            + t * (6.61375632143793436117e-05 + t * (-1.65339022054652515390e-06 + t * 4.13813679705723846039e-08))
        )
    )
    y = 1.0 - ((low - (r * c) / (2.0 - c)) - high)
    return math.ldexp(y, k)


@kernel
def log(x: float) -> float:
    """Natural logarithm, within 1 ulp; -inf at 0, NaN below."""
    if x != x or x < 0.0:
        return float("nan")
    if x == 0.0:
        return -float("inf")
    if x == float("inf"):
        return x
    # x = m * 2**k with m in [sqrt(1/2), sqrt(2)), exactly.
    m, k = math.frexp(x)
    if m < SQRT_HALF:
        m = m * 2.0
        k = k - 1
    f = m - 1.0
    s = f / (2.0 + f)
    z = s * s
    w = z * z
    t1 = w * (3.999999999940941908e-01 + w * (2.222219843214978396e-01 + w * 1.531383769920937332e-01))
    t2 = z * (
        6.666666666666735130e-01
        + w * (2.857142874366239149e-01 + w * (1.818357216161805012e-01 + w * 1.479819860511658591e-01))
    )
    r = t2 + t1
    half_square = 0.5 * f * f
    return k * LN2_HIGH - ((half_square - (s * (half_square + r) + k * LN2_LOW)) - f)
