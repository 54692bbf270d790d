"""Pick: a person chooses among the images of a generation, and that is what the study is told."""

from __future__ import annotations

import logging
import uuid
from dataclasses import replace

import comfy.model_management
from comfy_api.latest import io
from comfy_execution.graph import ExecutionBlocker
from server import PromptServer

from ..surrogate import points
from ..surrogate.search import (
    Generation,
    OpenStudy,
    Picks,
    check_takes_picks,
    last_picked,
    named_faults,
    pick_scores,
    reasons_of,
    tell_picks,
)
from .tools import wires
from .tools.asked import are_sounds, usable_pictures, usable_sounds
from .tools.copies import running_graph, shown_id
from .tools.live import keep_pictures
from .tools.notices import say, warn
from .tools.picking import MOST, Shown, kept, kept_sounds, keys_of, put_picked
from .tools.questions import Question, ask_person
from .tools.sampling import FAULTS_ADVICE, as_images
from .tools.schema import schema
from .tools.sound import drawn
from .tools.studies import note_graph, patient_node
from .tools.study_inputs import progress_outputs

__all__ = ["Pick"]

log = logging.getLogger("ComfyUI-Surrogate")
BETWEEN, WAIT = "between runs", "wait here"
SKIP, STOP, FIRST = "skip", "stop", "take the first"
NOT_YET = (None, (None,), [None])


