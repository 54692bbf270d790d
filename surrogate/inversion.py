"""Inversion: the noise from which a sampler makes a given latent, by walking its Euler steps backwards.

A step x_{i+1} = x_i + (σ_{i+1} - σ_i) v(x_i, σ_i), v = (x - D(x, σ)) / σ, is implicit when read backwards: x_i is a
fixed point of x = x_{i+1} + (σ_i - σ_{i+1}) v(x, σ_i). Plain iteration converges slowly or not at all on trained
models; here each sample's iteration starts where the last steps point to (quadratic extrapolation of v) and is
accelerated by mixing its own history (D. G. Anderson 1965, in the form of H. F. Walker and P. Ni 2011, eq. 2.2).

Which solution. The last step, to σ = 0, keeps only what the model believes: many x_{N-1} lead to nearly the same
latent, and which one is taken decides whether z is noise at all. A Gaussian z has ‖z‖²/D near 1. If the first walk
ends outside `SHELL`, that step is taken again, stopped earlier (z too large: the latent has detail that the model would
not draw; the first iterations bring back what it would) or from a start with fresh noise on top (z too small: coarse
steps forget theirs), and the walk repeated. Only the denoiser is needed: no derivatives, no knowledge of the model.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise

import torch

from .checks import number, whole

__all__ = ["SHELL", "WALKS", "Inversion", "checked_latent", "checked_sigmas", "euler", "invert", "relative_error"]

# ‖z‖²/D of a noise that is fit to be a seed. (Chance alone moves it by √(2/D): 2 % for 4096 numbers.)
SHELL = (0.8, 1.25)
# Where a walk that ended outside aims next: a latent with too much detail keeps as much of it as it may.
AIM_BELOW, AIM_ABOVE = 1.0, 1.12
WALKS = 4
# How far the last step's x may be from the latent, ‖x - latent‖²/(s²σ²D) with the spread s: 1 to 2 where z is Gaussian, beyond it never is.
REACH = 4.0

MEMORY = 5
# A step is left when so many iterations did not improve it by a tenth: it has come down to the model's own rounding.
PATIENCE = 6
# An iteration that leaves less than this of the residual will do so once more.
FAST = 0.1
# A sample whose residual has grown by this factor goes back to its best x and on in smaller steps.
LOST, SMALLER = 30.0, 0.2

Denoise = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


@dataclass(frozen=True)
class Inversion:
    """noise z (n, *shape) and its squared norms ‖z‖²/D (n,).

    residuals (n, N): by how much each step misses, relative to what it should give, in forward order (foreseen, where
    the last iteration was not looked at). calls: of the denoiser, with the whole batch, over all `walks`.
    """

    noise: torch.Tensor
    norms: torch.Tensor
    residuals: torch.Tensor
    calls: int
    walks: int

    def cpu(self) -> Inversion:
        return replace(self, noise=self.noise.cpu(), norms=self.norms.cpu(), residuals=self.residuals.cpu())


def euler(denoise: Denoise, x: torch.Tensor, sigmas: torch.Tensor) -> torch.Tensor:
    """The forward sampler: x (n, *shape) at sigmas[0] taken to sigmas[-1]. `denoise(x, sigma)` predicts the clean x."""
    for sigma, following in pairwise(sigmas):
        x = x + (following - sigma) * (x - denoise(x, sigma)) / sigma
    return x


def relative_error(got: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
    """‖got - wanted‖ / ‖wanted‖ for each sample (n,)."""
    return _norm(got - wanted) / _norm(wanted).clamp(min=torch.finfo(torch.float32).tiny)


def invert(
    denoise: Denoise,
    latent: torch.Tensor,
    sigmas: torch.Tensor,
    *,
    scale: float | None = None,
    spread: float = 1.0,
    iterations: int = 40,
    tolerance: float = 3e-6,
    noise: torch.Tensor | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Inversion:
    """The noise z such that `euler(denoise, scale · z, sigmas)` is `latent` (n, *shape), as the sampler sees it.

    `sigmas` (N+1,) fall from the noise to the latent, `denoise(x, sigma)` takes the whole batch. `scale` is how large
    the sampler makes the noise it starts from (sigmas[0] unless given), `spread` the standard deviation in x of a noise of
    variance 1, in units of sigma (a model's noise scale; 1 for nearly all). `iterations` bounds the calls for each step of
    a walk, `tolerance` is the relative error of the latent at which a step is good enough. `noise` (n, *shape) is
    standard normal, for samples that need some on top; without it they get none, and their z may be too small.
    `progress(done, total)` is told of every step; it may raise.
    Raises ValueError for latents that are empty, zero or not finite, sigmas that do not fall, iterations below 1, a
    tolerance that is not above 0 and up to 1, and a model whose prediction is not finite.
    """
    latent = checked_latent(latent)
    sigmas = checked_sigmas(sigmas, latent.device)
    whole("iterations", iterations, 1)
    number("tolerance", tolerance, 0, 1, above=0)
    scale = number("scale", float(sigmas[0]) if scale is None else scale, above=0)
    spread = number("spread", spread, above=0)
    if noise is not None and noise.shape != latent.shape:
        raise ValueError(f"noise must have the shape of latent, {tuple(latent.shape)}, got {tuple(noise.shape)}.")
    return _walked(_Walk(denoise, latent, sigmas, spread, iterations, tolerance, progress), scale, noise)


def _walked(walk: _Walk, scale: float, noise: torch.Tensor | None) -> Inversion:
    """The best of up to `WALKS` walks for each sample; only samples outside `SHELL` are walked again."""
    latent = walk.latent
    # How the last step is taken, a number for each row: how far it may go, the variance of the fresh noise on top.
    reach, fresh = latent.new_full((len(latent),), REACH), latent.new_zeros(len(latent))
    spare = torch.zeros_like(latent) if noise is None else noise.to(latent)
    active = torch.ones_like(reach, dtype=torch.bool)
    best: _Best | None = None
    tries: list[_Try] = []
    while True:
        start, residuals = walk(active, reach, fresh, spare)
        z = start / scale
        found = _Best(z, _norm(z) ** 2 / z[0].numel(), residuals)
        best = found if best is None else best.updated(active, found)
        tries.append(_Try(walk.reached, fresh, found.norms))
        active = ~_on_shell(best.norms)
        if noise is None:
            active &= best.norms > SHELL[1]
        if len(tries) == WALKS or not active.any():
            break
        reach, fresh = _next_try(tries)
    return Inversion(best.noise, best.norms, best.residuals, walk.calls, len(tries))


def checked_latent(latent) -> torch.Tensor:
    """latent (n, *shape) as float32. Raises ValueError if it is empty, zero or not finite."""
    if not isinstance(latent, torch.Tensor) or not latent.is_floating_point() or latent.ndim < 2 or not latent.numel():
        shape = tuple(latent.shape) if isinstance(latent, torch.Tensor) else type(latent).__name__
        raise ValueError(f"latent must be a floating point tensor (n, *shape) with n at least 1, got {shape}.")
    latent = latent.float()
    for i, row in enumerate(latent):
        if not torch.isfinite(row).all():
            raise ValueError(f"latent {i + 1} of {len(latent)} holds NaN or infinite values: it shows no image.")
        if not row.any():
            raise ValueError(
                f"latent {i + 1} of {len(latent)} is empty (all zeros): give the latent of an image, as an encoder or "
                "a sampler makes it."
            )
    return latent


def checked_sigmas(sigmas, device: torch.device | None = None) -> torch.Tensor:
    """sigmas (N+1,) as float32. Raises ValueError if they do not fall."""
    sigmas = torch.as_tensor(sigmas, dtype=torch.float32, device=device)
    if sigmas.ndim != 1 or len(sigmas) < 2:
        raise ValueError(f"sigmas must be a list of at least 2 numbers, got shape {tuple(sigmas.shape)}.")
    fall = torch.isfinite(sigmas).all() and (sigmas[1:] <= sigmas[:-1]).all() and sigmas[-2] > 0 <= sigmas[-1]
    if not fall or sigmas[0] == sigmas[-1]:
        values = ", ".join(f"{value:.4g}" for value in sigmas[:8].tolist())
        raise ValueError(
            f"sigmas must fall from the noise to the image, such as 1, 0.75, 0.5, 0.25, 0, got {values}"
            f"{', …' if len(sigmas) > 8 else ''}. Give the schedule as for sampling, not reversed."
        )
    return sigmas


def _within(radius: torch.Tensor, centre: torch.Tensor, inner: torch.Tensor, outer: torch.Tensor):
    """`outer`, moved back towards `inner` to the sphere where it lies beyond it; and which rows were (n,)."""
    a, d = inner - centre, outer - inner
    aa, ad, dd = _dot(a, a), _dot(a, d), _dot(d, d)
    room = radius**2 - aa
    beyond = (room > 0) & (aa + 2 * ad + dd > radius**2)
    # The positive root of ‖a + t d‖² = radius².
    t = (-ad + (ad**2 + dd * room.clamp(min=0)).sqrt()) / dd.clamp(min=torch.finfo(torch.float32).tiny)
    return inner + _rows(torch.where(beyond, t.clamp(0, 1), 1.0), d) * d, beyond


# ---------------------------------------------------------------------------------------------------- the walk


class _Walk:
    """From the latent back to the start of the schedule, any number of times."""

    def __init__(self, denoise, latent, sigmas, spread, iterations, tolerance, progress):
        self.denoise, self.latent, self.sigmas, self.spread = denoise, latent, sigmas, spread
        self.iterations, self.tolerance = iterations, tolerance
        self.progress, self.done = progress, 0
        self.calls = 0
        self.first_x: torch.Tensor | None = None
        # How far the last step went from the latent: what `reach` bounds.
        self.reached = latent.new_zeros(len(latent))

    def __call__(self, active: torch.Tensor, reach: torch.Tensor, fresh: torch.Tensor, noise: torch.Tensor):
        """x at sigmas[0] (n, *shape) and the residuals (n, N). Rows that are not `active` are not waited for."""
        steps = len(self.sigmas) - 1
        residuals = self.latent.new_zeros(len(self.latent), steps)
        x, slopes = self.latent, list[torch.Tensor]()
        for i in reversed(range(steps)):
            sigma, following = self.sigmas[i], self.sigmas[i + 1]
            if sigma > following:  # schedules may repeat a sigma; such a step does nothing
                if not slopes:
                    solved = self._last_step(active, sigma, following, reach, fresh, noise)
                else:
                    slope = 2 * slopes[-1] - slopes[-2] if len(slopes) > 1 else slopes[-1]
                    guess = x + (sigma - following) * slope
                    solved = self._solve(active, x, sigma, following, guess)
                x, residuals[:, i] = solved.x, solved.residual
                slopes = [*slopes[-1:], solved.slope]
            self.done += 1
            self.progress(self.done, WALKS * steps)
        return x, residuals

    def _last_step(self, active, sigma, following, reach, fresh, noise) -> _Solved:
        x, size = self.latent, self.latent[0].numel()
        # Of a noise of variance 1 in x at this step, whatever the kind of model.
        deviation = self.spread * sigma
        if self.first_x is None:
            guess = x
        else:
            guess = torch.where(_rows(fresh > 0, x), self.first_x + deviation * _rows(fresh.sqrt(), x) * noise, x)
        radius = deviation * (reach * size).sqrt()
        solved = self._solve(active, x, sigma, following, guess, radius)
        if self.first_x is None:
            self.first_x = solved.x
        self.reached = (_norm(solved.x - x) / deviation) ** 2 / size
        return solved

    def _evaluate(self, target, sigma, following, x):
        """The fixed point's mismatch f at x, and x with its slope and residual."""
        self.calls += 1
        slope = (x - self.denoise(x, sigma)) / sigma
        f = target + (sigma - following) * slope - x
        return f, _Solved(x, slope, relative_error(target - f, target))

    def _first(self, active, target, sigma, following, x):
        """`_evaluate` at a first guess. Raises ValueError if the model's prediction there is not finite."""
        f, here = self._evaluate(target, sigma, following, x)
        if not torch.isfinite(here.residual[active]).all():
            raise ValueError(
                f"The model's prediction at sigma {float(sigma):.4g} is not finite for samples "
                f"{[int(j) + 1 for j in torch.nonzero(~torch.isfinite(here.residual)).flatten()]}: check that "
                "the latent belongs to this model, and its precision."
            )
        return f, here

    def _solve(self, active, target, sigma, following, x, radius=None) -> _Solved:
        """The x from which the step to `following` gives `target`, from a first guess, each sample for itself.

        With `radius` (n,), the iteration ends where it would leave the sphere of this radius around the target. Without,
        a sample that comes closer fast takes its last iteration unseen, with the residual that is foreseen.
        """
        mix = _Anderson(MEMORY)
        f, here = self._first(active, target, sigma, following, x)
        course = _Course(active, here, f, self.tolerance)
        for iteration in range(self.iterations):
            if iteration:
                f, here = self._evaluate(target, sigma, following, x)
            lost = course.saw(here, f)
            if course.finished.all():
                break
            ahead = mix(x, f, lost, (course.best.x, course.best_f))
            if radius is not None:
                ahead, course.arrived = _within(radius, target, x, ahead)
            else:
                course.leap(here, ahead)
                if course.finished.all():
                    break
            x = torch.where(_rows(course.finished, x), course.best.x, ahead)
        # At a fixed point the slope is what leads to the target.
        slope = (course.unseen - target) / (sigma - following)
        return _Solved(course.unseen, slope, course.foreseen).where(course.leapt, course.best)


@dataclass(frozen=True)
class _Solved:
    """x (n, *shape) with its slope v and its relative residual (n,)."""

    x: torch.Tensor
    slope: torch.Tensor
    residual: torch.Tensor

    def where(self, mine: torch.Tensor, other: _Solved) -> _Solved:
        """The rows of this one where `mine` (n,), else those of the other."""
        rows = _rows(mine, self.x)
        return _Solved(
            torch.where(rows, self.x, other.x),
            torch.where(rows, self.slope, other.slope),
            torch.where(mine, self.residual, other.residual),
        )


class _Course:
    """How the iteration of each sample goes: the best so far, and which samples are `finished` (n,)."""

    def __init__(self, active: torch.Tensor, first: _Solved, f: torch.Tensor, tolerance: float):
        self.best, self.best_f, self.tolerance = first, f, tolerance
        self.finished, self.arrived = ~active, torch.zeros_like(active)
        # Samples whose last iterate is taken unseen, these iterates, and the residuals that are foreseen.
        self.leapt, self.unseen, self.foreseen = torch.zeros_like(active), first.x, torch.zeros_like(first.residual)
        self._history: list[torch.Tensor] = []
        self._before: torch.Tensor | None = None

    def saw(self, here: _Solved, f: torch.Tensor) -> torch.Tensor:
        """Take note of an iterate and its mismatch f; which samples (n,) are lost and go back to their best."""
        # Not ">": a residual that is NaN is lost.
        lost = ~(here.residual <= LOST * self.best.residual)
        better = here.residual < self.best.residual
        self.best = here.where(better, self.best)
        self.best_f = torch.where(_rows(better, f), f, self.best_f)
        self._history.append(self.best.residual)
        self.finished = self.finished | self.arrived | (self.best.residual <= self.tolerance)
        if len(self._history) > PATIENCE:
            self.finished = self.finished | (self.best.residual > 0.9 * self._history[-1 - PATIENCE])
        return lost

    def leap(self, here: _Solved, ahead: torch.Tensor) -> None:
        """Finish with the iterate `ahead`, unseen, what comes closer so fast that it will be good enough."""
        before, self._before = self._before, here.residual
        if before is None:
            return
        rate = here.residual / before
        leaps = ~self.finished & (rate < FAST) & (rate * here.residual <= self.tolerance)
        self.unseen = torch.where(_rows(leaps, ahead), ahead, self.unseen)
        self.foreseen = torch.where(leaps, rate * here.residual, self.foreseen)
        self.leapt, self.finished = self.leapt | leaps, self.finished | leaps


class _Anderson:
    """The next iterate of x = x + f(x), from the last few of each sample (Walker and Ni 2011, eq. 2.2, type II)."""

    def __init__(self, memory: int):
        self.memory = memory
        self.dx: list[torch.Tensor] = []
        self.df: list[torch.Tensor] = []
        self.before: tuple[torch.Tensor, torch.Tensor] | None = None
        self.damping: torch.Tensor | None = None

    def __call__(self, x: torch.Tensor, f: torch.Tensor, lost: torch.Tensor, refuge: tuple) -> torch.Tensor:
        """x + f, less what the history explains of f. Rows that are `lost` go back to `refuge` and forget theirs."""
        if self.damping is None:
            self.damping = torch.ones_like(lost, dtype=x.dtype)
        self.damping = torch.where(lost, SMALLER * self.damping, self.damping)
        gone, damping = _rows(lost, x), _rows(self.damping, x)
        if self.before is not None:
            self.dx = [*self.dx[1 - self.memory :], x - self.before[0]]
            self.df = [*self.df[1 - self.memory :], f - self.before[1]]
        if lost.any():
            x, f = torch.where(gone, refuge[0], x), torch.where(gone, refuge[1], f)
            self.dx = [torch.where(gone, 0, d) for d in self.dx]
            self.df = [torch.where(gone, 0, d) for d in self.df]
        self.before = (x, f)
        weights = self._weights(f)
        ahead = x + damping * f
        for j, (dx, df) in enumerate(zip(self.dx, self.df, strict=True)):
            ahead = ahead - _rows(weights[:, j], x) * (dx + damping * df)
        return ahead

    def _weights(self, f: torch.Tensor) -> torch.Tensor:
        """γ (n, m) that makes ‖f - Σ γ_j Δf_j‖ least: m × m systems, solved in double precision."""
        if not self.df:
            return f.new_zeros(len(f), 0)
        gram = torch.stack([torch.stack([_dot(a, b) for b in self.df], -1) for a in self.df], -2)
        right = torch.stack([_dot(a, f) for a in self.df], -1)
        gram, right = gram.cpu().double(), right.cpu().double()
        lengths = gram.diagonal(dim1=-2, dim2=-1).sqrt()
        lengths = torch.where(lengths > 0, lengths, 1.0)
        gram = gram / lengths[:, :, None] / lengths[:, None, :] + 1e-7 * torch.eye(len(self.df), dtype=torch.float64)
        return (torch.linalg.solve(gram, right / lengths) / lengths).to(f)


# ------------------------------------------------------------------------------------------- which solution


@dataclass(frozen=True)
class _Best:
    """The best walk of each sample: on the shell if there is one, of those the one that gives the latent best."""

    noise: torch.Tensor
    norms: torch.Tensor
    residuals: torch.Tensor

    def updated(self, active: torch.Tensor, other: _Best) -> _Best:
        """With the rows of the other that are `active` and better."""
        on, was_on = _on_shell(other.norms), _on_shell(self.norms)
        closer = other.residuals.amax(1) < self.residuals.amax(1)
        nearer = other.norms.log().abs() < self.norms.log().abs()
        better = active & torch.where(on & was_on, closer, torch.where(on == was_on, nearer, on))
        return _Best(
            torch.where(_rows(better, self.noise), other.noise, self.noise),
            torch.where(better, other.norms, self.norms),
            torch.where(better[:, None], other.residuals, self.residuals),
        )


@dataclass(frozen=True)
class _Try:
    """What a walk went and what came of it (n,): `reached`, `fresh`, ‖z‖²/D."""

    reached: torch.Tensor
    fresh: torch.Tensor
    norms: torch.Tensor


def _on_shell(norms: torch.Tensor) -> torch.Tensor:
    return (norms >= SHELL[0]) & (norms <= SHELL[1])


def _next_try(tries: list[_Try]) -> tuple[torch.Tensor, torch.Tensor]:
    """(reach, fresh) of the next walk, for rows whose first walk ended outside the shell.

    ‖z‖² grows with a power of the reach, and with the variance of the fresh noise: secants through the last two walks.
    """
    first, last = tries[0], tries[-1]
    above = first.norms > 1
    if len(tries) == 1:
        power, rate = torch.ones_like(first.norms), torch.ones_like(first.norms)
        fresh_before = torch.zeros_like(first.norms)
    else:
        before = tries[-2]
        power = ((last.norms / before.norms).log() / (last.reached / before.reached).log()).nan_to_num(1).clamp(0.3, 3)
        rate = ((last.norms - first.norms) / last.fresh).nan_to_num(1).clamp(0.3, 3)
        fresh_before = last.fresh
    reach = (last.reached * (AIM_ABOVE / last.norms) ** (1 / power)).clamp(max=REACH)
    fresh = (fresh_before + (AIM_BELOW - last.norms) / rate).clamp(0, 2)
    return torch.where(above, reach, REACH), torch.where(above, 0.0, fresh)


# ---------------------------------------------------------------------------------------------------- helpers


def _rows(values: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    return values.reshape(-1, *[1] * (like.ndim - 1))


def _dot(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    return (a * b).flatten(1).sum(1)


def _norm(x: torch.Tensor) -> torch.Tensor:
    return x.flatten(1).norm(dim=1)
