"""Whether this server's integer seeds still mean ComfyUI's own noise: other packs replace the function that draws it."""

from __future__ import annotations

import contextlib
import functools
import logging
import random
import sys
from collections.abc import Iterator

import comfy.sample
import numpy as np
import torch

__all__ = ["notice_replaced_noise"]

log = logging.getLogger("ComfyUI-Surrogate")
_logged: set[str] = set()


def notice_replaced_noise() -> str | None:
    """What to say if another pack has replaced ComfyUI's noise for the whole server, else None.

    A replacement that draws the same noise as ComfyUI is no reason to warn. Each function is logged once.
    """
    replaced = _replaced()
    # Tried each time: some replacements draw another noise only when they are switched on.
    if replaced is None or _draws_as_core():
        return None
    warning = _warning(replaced)
    if warning not in _logged:
        _logged.add(warning)
        log.warning("%s", warning)
    return warning


def _replaced():
    """The function in the place of one of core's that draw noise; None if they are core's own."""
    noise = comfy.sample.prepare_noise
    inner = getattr(comfy.sample, "prepare_noise_inner", noise)  # newer than 0.3.52
    own = sys.modules["comfy.sample"].__file__
    return next((function for function in (noise, inner) if _file_of(function) != own), None)


def _file_of(function) -> str | None:
    return getattr(getattr(function, "__code__", None), "co_filename", None)


def _draws_as_core() -> bool:
    shape = (2, 4, 2, 2)
    expected = torch.randn(shape, generator=torch.Generator().manual_seed(42))
    try:
        with _random_states_kept():
            drawn = comfy.sample.prepare_noise(torch.zeros(shape), 42)
    except Exception as error:  # another pack's function: anything can come
        log.debug("the replacement of prepare_noise cannot be tried: %s", error)
        return False
    return isinstance(drawn, torch.Tensor) and torch.equal(drawn.cpu().float(), expected)


@contextlib.contextmanager
def _random_states_kept() -> Iterator[None]:
    """Whatever is drawn inside, the process's random generators are afterwards as they were."""
    devices = range(torch.cuda.device_count()) if torch.cuda.is_initialized() else ()
    python, state = random.getstate(), np.random.get_state()  # noqa: NPY002 (kept, not used)
    with torch.random.fork_rng(devices=devices):
        try:
            yield
        finally:
            random.setstate(python)
            np.random.set_state(state)  # noqa: NPY002


def _warning(function) -> str:
    return (
        f"Another node pack has replaced ComfyUI's noise for the whole server: {_name_of(function)} takes the place of "
        "comfy.sample.prepare_noise. Integer seeds of this pack mean the noise of an unchanged ComfyUI, so KSampler and "
        "RandomNoise give other pictures here than the corners of a space with the same seeds."
    )


def _name_of(function) -> str:
    """module.function (file, line), also of a decorated function, a method, a partial or an object that is called."""
    while isinstance(function, functools.partial):
        function = function.func
    code = getattr(function, "__code__", None)
    # A decorated function carries the name of what it wraps; its code knows better.
    named = function if hasattr(function, "__qualname__") else type(function)
    name = getattr(code, "co_qualname", None) or getattr(code, "co_name", None) or named.__qualname__
    module = getattr(function, "__globals__", {}).get("__name__") or getattr(named, "__module__", "?")
    return f"{module}.{name}" + (f" ({code.co_filename}, line {code.co_firstlineno})" if code else "")
