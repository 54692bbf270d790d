"""Noise masks of every shape that core takes: each sample gets in every batch the mask that it has in the whole batch."""

import pytest
import torch

from .graph import Graph

IMAGES, CLIPS, ONE_CLIP = (4, 4, 8, 6), (4, 16, 3, 6, 8), (1, 16, 4, 6, 8)
# Name -> (the latent, its masks). Four points each: as many as the frames of the last clip.
MASKS = {
    "one for all images": (IMAGES, {"masked": True}),
    "one for each image": (IMAGES, {"mask_each": True}),
    "fewer than images": (IMAGES, {"masks": 3}),
    "more than images": (IMAGES, {"masks": 6}),
    "several for one image that is repeated": ((1, *IMAGES[1:]), {"masks": 2}),
    "one for all clips": (CLIPS, {"masked": True}),
    "one for each clip": (CLIPS, {"mask_each": True}),
    "one for each frame": (CLIPS, {"masks": 3}),
    "one for each frame, as many as points": (ONE_CLIP, {"masks": 4}),
}


@pytest.mark.parametrize("name", MASKS)
def test_the_pictures_are_those_of_one_batch_of_stock_nodes(comfy, name):
    shape, masks = MASKS[name]
    g = Graph(comfy)
    clip = len(shape) == 5
    model, conditioning = g("TestAnyModel", channels=shape[1], video=clip).outputs(2)
    vae, space = g("TestAnyVAE", kind="video" if clip else "rgb"), g.space("12, 99")
    points = g("SurrogatePoint", space=space, coordinates="0.1\n0.4\n0.6\n0.9")
    latent = g.latent(*shape, fill="normal", number=3, **masks)
    made = [
        g.keep(
            g.render(
                model,
                conditioning,
                vae,
                latent,
                space,
                points,
                steps=2,
                images_per_batch=size,
                filename_prefix=f"masks/{name} {size}",
            )
        )
        for size in (4, 3, 1)
    ]
    noise, repeated = g("SurrogateNoise", space=space, points=points, latent=latent).outputs(2)
    stock = g.keep(g.decoded(g.custom(model, conditioning, noise, repeated, steps=2), vae))
    whole, split = g("SurrogateNoise", space=space, points=points, latent=latent, images_per_batch=3).outputs(2)
    parts = g.keep(g.decoded(g.custom(model, conditioning, whole, split, steps=2), vae))
    g.run()
    expected = (stock.tensor * 255).to(torch.uint8).float() / 255
    for one in made:
        assert torch.equal(one.tensor, expected)
    # Core's arithmetic: on some processors the last bits depend on the size of the batch.
    torch.testing.assert_close(torch.cat(list(parts.tensors.values())), stock.tensor, rtol=0, atol=1e-6)
