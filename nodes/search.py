"""Search: the whole loop inside one node, without graph overhead."""

from __future__ import annotations

import math

import torch
from comfy_api.latest import io
from PIL import Image

from ..surrogate import points
from . import wires
from .latents import repeat_to, sample_parts
from .live import Live, keep_pictures
from .noise import in_groups, noise_seed_input
from .notices import tell, warn
from .sampling import Progress, as_images, render
from .study import note_graph

__all__ = ["Search"]


class Search(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="SurrogateSearch",
            display_name="Surrogate Search",
            category="surrogate/search",
            description="Searches until the study's budget is spent: samples, decodes, scores and learns inside one "
            "node. Cancel when you like; the next run goes on. The same study can be continued with Ask and Tell.",
            inputs=[
                io.Guider.Input("guider", tooltip="The model with its prompt, as for SamplerCustomAdvanced."),
                io.Sampler.Input("sampler", tooltip="The sampler. Deterministic ones such as euler are best."),
                io.Sigmas.Input("sigmas", tooltip="The schedule."),
                io.Latent.Input("latent", tooltip="A latent with a batch of 1, the one that the study was given."),
                io.Vae.Input("vae", tooltip="Decodes the latents to pictures."),
                wires.Study.Input("study", tooltip="What to search, and how long."),
                wires.Scorer.Input("scorer", tooltip="What is a good picture."),
                noise_seed_input(),
                io.Int.Input(
                    "images_per_batch",
                    default=8,
                    min=1,
                    max=4096,
                    tooltip="How many to sample together: as many as your memory holds.",
                ),
                io.Int.Input("n_best", default=4, min=1, max=256, tooltip="How many of the best to return."),
                io.Boolean.Input(
                    "score_seeds",
                    default=True,
                    tooltip="First render and score the seeds themselves, one image each beyond the budget: the search "
                    "then knows what it has to beat.",
                ),
                wires.Scorer.Input("scorer_2", optional=True, tooltip="A second score, for a study of several."),
                wires.Scorer.Input("scorer_3", optional=True, tooltip="A third score."),
            ],
            outputs=[
                io.Latent.Output(display_name="best_latent"),
                io.Image.Output(display_name="best_image"),
                io.Image.Output(display_name="n_best_images", tooltip="The best ones, best first."),
                wires.Points.Output(display_name="n_best_points", tooltip="Where they lie in the space."),
                io.Float.Output(display_name="n_best_scores", is_output_list=True, tooltip="Their (first) scores."),
                io.String.Output(display_name="report"),
                wires.Study.Output(display_name="study"),
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
        _check_latent(study, latent)
        scorers = [s for s in (scorer, scorer_2, scorer_3) if s is not None]
        warn(cls, note_graph(cls, study.study))
        seeds = points.vertices(study.space)
        history = study.study.history()
        unscored = [i for i, row in enumerate(history.known_rows(seeds.u)) if score_seeds and row < 0]
        report = study.study.report()
        progress = Progress(guider, len(unscored) + report.budget + n_best, sigmas)
        progress.skip(report.evaluated)
        live = Live(study.study)

        def pictures(u):
            repeated = repeat_to(latent, len(u), "points")
            everything = [list(range(len(u)))]
            return list(
                render(guider, sampler, sigmas, repeated, vae, study.space, u, noise_seed, everything, progress)
            )

        kept: dict = {}

        def keep(rendered, trials, report):
            """Remember the latest pictures, the best ones whole, and show how the search stands."""
            keep_pictures(study, trials, [frames for _, frames, _ in rendered], report.best)
            kept.update((int(t), (frames, sample)) for t, (_, frames, sample) in zip(trials, rendered, strict=True))
            best = {b.number for b in study.study.n_best(n_best)}
            for trial in kept.keys() - best:
                del kept[trial]
            drawn = live.draw(trials)
            if drawn is not None:
                progress.show(Image.fromarray(drawn))
            tell(cls, str(report))

        for group in in_groups(len(unscored), images_per_batch) if unscored else ():
            chosen = seeds.select([unscored[i] for i in group])
            rendered = pictures(chosen.u)
            scores, reasons = _score(scorers, [frames for _, frames, _ in rendered])
            warn(cls, sorted({reason for reason in reasons if reason}))
            study.study.add_known(chosen.u, scores, chosen.labels)
            keep(rendered, study.study.history().known_rows(chosen.u), study.study.report())
        while len(generation := study.study.ask()):
            for group in in_groups(len(generation), images_per_batch):
                asked = generation.select(group)
                rendered = pictures(asked.u)
                scores, reasons = _score(scorers, [frames for _, frames, _ in rendered])
                warn(cls, sorted({reason for reason in reasons if reason}))
                keep(rendered, asked.trials, study.study.tell(asked, scores, reasons))

        report = study.study.report()
        tell(cls, str(report))
        best = study.study.n_best(n_best)
        if not best:
            raise ValueError(f"No image of the study {study.study.name!r} has a score: {report}. Check the scorer.")
        # Those that an earlier run found are rendered once more.
        for b in best:
            if b.number not in kept:
                kept[b.number] = next((frames, sample) for _, frames, sample in pictures(b.u[None]))
        frames = [kept[b.number][0] for b in best]
        return io.NodeOutput(
            kept[best[0].number][1],
            as_images(frames[:1]),
            as_images(frames),
            points.from_coordinates(study.space, [b.u for b in best]),
            [b.scores[0] for b in best],
            str(report),
            study,
            ui={"text": [str(report)], "images": live.shown(always=True)},
        )


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
