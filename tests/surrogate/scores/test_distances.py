"""How unlike pictures and clips are: what an eye would say where that is known."""

import numpy as np

from surrogate.scores.distances import picture_distances


def test_distances_of_pictures_are_those_of_what_is_seen():
    black, white = np.zeros((40, 60, 3), np.uint8), np.full((9, 9, 3), 255, np.uint8)
    half = np.concatenate([np.zeros((64, 32, 3), np.uint8), np.full((64, 32, 3), 255, np.uint8)], axis=1)
    distances = picture_distances([black, white, half, black[:7]])
    # Oklab's lightness of black and white differs by 1; of half a picture by the root of a half.
    np.testing.assert_allclose(distances[0], [0, 1, np.sqrt(0.5), 0], atol=1e-6)
    assert np.array_equal(distances, distances.T)


def test_clips_are_compared_frame_by_frame():
    clip = np.random.default_rng(0).integers(0, 256, (4, 40, 40, 3), dtype=np.uint8)
    late = clip.copy()
    late[3] = 255 - late[3]
    distances = picture_distances([clip, late])
    alone = picture_distances([clip[3], late[3]])
    np.testing.assert_allclose(distances[0, 1], alone[0, 1] / 2)  # one frame of four
    np.testing.assert_allclose(picture_distances([clip[:1], late[:1]])[0, 1], 0)
