"""Ask, Tell Drafts and Tell with stock nodes, in a real server: what is finished, what is counted, and what is refused."""

import itertools

import numpy as np
import pytest

from dev.client import ExecutionFailed
from surrogate.search import COMPLETE, FAILED, SKIPPED

from .graph import Graph, counted
from .test_search import BETWEEN, history, wait_finished

names = (f"drafted rounds {i}" for i in itertools.count())
STEPS, STEP = 8, 2


class Drafted:
    """The graph of a search for brightness; `log` counts the finished images."""

    def __init__(self, comfy, budget=16, step=STEP, finish=2, until_finished=False, optimiser=BETWEEN, scout=False):
        self.name = next(names)
        self.g = g = Graph(comfy)
        model, conditioning = g("TestAnyModel").outputs(2)
        self.latent, self.vae = g.latent(1, 4, 8, 8), g("TestAnyVAE")
        how = {"optimiser": optimiser, "budget": budget, "population": 8, "random_seed": 5}
        if scout:
            study = g("SurrogateScout", latent=self.latent, name=self.name, budget=budget, seeds=4)
        else:
            study = g("SurrogateStudy", space=g.space(), latent=self.latent, name=self.name, **how)
        self.parts = g.sampling(model, conditioning, steps=STEPS, sampler="dpmpp_2m")
        sigmas = self.parts["sigmas"]
        high = g("SplitSigmas", sigmas=sigmas, step=step)
        ask = g("SurrogateAsk", study=study)
        drafts = self.rendered(ask[2], ask[1], {**self.parts, "sigmas": high[0]}, output=1)
        self.told = g(
            "SurrogateTellDrafts",
            study=ask,
            scores=self.brightness(drafts),
            draft_sigmas=high[0],
            sigmas=sigmas,
            finish=finish,
            images=drafts,
        )
        counted_parts = {**self.parts, "sampler": g("TestCountedSampler", sampler=self.parts["sampler"], log=self.name)}
        self.finished = self.rendered(self.told[2], self.told[1], counted_parts)
        self.tell = g(
            "SurrogateTell",
            study=self.told,
            scores=self.brightness(self.finished),
            images=self.finished,
            until_finished=until_finished,
        )
        self.said = g("PreviewAny", source=self.tell[3]).number

    def rendered(self, space, points, parts, output=0):
        noise = self.g("SurrogateNoise", space=space, points=points, latent=self.latent)
        sampled = self.g("SamplerCustomAdvanced", noise=noise[0], latent_image=noise[1], **parts)
        return self.g.decoded(sampled[output], self.vae)

    def brightness(self, images):
        return self.g("SurrogatePictureStatistics", statistic="brightness", images=images)


def test_the_best_drafts_are_finished_and_are_the_ordinary_images(comfy):
    drafted = Drafted(comfy)
    g = drafted.g
    found = g.keep(drafted.finished)
    # The best, made again by stock nodes alone.
    again = g.keep(drafted.rendered(drafted.told[2], drafted.tell[1], drafted.parts))
    best = g.keep(drafted.tell[2])
    g.run()
    rows = history(comfy, drafted.name)
    assert sorted(rows.state.tolist()) == [COMPLETE] * 2 + [SKIPPED] * 6
    drafts = np.array([draft.scores[STEP] for draft in rows.drafts])
    assert set(np.argsort(-drafts)[:2]) == set(np.flatnonzero(rows.state == COMPLETE))
    assert all(draft.spent == STEP and draft.of == STEPS for draft in rows.drafts)
    assert sum(counted(comfy, drafted.name)) == 2
    scores, order = rows.scores[:, 0], np.argsort(-drafts)[:2]
    as_file = (255.0 * again.tensor.numpy()).clip(0, 255).astype(np.uint8)
    assert np.array_equal((255.0 * best.tensor.numpy()).round().astype(np.uint8), as_file)
    winner = int(np.argmax(scores[order]))
    assert np.array_equal(found.tensor.numpy()[winner], again.tensor.numpy()[0])


def test_it_repeats_itself_until_the_steps_are_spent(comfy):
    drafted = Drafted(comfy, budget=16, until_finished=True)
    drafted.g.run()
    wait_finished(comfy, drafted.name)
    rows = history(comfy, drafted.name)
    finished, alone = (rows.state == COMPLETE).sum(), rows.drafted.sum()
    # 16 images are 128 steps: 2 for each draft, 8 for each finished image.
    assert 120 <= 2 * len(rows) + 8 * finished <= 128 and finished + alone == len(rows) > 16


def test_the_text_says_what_was_spent_and_whether_drafts_agree(comfy):
    drafted = Drafted(comfy, budget=32, finish=4)
    g = drafted.g
    words = g("PreviewAny", source=drafted.told[3]).number
    texts = [g.run()["outputs"][words]["text"][0] for _ in range(3)]
    assert texts[0] == "8 drafts after 2 of 8 steps, the 4 most promising are finished"
    assert "drafts and finished images agree with a correlation of" in texts[2] and "over 8 images" in texts[2]


def test_the_optimiser_adaptive_takes_drafts(comfy):
    drafted = Drafted(comfy, budget=16, optimiser="beyond the seeds")
    for _ in range(2):
        drafted.g.run()
    rows = history(comfy, drafted.name)
    assert (rows.state == COMPLETE).sum() == 4 and rows.drafted.sum() == 12


def test_a_draft_that_is_nan_failed_and_the_rest_goes_on(comfy):
    drafted = Drafted(comfy)
    g = drafted.g
    scores = "[0.5, 0.1, NaN, 0.9, 0.2, 0.3, 0.4, 0.1]"
    g.prompt[drafted.told.number]["inputs"]["scores"] = g("TestNumbers", numbers=scores)[0]
    g.run()
    rows = history(comfy, drafted.name)
    assert rows.state[2] == FAILED and np.flatnonzero(rows.state == COMPLETE).tolist() == [0, 3]


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"step": 0}, "draft_sigmas has 0 steps and sigmas 8: a draft needs at least one step"),
        ({"step": 8}, "draft_sigmas has 8 steps and sigmas 8"),
        ({"scout": True}, "study comes from Surrogate Scout, which finishes all the noises"),
    ],
)
def test_what_cannot_be_drafted_is_refused(comfy, how, message):
    drafted = Drafted(comfy, **how)
    with pytest.raises(ExecutionFailed, match=message):
        drafted.g.run()


def test_another_schedule_is_refused(comfy):
    drafted = Drafted(comfy)
    g = drafted.g
    inputs = g.prompt[drafted.told.number]["inputs"]
    inputs["sigmas"] = g("FlipSigmas", sigmas=inputs["sigmas"])[0]
    with pytest.raises(ExecutionFailed, match="draft_sigmas is not the beginning of sigmas: connect high_sigmas"):
        g.run()
    inputs["study"] = [g.prompt[inputs["study"][0]]["inputs"]["study"][0], 0]
    with pytest.raises(ExecutionFailed, match="put Surrogate Ask between the two"):
        g.run()