class Pick(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return schema(
            node_id="SurrogatePick",
            display_name="Surrogate Pick",
            search_aliases=[
                "choose images",
                "image picker",
                "image chooser",
                "preview chooser",
                "image filter",
                "pause",
                "like",
                "rank",
                "interactive evolution",
                "human feedback",
                "audio picker",
                "optimize",
            ],
            category="surrogate/search",
            description="Shows the images or sounds of the generation that Surrogate Ask gave: click those you like, "
            "and the next generation follows them. Takes the place of Surrogate Tell and of a score.",
            inputs=[
                wires.Study.Input("study", tooltip="The study, from Surrogate Ask."),
                io.MultiType.Input(
                    "images",
                    types=[io.Image, io.Audio],
                    lazy=True,
                    tooltip="The images of the generation, in the order of the points; clips: a batch each. Or its sounds: "
                    "a batch, or a list. They are not made again while they wait for your picks and the graph above them "
                    "is the same.",
                ),
                io.Combo.Input(
                    "when",
                    options=[BETWEEN, WAIT],
                    default=BETWEEN,
                    tooltip=f"{BETWEEN}: this run shows the images and ends; the next run takes your picks along and "
                    f"makes the next generation. {WAIT}: the run pauses here until you have picked.",
                ),
                io.Combo.Input(
                    "clicks",
                    options=["likes", "ranking"],
                    default="likes",
                    tooltip="likes: all that you click are equally good. ranking: the first that you click is the best.",
                ),
                io.Float.Input(
                    "minutes",
                    default=10.0,
                    min=0.01,
                    max=10_080.0,
                    step=0.5,
                    tooltip=f"With {WAIT}: how long it waits, in minutes, up to a week.",
                ),
                io.Combo.Input(
                    "if_nobody_answers",
                    options=[SKIP, STOP, FIRST],
                    default=SKIP,
                    tooltip=f"With {WAIT}: what happens after that time, or when no browser is connected. {SKIP}: the "
                    f"images get no score. {STOP}: the run ends as with Cancel, and the next one shows them again. "
                    f"{FIRST}: the first image counts as liked.",
                ),
                wires.Picks.Input(
                    "picks",
                    optional=True,
                    tooltip="What was picked of which generation, as JSON. The page in the node writes it; a program may, "
                    "too.",
                ),
                io.String.Input(
                    "likes",
                    optional=True,
                    lazy=True,
                    force_input=True,
                    tooltip="The picks as a text from another node that has looked at the images: numbers from 1 such as "
                    '"1, 3", or "none" or "skip". Then nobody is asked. Empty: as if it were not connected.',
                ),
            ],
            outputs=[
                wires.Study.Output(display_name="study", tooltip="The study, for Surrogate Study Report."),
                wires.Points.Output(
                    display_name="picked_points",
                    tooltip="Where the images are that were liked last; of a ranking the best first. Sends nothing before "
                    "something is liked.",
                ),
                io.Image.Output(
                    display_name="picked_images",
                    tooltip="The images that were liked last, 8 bits for each colour. Sends nothing before something is "
                    "liked.",
                ),
                *progress_outputs(),
                io.Audio.Output(
                    display_name="picked_sounds",
                    is_output_list=True,
                    tooltip="The sounds that were liked last, one by one. Sends nothing before something is liked.",
                ),
            ],
            hidden=[io.Hidden.unique_id, io.Hidden.prompt, io.Hidden.extra_pnginfo],
            is_input_list=True,
            is_output_node=True,
            not_idempotent=True,
        )

    @classmethod
    def check_lazy_status(cls, study, **inputs):
        generation = study[0].generation
        if not len(generation or ()):
            return []  # nothing was asked
        check_takes_picks(study[0].study)
        missing = [name for name in ("likes", "images") if name in inputs and inputs[name] in NOT_YET]
        if "images" in missing and kept(_keys(cls, generation)) is not None:
            missing.remove("images")
        return missing

    @classmethod
    @patient_node
    def execute(
        cls, study, when, clicks, minutes, if_nobody_answers, images=None, picks=None, likes=None
    ) -> io.NodeOutput:
        # `picks` is of the generation before, and Ask has told the study: see `tell_carried`.
        opened: OpenStudy = study[0]
        generation = opened.generation
        if generation is None:
            raise ValueError(
                "study comes directly from Surrogate Study: put Surrogate Ask between the two, and render its points."
            )
        warn(cls, note_graph(cls, opened.study))
        shown, failed = _shown(cls, opened, generation, images)
        picked = None
        if len(shown.generation):
            picked = _in_words(likes, clicks[0], generation, shown)
            if picked is None and when[0] == WAIT:
                picked = _waited(cls, shown, minutes[0] * 60, if_nobody_answers[0])
            if picked is not None:
                tell_picks(opened.study, shown.generation, picked, shown.frames)
                put_picked(cls, opened.space, shown.generation, picked, shown.frames, shown.sounds)
        present = opened.present()
        report = present.study.report()
        text = "\n".join(filter(None, [present.progress(report), failed]))
        say(cls, text)
        *liked, sounds = _liked_last(cls, present)
        return io.NodeOutput(
            replace(present, generation=None),
            *liked,
            text,
            report.generation,
            present.finished(report),
            sounds,
            ui={"text": [text], "surrogate_pick": [_page(shown, picked, present.finished(report))]},
        )


def _keys(node, generation: Generation) -> list[str]:
    return keys_of(running_graph(node.hidden), node.hidden.unique_id, generation.study, generation.trials)


def _shown(node, opened: OpenStudy, generation: Generation, images) -> tuple[Shown, str]:
    """The usable pictures of the generation, and a sentence on the others, which the study is told at once."""
    if len(generation) > MOST:
        raise ValueError(
            f"This generation has {len(generation)} images; Pick shows at most {MOST}: choose a smaller population."
        )
    keys = _keys(node, generation)
    frames = kept(keys)
    if frames is not None:
        return Shown(generation, frames, keys, kept_sounds(keys)), ""
    clips, sounds, faults = _usable(images, len(generation))
    good, bad = ([i for i, fault in enumerate(faults) if bool(fault) == wrong] for wrong in (False, True))
    if bad:
        opened.study.tell(generation.select(bad), [None] * len(bad), reasons_of([faults[i] for i in bad]))
    pictures, heard = [clips[i] for i in good], [sounds[i] for i in good]
    shown = Shown(generation.select(good), pictures, [keys[i] for i in good], heard)
    shown.keep()
    keep_pictures(opened, shown.generation.trials, shown.frames, None)
    failed = named_faults({f"image {generation.labels[i]}": faults[i] for i in bad})
    return shown, f"{failed} {FAULTS_ADVICE}" if failed else ""


def _usable(images, count: int) -> tuple[list, list, list[str]]:
    """Of each point what is shown, (t, h, w, c) uint8, its AUDIO of one or None, and why it is of no use, if it is."""
    if not are_sounds(images):
        clips, faults = usable_pictures(images, count)
        return clips, [None] * count, faults
    sounds, faults = usable_sounds(images, count)
    return [None if sound is None else drawn(sound) for sound in sounds], sounds, faults


def _page(shown: Shown, picked: Picks | None, finished: bool) -> dict:
    """What the page in the browser shows."""
    return {
        "generation": shown.name,
        "number": shown.generation.number + 1,
        "cells": shown.cells(),
        "picks": "" if picked is None else picked.text(),
        "finished": finished,
    }


def _in_words(texts, verdict: str, generation: Generation, shown: Shown) -> Picks | None:
    """The picks that came as a text, which counts all images of the generation; None for an empty text."""
    text = ", ".join(text for text in texts or () if text)
    if not text.strip():
        return None
    picks = Picks.of_words(text, verdict)
    pick_scores(picks, len(generation))
    place = {trial: i for i, trial in enumerate(shown.generation.trials.tolist())}
    cells = [place[trial] for trial in generation.trials[list(picks.cells)].tolist() if trial in place]
    return Picks.of_cells(picks.verdict, cells)


def _waited(node, shown: Shown, seconds: float, otherwise: str) -> Picks:
    """What somebody picks now; if nobody does, what the user wants then. Raises what core raises for Cancel and stop."""
    workflow = (node.hidden.extra_pnginfo or {}).get("workflow") or {}
    question = Question(
        node=shown_id(node.hidden),
        prompt=getattr(PromptServer.instance, "last_prompt_id", None) or uuid.uuid4().hex,
        workflow=str(workflow.get("id") or ""),
        generation=shown.name,
        number=shown.generation.number + 1,
        cells=shown.cells(),
        seconds=seconds,
    )
    picks = ask_person(node, question)
    if picks is None and otherwise == STOP:
        log.warning("Surrogate Pick: nobody has picked; the run ends, and the next one shows the same images.")
        raise comfy.model_management.InterruptProcessingException
    return picks or Picks("skip" if otherwise == SKIP else "likes", () if otherwise == SKIP else (0,))


def _liked_last(node, present: OpenStudy) -> list:
    """Points, images and sounds of what was liked last; where there is nothing, what is connected waits."""
    hold = ExecutionBlocker(None)
    history = present.study.history()
    rows = last_picked(history)
    if not len(rows):
        return [hold, hold, hold]
    keys = keys_of(running_graph(node.hidden), node.hidden.unique_id, present.study.identity, rows)
    frames = kept(keys)
    sounds = kept_sounds(keys)
    return [
        points.from_coordinates(present.space, history.u[rows]),
        hold if frames is None else as_images(frames),
        sounds if all(sounds) else hold,
    ]
