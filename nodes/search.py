"""Search: the whole loop inside one node, without graph overhead."""

from __future__ import annotations

import math

import torch
from comfy_api.latest import io
from PIL import Image

from ..surrogate import points
from .noise import in_groups, noise_seed_input
from .study import note_graph
from .tools import wires
from .tools.latents import repeat_to, sample_parts
from .tools.live import Live, keep_pictures
from .tools.notices import say, warn
from .tools.sampling import Progress, as_images, render
from .tools.schema import schema

__all__ = ["Search"]


class Search(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return schema(
            node_id="SurrogateSearch",
            display_name="Surrogate Search",
            search_aliases=[
                "optimize",
                "optimise",
                "best of n",
                "seed hunt",
                "evolve",
                "genetic",
                "CMA-ES",
                "optuna",
                "bayesian",
                "noise optimization",
            ],
            category="surrogate/search",
            description="Runs a whole search in one node: it samples, decodes, scores and learns until the budget of "
            "the study is spent. Cancel when you like; the next run continues. Surrogate Ask and Tell can continue "
            "the same study.",
            inputs=[
                io.Guider.Input(
                    "guider",
                    tooltip="The model with its prompt, from BasicGuider (models without a negative prompt) or "
                    "CFGGuider.",
                ),
                io.Sampler.Input(
                    "sampler",
                    tooltip="The sampler, from KSamplerSelect. Deterministic samplers, such as euler, are best.",
                ),
                io.Sigmas.Input(
                    "sigmas", tooltip="The noise schedule (scheduler and steps), from BasicScheduler or another node."
                ),
                io.Latent.Input("latent", tooltip="The latent that the study was given, with a batch size of 1."),
                io.Vae.Input("vae", tooltip="Decodes the latents to pictures."),
                wires.Study.Input(
                    "study", tooltip="What to search, and for how many images: from Surrogate Study or Surrogate Scout."
                ),
                wires.Scorer.Input(
                    "scorer",
                    tooltip="What a good picture is: from Surrogate Match Image, CLIP Score, Picture Statistics or "
                    "Combine Scores.",
                ),
                noise_seed_input(),
                io.Int.Input(
                    "images_per_batch",
                    default=8,
                    min=1,
                    max=4096,
                    tooltip="Batch size: how many images are sampled together. 1 uses the least memory; larger is "
                    "faster until the memory is full.",
                ),
                io.Int.Input("n_best", default=4, min=1, max=256, tooltip="Number of best pictures to return."),
                io.Boolean.Input(
                    "score_seeds",
                    default=True,
                    tooltip="On: the seeds themselves are rendered and scored first, one image each in addition to "
                    "the budget. The search then knows which score it has to beat.",
                ),
                wires.Scorer.Input(
                    "scorer_2", optional=True, tooltip="A second score, for a study with several directions."
                ),
                wires.Scorer.Input(
                    "scorer_3", optional=True, tooltip="A third score, for a study with several directions."
                ),
            ],
            outputs=[
                io.Latent.Output(
                    display_name="best_latent", tooltip="The latent of the best picture, before decoding."
                ),
                io.Image.Output(display_name="best_image", tooltip="The best picture, or the frames of the best clip."),
                io.Image.Output(display_name="n_best_images", tooltip="The best pictures, the best one first."),
                wires.Points.Output(
                    display_name="n_best_points",
                    tooltip="The points of the best pictures, in the same order. Use the space output with them.",
                ),
                io.Float.Output(
                    display_name="n_best_scores",
                    is_output_list=True,
                    tooltip="The first score of each of the best pictures, in the same order.",
                ),
                io.String.Output(
                    display_name="report",
                    tooltip="A sentence that says how far the search is and what its best score is.",
                ),
                wires.Study.Output(
                    display_name="study", tooltip="The study, for Surrogate Study Report or Seed Utility."
                ),
                wires.Space.Output(
                    display_name="space",
                    tooltip="The space of n_best_points. With the optimiser adaptive, and after Surrogate Scout, it "
                    "is not the space that you connected.",
                ),
            ],
            hidden=[io.Hidden.unique_id, io.Hidden.prompt],
            is_output_node=True,
        )

    @classmethod
    def execute(
        cls,
        guider,
        sampler,
        sigmas,
        latent,
        vae,
        study,
        scorer,
        noise_seed,
        images_per_batch,
        n_best,
        score_seeds=True,
        scorer_2=None,
        scorer_3=None,
    ) -> io.NodeOutput:
        scorers = [s for s in (scorer, scorer_2, scorer_3) if s is not None]
        following, opened = study.present(), None
        while following is not opened:
            opened = following
            _check_latent(opened, latent)
            warn(cls, note_graph(cls, opened.study))
            run = _Run(
                cls, opened, (guider, sampler, sigmas), latent, vae, noise_seed, scorers, images_per_batch, n_best
            )
            # The noises of a scouting are its seeds.
            run.search(score_seeds=score_seeds and opened.successor is None)
            following = opened.present()

        report = opened.study.report()
        text = opened.progress(report)
        say(cls, text)
        best = opened.study.n_best(n_best)
        if not best:
            raise ValueError(f"No image of the study {report.name!r} has a score: {report}. Check the scorer.")
        frames, samples = zip(*(run.rendered(b) for b in best), strict=True)
        return io.NodeOutput(
            samples[0],
            as_images(frames[:1]),
            as_images(frames),
            points.from_coordinates(opened.space, [b.u for b in best]),
            [b.scores[0] for b in best],
            text,
            opened,
            opened.space,
            ui={"text": [text], "images": run.live.shown(always=True)},
        )


class _Run:
    """Renders and scores points of one study, keeps the pictures of the best, and shows how it stands."""

    def __init__(self, node, opened, sampling, latent, vae, noise_seed, scorers, images_per_batch, n_best):
        self.node, self.opened, self.sampling, self.latent, self.vae = node, opened, sampling, latent, vae
        self.noise_seed, self.scorers, self.at_once, self.n_best = noise_seed, scorers, images_per_batch, n_best
        self.live = Live(opened.study)
        self.kept: dict = {}  # of the best: number -> (frames, sample)

    def search(self, score_seeds: bool) -> None:
        """Until the budget is spent, or others have the rest; first the seeds that have no score, if `score_seeds`."""
        study = self.opened.study
        seeds = points.from_coordinates(self.opened.space, study.corners)
        unscored = [i for i, row in enumerate(study.history().known_rows(seeds.u)) if score_seeds and row < 0]
        report = study.report()
        guider, _, sigmas = self.sampling
        self.progress = Progress(guider, len(unscored) + report.budget + self.n_best, sigmas, self.node)
        self.progress.skip(report.evaluated)
        for group in in_groups(len(unscored), self.at_once) if unscored else ():
            chosen = seeds.select([unscored[i] for i in group])
            pictures, scores, _ = self._scored(chosen.u)
            study.add_known(chosen.u, scores, chosen.labels, [frames for frames, _ in pictures])
            self._keep(pictures, study.history().known_rows(chosen.u), study.report())
        while len(generation := study.ask()):
            for group in in_groups(len(generation), self.at_once):
                asked = generation.select(group)
                pictures, scores, reasons = self._scored(asked.u)
                frames = [frames for frames, _ in pictures]
                self._keep(pictures, asked.trials, study.tell(asked, scores, reasons, frames))

    def rendered(self, best) -> tuple:
        """The frames and the sample of a point; one that an earlier run found is rendered once more."""
        return self.kept.get(best.number) or self._pictures(best.u[None])[0]

    def _pictures(self, u) -> list[tuple]:
        """(frames, sample) of each point u (n, k-1)."""
        repeated = repeat_to(self.latent, len(u), "points")
        everything, space = [list(range(len(u)))], self.opened.space
        made = render(
            *self.sampling, repeated, self.vae, space, space.weights(u), self.noise_seed, everything, self.progress
        )
        return [(one.frames, one.sample) for one in made]

    def _scored(self, u) -> tuple[list[tuple], list, list]:
        pictures = self._pictures(u)
        scores, reasons = _score(self.scorers, [frames for frames, _ in pictures])
        warn(self.node, sorted({reason for reason in reasons if reason}))
        return pictures, scores, reasons

    def _keep(self, pictures, trials, report) -> None:
        """Remember the latest pictures, the best ones whole, and show how the search stands."""
        keep_pictures(self.opened, trials, [frames for frames, _ in pictures], report.best)
        self.kept.update((int(trial), picture) for trial, picture in zip(trials, pictures, strict=True))
        best = {b.number for b in self.opened.study.n_best(self.n_best)}
        for trial in self.kept.keys() - best:
            del self.kept[trial]
        drawn = self.live.draw(trials)
        if drawn is not None:
            self.progress.show(Image.fromarray(drawn))
        say(self.node, self.opened.progress(report))


def _check_latent(study, latent) -> None:
    shape = [list(part) for part in sample_parts(latent)]
    if study.study.definition.shape not in (None, shape):
        raise ValueError(
            f"latent has shape {shape}, but the study {study.study.name!r} searches latents of shape "
            f"{study.study.definition.shape}: connect the latent that the Study node has."
        )


def _score(scorers, pictures: list) -> tuple[list, list]:
    """Scores (n, m) of pictures (t, h, w, c), a clip's being the mean of its frames'; one that fails costs one image."""
    scores, reasons = [], []
    for picture in pictures:
        try:
            images = as_images([picture])
            scores.append([float(torch.as_tensor(scorer(images)).double().mean()) for scorer in scorers])
            reasons.append(None)
        except Exception as error:  # a scorer is somebody's model: anything can come
            if type(error).__name__ == "InterruptProcessingException":
                raise
            scores.append([math.nan] * len(scorers))
            reasons.append(f"{type(error).__name__}: {error}")
    if all(reasons) and len(set(reasons)) == 1 and len(reasons) > 1:
        raise ValueError(f"The scorer fails on every image: {reasons[0]}")
    return ([row[0] for row in scores] if len(scorers) == 1 else scores), reasons
