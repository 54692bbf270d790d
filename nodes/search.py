"""Search: the whole loop inside one node, without graph overhead."""

from __future__ import annotations

import torch
from comfy_api.latest import io
from PIL import Image

from ..surrogate import points
from ..surrogate.search import DraftingLoop, Judging, Loop, NoUsablePictures, named_faults
from .tools import wires
from .tools.combined import medium_of
from .tools.latents import fix_empty, repeat_to, sample_parts, select, tensors_of
from .tools.live import Live, keep_pictures
from .tools.notices import say, warn
from .tools.running import run_search
from .tools.sampling import FAULTS_ADVICE, Progress, Rendered, as_images, render
from .tools.sampling_inputs import BATCH, guider_input, noise_seed_input, sampler_input, sigmas_input, vae_input
from .tools.schema import schema
from .tools.scoring_nodes import NodeScorer
from .tools.sound import decode_sounds, is_for_sound, silence
from .tools.studies import note_graph, patient_node
from .tools.study_inputs import different_input

__all__ = ["Search", "outputs"]

AGAIN = "The next run makes these pictures again."
# What is said of drafts. Options are saved in workflows.
OFF, AUTO, MOST_STEPS = "off", "auto", 24
SILENT_RATE = 24.0  # frames a second of clips without sound


def outputs(in_list: bool = True) -> list:
    """What a search gives; its scores `in_list`, or as one value."""
    return [
        io.Latent.Output(display_name="best_latent", tooltip="The latent of the best picture, before decoding."),
        io.Image.Output(display_name="best_image", tooltip="The best picture, or the frames of the best clip."),
        io.Image.Output(display_name="n_best_images", tooltip="The best pictures, the best one first."),
        wires.Points.Output(
            display_name="n_best_points",
            tooltip="The points of the best pictures, in the same order. Use the space output with them.",
        ),
        io.Float.Output(
            display_name="n_best_scores",
            is_output_list=in_list,
            tooltip="The first score of each of the best pictures, in the same order.",
        ),
        io.String.Output(
            display_name="report",
            tooltip="A sentence that says how far the search is and what its best score is; with drafts, also how many "
            "steps it took of how many, and what the drafts saved.",
        ),
        wires.Study.Output(display_name="study", tooltip="The study, for Surrogate Study Report or Seed Utility."),
        wires.Space.Output(
            display_name="space",
            tooltip="The space of n_best_points. With the optimiser adaptive, and after Surrogate Scout, it "
            "is not the space that you connected.",
        ),
        io.Audio.Output(
            display_name="n_best_sounds",
            is_output_list=in_list,
            tooltip="The best sounds; with audio_vae, the sound of each of the best clips, in the same order. Otherwise silence.",
        ),
    ]


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
                guider_input(),
                sampler_input(),
                sigmas_input(),
                io.Latent.Input("latent", tooltip="The latent that the study was given, with a batch size of 1."),
                vae_input(),
                wires.Study.Input(
                    "study", tooltip="What to search, and for how many images: from Surrogate Study or Surrogate Scout."
                ),
                wires.Scorer.Input(
                    "scorer",
                    tooltip="What a good picture is: from Surrogate Match Image, CLIP Score, Picture Statistics or "
                    "Combine Scores; for sounds, Match Sound or Sound Statistics; for nodes of other packs, Score Output.",
                ),
                noise_seed_input(),
                io.Int.Input(
                    "images_per_batch",
                    default=8,
                    **BATCH,
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
                io.Vae.Input(
                    "audio_vae",
                    optional=True,
                    tooltip="For models that make clips with sound (LTX-2): the VAE that decodes the sound of the best clips. "
                    "The scorers see the pictures.",
                ),
                io.Combo.Input(
                    "drafts",
                    options=[OFF, AUTO, *map(str, range(1, MOST_STEPS + 1))],
                    default=OFF,
                    optional=True,
                    tooltip="off: every candidate is finished. auto: if the model's predictions after an eighth or a quarter "
                    "of the steps tell the final score, most candidates are judged by these drafts, and only the most "
                    "promising are finished; the steps of the budget then go to several times as many candidates. The first "
                    "16 images measure it, and checks repeat it. A number: always draft, after so many steps.",
                ),
                different_input(),
            ],
            outputs=outputs(),
            hidden=[io.Hidden.unique_id, io.Hidden.prompt, io.Hidden.dynprompt],
            is_output_node=True,
            enable_expand=True,
        )

    @classmethod
    @patient_node
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
        audio_vae=None,
        drafts=OFF,
        different=False,
    ) -> io.NodeOutput:
        if audio_vae is not None:  # what is connected wrongly is said before the budget is spent
            _sound(audio_vae, fix_empty(guider.model_patcher, select(latent, [0])))
        named = {"scorer": scorer, "scorer_2": scorer_2, "scorer_3": scorer_3}
        scorers = {name: given for name, given in named.items() if given is not None}
        sampling, heard = (guider, sampler, sigmas), _of_sounds(scorers, vae)
        searching = _searches(
            cls,
            study,
            sampling,
            latent,
            vae,
            heard,
            noise_seed,
            images_per_batch,
            n_best,
            score_seeds,
            audio_vae,
            drafts,
            different,
        )
        return run_search(cls, searching, {name: _of_rendered(given) for name, given in scorers.items()})


