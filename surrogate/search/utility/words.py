"""What each seed contributes, in sentences, and as a table that reads as text and as Markdown."""

from __future__ import annotations

import math

from .advice import LEAST, Advice, SeedUtility, Utility

__all__ = ["overall", "sentence", "summary", "table"]

# Seeds that are named in a ranking.
RANKED = 12
# Of more than this part of the space as good as nothing is known: worth saying.
UNSEEN = 0.5

EXPLAINED = """\
own: the seed's score alone. share: its part of the best image's noise. seen: its largest part in any image.
r: rank correlation of its share with the score, turned so that more is better, among images of one time; chance gives \
one of the seeds ±{chance} once in 20 times. p: how often chance gives as much. Shares add up to 1: where one seed \
does good, the others seem to do harm.
effect: how much better the score is with it than without it on average over the space, the others as they are to each \
other. loss: how much better the best expected score is with it. Each with twice its standard error.
could bring: the most that the score is likely to be better anywhere thanks to it; below {tolerated}, a tenth of what \
the best place is better than the space on average, it can go."""


def overall(utility: Utility) -> str:
    """All seeds in a few sentences: what to do, and what that rests on."""
    k = len(utility.seeds)
    if utility.alone:
        ranking = _ranking(utility)
        more = f", and {len(ranking) - RANKED} more" if len(ranking) > RANKED else ""
        return f"{utility.silence} Best first: {', '.join(ranking[:RANKED])}{more}."
    if utility.silence:
        return utility.silence
    counts = {a: sum(seed.advice is a for seed in utility.seeds) for a in Advice}
    parts = [f"{n} {'' if a is Advice.UNDECIDED else 'to '}{a.value}" for a, n in counts.items() if n]
    lines = [
        f"Of {k} seeds: {', '.join(parts)}.",
        f"{utility.count} scores; the place of an image in the space explains {_percent(utility.predictive)} of their variance.",
    ]
    if utility.unseen > UNSEEN:
        lines.append(
            f"Of {_percent(utility.unseen)} of the space hardly anything is known: the search looked elsewhere, and "
            "the advice holds for what it saw."
        )
    return " ".join(lines)


def sentence(seed: SeedUtility, utility: Utility) -> str:
    """The advice on one seed and its reason."""
    span = utility.span
    lost = _with_error(seed.loss.loss, seed.loss.deviation)
    if seed.advice is Advice.KEEP:
        reason = (
            f"Without it the best expected score is worse by {lost}, {_percent(seed.loss.loss / span)} of what the "
            "best place is better than the space on average."
        )
    elif seed.advice is Advice.UNDECIDED:
        if utility.silence:
            return f"{seed.label}: undecided."
        if seed.together:
            reason = "Alone it could go, but not surely together with the others that can: drop those, then look again."
        elif seed.loss.loss > 2 * seed.loss.deviation and seed.loss.loss > utility.tolerated:
            reason = f"Probably worth keeping: without it the best expected score is worse by {lost}."
        else:
            reason = f"It may bring up to {_number(seed.loss.promise)}; {_seen(seed)}."
    else:
        most = f"more than {_number(seed.loss.promise)}" if seed.loss.promise > 0 else "anything"
        reason = f"Little or nothing is lost without it: nowhere is it likely to bring {most}."
        if seed.effect < -2 * seed.effect_deviation:
            reason += f" On average it makes the score worse, by {_number(-seed.effect)}."
        if seed.advice is Advice.REPLACE:
            reason += f" Fewer than {LEAST} seeds would be left, so put a fresh one in its place."
    return f"{seed.label}: {seed.advice.value}. {reason}"


def summary(utility: Utility, most: int | None = None) -> str:
    """The overall advice, then the seeds, at most `most`: first those to keep, then those to go, then the others."""
    lines = [overall(utility)]
    if not utility.silence:
        order = list(Advice)
        seeds = sorted(utility.seeds, key=lambda s: (order.index(s.advice), -s.loss.promise))
        lines += [sentence(seed, utility) for seed in seeds[:most]]
        if len(seeds) > len(lines) - 1:
            left = len(seeds) - len(lines) + 1
            lines.append(f"… and {left} more seed{'s' * (left > 1)}.")
    return "\n".join(lines)


def table(utility: Utility) -> str:
    """A row for each seed, and what the columns mean."""
    head = ["seed", "advice", "own", "share", "seen", "r", "p", "effect", "loss", "could bring"]
    rows = [head]
    for s in utility.seeds:
        rows.append(
            [
                " ".join(s.label.replace("|", "/").split()),
                s.advice.value,
                _number(s.own),
                _percent(s.share),
                _percent(s.seen),
                _signed(s.r, 2),
                _number(s.p, 2),
                _with_error(s.effect, s.effect_deviation, True),
                _with_error(s.loss.loss, s.loss.deviation),
                _number(s.loss.promise),
            ]
        )
    widths = [max(len(row[c]) for row in rows) for c in range(len(head))]
    lines = [_line([*(t.ljust(w) for t, w in zip(row[:2], widths)), *_right(row[2:], widths[2:])]) for row in rows]
    lines.insert(1, _line([*("-" * w for w in widths[:2]), *("-" * (w - 1) + ":" for w in widths[2:])]))
    told = EXPLAINED.format(chance=_number(utility.chance, 2), tolerated=_number(utility.tolerated))
    return "\n".join([*lines, "", overall(utility), told])


def _right(texts, widths):
    return [text.rjust(width) for text, width in zip(texts, widths)]


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _ranking(utility: Utility) -> list[str]:
    """Labels with their own scores, best first, without those that have none."""
    scored = [s for s in utility.seeds if not math.isnan(s.own)]
    scored.sort(key=lambda s: s.own, reverse=utility.direction == "maximize")
    return [f"{s.label} ({_number(s.own)})" for s in scored]


def _seen(seed: SeedUtility) -> str:
    return f"no image had more than {_percent(seed.seen)} of it, the best one has {_percent(seed.share)}"


def _with_error(value: float, deviation: float, signed: bool = False) -> str:
    if math.isnan(value):
        return "-"
    error = 2 * deviation
    size = max(error, abs(value) / 100)
    places = 1 - math.floor(math.log10(size)) if size > 0 else 0
    if not -4 < places < 7:
        return f"{value:{'+' * signed}.2e} ± {error:.1e}"
    places = max(places, 0)
    return f"{value:{'+' * signed}.{places}f} ± {error:.{places}f}"


def _number(value: float, digits: int = 3) -> str:
    return "-" if math.isnan(value) else f"{value:.{digits}g}"


def _signed(value: float, digits: int = 3) -> str:
    return "-" if math.isnan(value) else f"{value:+.{digits}g}"


def _percent(part: float) -> str:
    return "-" if math.isnan(part) else f"{100 * part:.0f} %"
