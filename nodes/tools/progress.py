"""Progress bars that also notice Cancel."""

import comfy.model_management
import comfy.utils

__all__ = ["cancellable", "quiet", "stepper"]


def stepper():
    """A function (done, total) that moves the node's progress bar, and raises if the user pressed Cancel."""
    bar = comfy.utils.ProgressBar(1)

    def step(done: int, total: int) -> None:
        comfy.model_management.throw_exception_if_processing_interrupted()
        bar.update_absolute(done, total)

    return step


def quiet() -> bool:
    """Whether samplers shall draw no progress bar in the terminal, as the user has chosen."""
    return not getattr(comfy.utils, "PROGRESS_BAR_ENABLED", True)


def cancellable(done: int, total: int) -> None:
    """Raises if the user pressed Cancel; shows nothing, for work inside a node that has a bar of its own."""
    comfy.model_management.throw_exception_if_processing_interrupted()