def _searches(
    node,
    study,
    sampling,
    latent,
    vae,
    heard,
    noise_seed,
    images_per_batch,
    n_best,
    score_seeds,
    audio_vae,
    drafts,
    different,
):
    """The search of a study and of those that follow it: gives out pictures to be judged, and returns what the node gives."""
    following, opened = study.present(), None
    while following is not opened:
        opened = following
        _check_latent(opened, latent)
        warn(node, note_graph(node, opened.study))
        run = _Run(node, opened, sampling, latent, vae, heard, noise_seed, images_per_batch, n_best, drafts, different)
        # The noises of a scouting are its seeds.
        yield from run.search(score_seeds=score_seeds and opened.successor is None)
        following = opened.present()
    return run.result(audio_vae)


class _Run:
    """A search in this node: renders, keeps the pictures of the best, and shows how far it is."""

    def __init__(
        self, node, opened, sampling, latent, vae, heard, noise_seed, images_per_batch, n_best, drafts, different
    ):
        self.node, self.opened, self.sampling, self.latent, self.vae = node, opened, sampling, latent, vae
        self.heard, self.noise_seed, self.n_best, self.different = heard, noise_seed, n_best, different
        self.live = Live(opened.study)
        self.kept: dict[int, Rendered] = {}  # the best, by number
        self.loop = self._loop(images_per_batch, drafts)

    def search(self, score_seeds: bool) -> Judging[None]:
        """Until the budget is spent; first the seeds that have no score, if `score_seeds`."""
        guider, _, sigmas = self.sampling
        images, there = self.loop.planned(score_seeds)
        self.progress = Progress(guider, images + self.n_best, sigmas, self.node)
        self.progress.skip(there)
        try:
            yield from self.loop.steps(score_seeds)
        except NoUsablePictures as error:
            raise ValueError(f"{error} {FAULTS_ADVICE} {AGAIN}") from None

    def _loop(self, images_per_batch: int, drafts: str) -> Loop:
        """The loop with `drafts`, where they can be of use. Raises ValueError for as many steps as finished images have."""
        study, steps = self.opened.study, len(self.sampling[2]) - 1
        common = study, self.opened.space, self._render, images_per_batch, self._keep
        fixed = None if drafts in (OFF, AUTO) else int(drafts)
        if fixed is not None and fixed >= steps:
            raise ValueError(
                f"drafts is {fixed} steps, but sigmas have {steps} steps in all: choose a smaller number, auto or off."
            )
        if drafts != OFF and len(study.definition.directions) > 1:
            warn(self.node, ["Drafts are for studies of one score: every image of this one is finished."])
        # A scouting ranks all its noises: each of them is finished.
        if drafts == OFF or steps < 2 or self.opened.successor or len(study.definition.directions) > 1:
            return Loop(*common)
        return DraftingLoop(
            *common, watch=self._render, draft=self._draft, drafted=self._drafted, of=steps, fixed=fixed
        )

    def result(self, audio_vae) -> io.NodeOutput:
        """What the node gives, with the sounds that `audio_vae` decodes, if there is one. Raises ValueError if no image has a score."""
        study, report = self.opened.study, self.opened.study.report()
        faults = named_faults(self.loop.faults)
        remedy = f"{faults} {FAULTS_ADVICE} {AGAIN}" if faults else ""
        best = study.n_best(self.n_best, self.different)
        if not best:
            raise ValueError(
                f"No image of the study {report.name!r} has a score: {report}. {remedy or 'Check the scorer.'}"
            )
        said = [self.opened.progress(report), *filter(None, [self._drafts_in_words(), remedy])]
        shown = [(b, one) for b in best if not (one := self._rendered(b)).fault]
        if len(shown) < len(best):
            said.append(
                f"{len(best) - len(shown)} of the best images cannot be made again: they are NaN or infinite now."
            )
        if not shown:
            raise ValueError(
                f"None of the best images can be made again: they are NaN or infinite now. {FAULTS_ADVICE}"
            )
        text = "\n".join(said)
        say(self.node, text)
        frames = [one.frames for _, one in shown]
        return io.NodeOutput(
            shown[0][1].sample,
            as_images(frames[:1]),
            as_images(frames),
            points.from_coordinates(self.opened.space, [b.u for b, _ in shown]),
            [b.scores[0] for b, _ in shown],
            text,
            self.opened,
            self.opened.space,
            [_heard(one, audio_vae) for _, one in shown],
            ui={"text": [text], "images": self.live.shown(always=True)},
        )

    def _rendered(self, best) -> Rendered:
        """The picture of a point; one that an earlier run found is rendered once more."""
        return self.kept.get(best.number) or self._render(best.u[None])[0]

    def _drafts_in_words(self) -> str:
        """What became of drafts that the search looked at."""
        now = self.opened.study.drafting
        if now is None or not isinstance(self.loop, DraftingLoop):
            return ""
        if now.step == 0:
            late = f" after {now.refuted} steps and before" if now.refuted else ""
            return f"Drafts{late} do not tell the final score well enough here: images are finished."
        return f"Drafts are judged after {now.step} of {now.of} steps." if now.step else ""

    def _draft(self, u, step: int) -> list[Rendered]:
        """What the model predicts for the points u (n, k-1) after `step` steps."""
        return self._render(u, draft=step)

    def _drafted(self, report) -> None:
        say(self.node, self.opened.progress(report))

    def _render(self, u, watch=(), draft: int | None = None) -> list[Rendered]:
        """The pictures of the points u (n, k-1), with drafts after the steps in `watch`; or drafts alone."""
        repeated = repeat_to(self.latent, len(u), "points")
        guider, sampler, sigmas = self.sampling
        if draft is not None:
            sigmas = sigmas[: draft + 1]
        everything, space, w = [list(range(len(u)))], self.opened.space, self.opened.space.weights(u)
        return list(
            render(
                guider,
                sampler,
                sigmas,
                repeated,
                None if self.heard else self.vae,
                space,
                w,
                self.noise_seed,
                everything,
                self.progress,
                draft=draft is not None,
                audio_vae=self.vae if self.heard else None,
                watch=watch,
            )
        )

    def _keep(self, trials, pictures, report) -> None:
        """Remember the latest pictures, the best ones whole, and show how far the search is."""
        keep_pictures(self.opened, trials, [one.frames for one in pictures], report.best)
        self.kept.update(zip(trials, pictures, strict=True))
        best = {b.number for b in self.opened.study.n_best(self.n_best, self.different)}
        for trial in self.kept.keys() - best:
            del self.kept[trial]
        drawn = self.live.draw(trials)
        if drawn is not None:
            self.progress.show(Image.fromarray(drawn))
        say(self.node, self.opened.progress(report))


