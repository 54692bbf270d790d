"""The check as a whole: numbers, verdicts, the repair, in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from ..seeds import Seeds
from ..shapes import describe
from ..transports import Composite, Gaussian, Transport
from .check import Measured, Progress, measure_seeds
from .repair import Repair, recommend, settings_text
from .table import table
from .verdict import Grade, Verdict, judge

__all__ = ["Report", "check_seeds"]

# Verdicts that are written out in the summary; all of them are in the text.
SHOWN = 12


@dataclass(frozen=True)
class Report:
    """What is known of some seeds: `measured` in numbers, a verdict on each, the `repair` for their blends."""

    measured: Measured
    verdicts: tuple[Verdict, ...]
    repair: Repair

    @property
    def fit(self) -> bool:
        """Whether every seed is noise as the transport says."""
        return all(verdict.grade is Grade.FIT for verdict in self.verdicts)

    @cached_property
    def table(self) -> str:
        """The numbers of every seed."""
        return table(self.measured, self.verdicts)

    @property
    def overall(self) -> str:
        """The verdict on all seeds in a sentence."""
        k = len(self.verdicts)
        fit, off = (sum(v.grade is grade for v in self.verdicts) for grade in (Grade.FIT, Grade.OFF))
        under = f"noise of the {self.measured.transport.name} transport ({describe(self.measured.parts)})"
        if fit == k:
            return f"{'The seed is' if k == 1 else f'All {k} seeds are'} {under}: fit to be blended."
        counts = [(fit, "fit"), (off, Grade.OFF.value), (k - fit - off, "not noise")]
        return f"Of {k} seed{'s' * (k > 1)}, as {under}: {', '.join(f'{n} {word}' for n, word in counts if n)}."

    @property
    def advice(self) -> str:
        """Which transport to use, and why, in sentences."""
        transport, reason = self.repair.transport, self.repair.reason
        used = self.measured.transport
        same = (used.name, used.settings()) == (transport.name, transport.settings())
        if same and not isinstance(used, Gaussian):
            return f"Keep the transport {_named(used)}. {reason}"
        if self.fit and (isinstance(transport, Gaussian) or transport.name == used.name):
            return f"Keep the transport {used.name}. {reason if isinstance(used, Gaussian) else ''}".rstrip()
        if isinstance(transport, Gaussian):
            return (
                "Recommended transport: gaussian. Blends are as good as these seeds and no better: no transport changes "
                "what is wrong with them. Better seeds do: invert with more steps, or with a prompt that fits."
            )
        lines = [f"Recommended transport: {_named(transport)}. {reason}"]
        lines += [f"Or {_named(other)}. {why}" for other, why in self.repair.others]
        return "\n".join(lines)

    def summary(self, most: int = SHOWN) -> str:
        """The overall verdict, the advice, and the seeds that are not fit, the worst first, at most `most`."""
        order = [Grade.FAR, Grade.OFF]
        unfit = sorted((v for v in self.verdicts if v.grade in order), key=lambda v: order.index(v.grade))
        lines = [self.overall, self.advice, *(str(v) for v in unfit[:most])]
        if len(unfit) > most:
            lines.append(f"… and {len(unfit) - most} more seeds that are not fit.")
        return "\n".join(lines)

    @property
    def settings(self) -> str:
        """The recommended transport's settings as JSON, keyword arguments of `make_transport`; empty if it has none."""
        return settings_text(self.repair.transport)


def check_seeds(
    seeds: Seeds,
    shape: Sequence | None = None,
    transport: Transport | Composite | None = None,
    progress: Progress | None = None,
) -> Report:
    """Check `seeds`, at least one, against the distribution of `transport` (default: gaussian).

    `shape` may be left out if a seed is a tensor. Memory and `progress` as in `measure_seeds`.
    Raises ValueError for no seeds, a shape that they do not have, and a seed that the transport does not take.
    """
    measured = measure_seeds(seeds, shape, transport, progress)
    return Report(measured, judge(measured), recommend(measured))


def _named(transport: Transport | Composite) -> str:
    settings = settings_text(transport)
    return f"{transport.name} with the settings {settings}" if settings else transport.name
