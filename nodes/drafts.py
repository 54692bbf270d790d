"""Drafts between Ask and Tell: judge a generation after a few steps, and finish the most promising images."""

from __future__ import annotations

from dataclasses import replace

import torch
from comfy_api.latest import io
from comfy_execution.graph import ExecutionBlocker

from ..surrogate import points
from ..surrogate.search import named_faults, reasons_of, tell_drafts_of, without_faulty
from .tools import wires
from .tools.asked import still_wanted, usable_pictures
from .tools.notices import say, warn
from .tools.sampling import FAULTS_ADVICE
from .tools.schema import schema
from .tools.studies import note_graph, patient_node
from .tools.told_scores import score_columns, scores_input

__all__ = ["TellDrafts"]


class TellDrafts(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return schema(
            node_id="SurrogateTellDrafts",
            display_name="Surrogate Tell Drafts",
            search_aliases=[
                "preview",
                "early stopping",
                "x0 prediction",
                "denoised output",
                "best of n",
                "split sigmas",
            ],
            category="surrogate/search",
            description="Judges a generation by its drafts, which cost only the first steps of the sampler, and gives the "
            "most promising points to be finished. Goes between Surrogate Ask and Surrogate Tell. Surrogate Search does "
            "the same in one node.",
            inputs=[
                wires.Study.Input("study", tooltip="The study, from Surrogate Ask."),
                scores_input(
                    lazy=True,
                    tooltip="One number for each draft, in the order of the points, as for Surrogate Tell. Score the decoded "
                    "denoised_output of the sampler.",
                ),
                io.Sigmas.Input(
                    "draft_sigmas",
                    tooltip="The noise schedule of the drafts: high_sigmas of SplitSigmas, which cuts off sigmas after a few "
                    "steps.",
                ),
                io.Sigmas.Input(
                    "sigmas",
                    tooltip="The whole noise schedule, with which the chosen points are finished: the same that goes into "
                    "SplitSigmas.",
                ),
                io.Int.Input(
                    "finish",
                    default=2,
                    min=1,
                    max=256,
                    tooltip="How many of each generation are finished: those whose drafts promise most. The others cost "
                    "only the steps of their drafts.",
                ),
                io.Image.Input(
                    "images",
                    optional=True,
                    lazy=True,
                    tooltip="The drafts as images. Drafts that are NaN then count as failed, and the optimiser adaptive "
                    "learns from how they look.",
                ),
            ],
            outputs=[
                wires.Study.Output(
                    display_name="study", tooltip="The study with the points to finish, for Surrogate Tell."
                ),
                wires.Points.Output(
                    display_name="points",
                    tooltip="The points to finish, the most promising one first, for a second Surrogate Noise. Sends "
                    "nothing when there is nothing to finish.",
                ),
                wires.Space.Output(display_name="space", tooltip="The space of these points, for Surrogate Noise."),
                io.String.Output(
                    display_name="progress",
                    tooltip="A sentence that says what was drafted, what is finished, and how well drafts agree with finished "
                    "images so far.",
                ),
            ],
            hidden=[io.Hidden.unique_id, io.Hidden.prompt, io.Hidden.extra_pnginfo],
            is_input_list=True,
            not_idempotent=True,
        )

    @classmethod
    def check_lazy_status(cls, study, **inputs):
        return still_wanted(study, inputs)

    @classmethod
    @patient_node
    def execute(cls, study, draft_sigmas, sigmas, finish, scores=None, images=None) -> io.NodeOutput:
        opened = study[0]
        generation = opened.generation
        if generation is None:
            raise ValueError(
                "study comes directly from Surrogate Study: put Surrogate Ask between the two, and draft its points."
            )
        if opened.successor is not None:
            raise ValueError(
                "study comes from Surrogate Scout, which finishes all the noises that it tries: connect a Surrogate Study "
                "with the choice: beyond the seeds."
            )
        step, of = _steps(draft_sigmas[0], sigmas[0])
        if not len(generation):
            text = "nothing to draft"
            say(cls, text)
            return io.NodeOutput(opened, ExecutionBlocker(None), opened.space, text)
        clips, faults = usable_pictures(images, len(generation))
        column = without_faulty(score_columns(cls, scores, {}, len(generation)), faults)[:, 0].tolist()
        warn(cls, note_graph(cls, opened.study))
        told = tell_drafts_of(opened.study, generation, column, step, of, finish[0], reasons_of(faults), clips)
        text = _in_words(told, len(generation), step, of)
        failed = named_faults({f"draft {label}": fault for label, fault in zip(generation.labels, faults) if fault})
        if failed:
            text += f"\n{failed} {FAULTS_ADVICE}"
        say(cls, text)
        if told.doubtful:
            warn(
                cls,
                [f"Drafts after {step} of {of} steps tell little about the finished images: more steps may be needed."],
            )
        following = replace(opened, generation=told.finish, drafted=len(generation))
        chosen = points.from_coordinates(opened.space, told.finish.u) if len(told.finish) else ExecutionBlocker(None)
        return io.NodeOutput(following, chosen, opened.space, text)


def _steps(draft_sigmas: torch.Tensor, sigmas: torch.Tensor) -> tuple[int, int]:
    """How many steps drafts have, and finished images. Raises ValueError unless the one schedule begins the other."""
    step, of = len(draft_sigmas) - 1, len(sigmas) - 1
    if not 1 <= step < of:
        raise ValueError(
            f"draft_sigmas has {max(step, 0)} steps and sigmas {max(of, 0)}: a draft needs at least one step, and fewer than "
            "sigmas. Connect high_sigmas of SplitSigmas, and set its step to a number between."
        )
    if not torch.allclose(draft_sigmas.float().cpu(), sigmas[: step + 1].float().cpu(), rtol=1e-4):
        raise ValueError(
            "draft_sigmas is not the beginning of sigmas: connect high_sigmas of SplitSigmas, and what goes into SplitSigmas "
            "to sigmas."
        )
    return step, of


def _in_words(told, drafts: int, step: int, of: int) -> str:
    n = len(told.finish)
    said = f"{drafts} draft{'s' * (drafts != 1)} after {step} of {of} steps, the {n} most promising are finished"
    if not n:
        said = f"{drafts} draft{'s' * (drafts != 1)} after {step} of {of} steps, none is finished"
    if told.agreement is not None:
        said += (
            f" · drafts and finished images agree with a correlation of {told.agreement:.2f} over {told.pairs} images"
        )
    return said