def _of_sounds(scorers: dict, vae) -> bool:
    """Whether the search is one of sounds: its scorers judge sounds, or nodes judge what an audio VAE gives."""
    own = {name: scorer for name, scorer in scorers.items() if not isinstance(scorer, NodeScorer)}
    heard = medium_of(own) == "sound" if own else is_for_sound(vae)
    if heard and not is_for_sound(vae):
        raise ValueError(f"{next(iter(own))} judges sounds, but vae decodes to pictures: connect an audio VAE.")
    return heard


def _of_rendered(scorer):
    """`scorer` of an IMAGE or of waveforms as one of a Rendered: a clip's score is the mean of its frames'.

    One that the graph runs is what it is.
    """
    if isinstance(scorer, NodeScorer):
        return scorer
    if medium_of({"scorer": scorer}) == "sound":
        return lambda one: float(scorer(one.sound["waveform"], one.sound["sample_rate"])[0])
    return lambda one: float(torch.as_tensor(scorer(as_images([one.frames]))).double().mean())


def _heard(one: Rendered, audio_vae) -> dict:
    """The AUDIO of one of the best: its own, what `audio_vae` makes of its latent, or silence."""
    if one.sound is not None:
        return one.sound
    return silence(len(one.frames), SILENT_RATE) if audio_vae is None else _sound(audio_vae, one.sample)


def _sound(audio_vae, latent: dict) -> dict:
    """The AUDIO of a latent of one sample."""
    return decode_sounds(audio_vae, tensors_of(latent["samples"]))[0]


def _check_latent(study, latent) -> None:
    shape = [list(part) for part in sample_parts(latent)]
    if study.study.definition.shape not in (None, shape):
        raise ValueError(
            f"latent has shape {shape}, but the study {study.study.name!r} searches latents of shape "
            f"{study.study.definition.shape}: connect the latent that Surrogate Study has."
        )
