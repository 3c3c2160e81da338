"""Draws: which numbers a seed means, what bridges and scrambles are, how blocks stay small."""

import numpy as np
import pytest

from waardhaven.domain.quant.monte_carlo.bridge import bridged, links
from waardhaven.domain.quant.monte_carlo.sampling import CELLS, MOST_CHUNKS, SAMPLINGS, Draws
from waardhaven.domain.quant.monte_carlo.seeds import CHUNK, PILOT, SCRAMBLING, stream


def draws(**changes: int) -> Draws:
    return Draws(**{"paths": 4096, "steps": 4, "assets": 2, "seed": 9, "scrambles": 16, **changes})


def motions(name: str, chunk: int = 0, **changes: int) -> np.ndarray:
    """Return all steps (steps, assets, paths) of a chunk."""
    blocks = SAMPLINGS[name].blocks(draws(**changes), chunk)
    return np.concatenate([np.array([step.copy() for step in one.motion()]) for one in blocks], axis=2)


@pytest.mark.parametrize("steps", [1, 2, 3, 7, 12, 252])
def test_a_bridge_draws_every_step_once_between_steps_that_are_known(steps: int):
    known = {0, steps}
    for one in links(steps):
        assert {one.left, one.right} <= known
        assert one.left < one.step < one.right
        known.add(one.step)
    assert known == set(range(steps + 1))
    assert len(links(steps)) == steps - 1


@pytest.mark.parametrize("steps", [1, 2, 3, 7, 12])
def test_a_bridge_is_a_brownian_motion(steps: int):
    """It is linear in the normals: L L' is the covariance min(s, t)."""
    normals = np.eye(steps)[:, None, :]
    linear = bridged(normals, links(steps))[:, 0, :]
    times = np.arange(1, steps + 1)
    np.testing.assert_allclose(linear @ linear.T, np.minimum.outer(times, times), atol=1e-12)


@pytest.mark.parametrize("name", list(SAMPLINGS))
def test_every_way_draws_brownian_motions(name: str):
    whole = np.concatenate([motions(name, chunk, paths=65_536, seed=21) for chunk in range(4)], axis=2)
    flat = whole.reshape(8, -1)
    times = np.repeat(np.arange(1, 5), 2)
    expected = np.minimum.outer(times, times) * (np.arange(8)[:, None] % 2 == np.arange(8) % 2)
    np.testing.assert_allclose(np.cov(flat), expected, atol=0.08)
    assert np.abs(flat.mean(axis=1)).max() < 0.03


@pytest.mark.parametrize("name", list(SAMPLINGS))
def test_a_chunk_is_the_same_every_time_and_no_other(name: str):
    first = motions(name, 1, paths=65_536)
    np.testing.assert_array_equal(first, motions(name, 1, paths=65_536))
    assert not np.isin(first[-1, 0], motions(name, 0, paths=65_536)[-1, 0]).any()
    assert not np.isin(first[-1, 0], motions(name, 1, paths=65_536, seed=10)[-1, 0]).any()


@pytest.mark.parametrize("name", list(SAMPLINGS))
@pytest.mark.parametrize("paths", [129, 4096, 16_384, 40_000])
def test_chunks_have_as_many_paths_as_are_told_and_no_fewer_than_asked(name: str, paths: int):
    asked, way = draws(paths=paths, assets=1, steps=2), SAMPLINGS[name]
    drawn = sum(one.width for k in range(way.chunks(asked)) for one in way.blocks(asked, k))
    assert drawn == way.paths(asked) >= paths
    assert drawn < 2 * paths


def test_the_second_half_of_an_antithetic_block_mirrors_the_first():
    found = motions("antithetic", paths=1000)
    np.testing.assert_array_equal(found[..., :500], -found[..., 500:])


def test_each_scramble_of_sobol_is_as_even_as_its_points_in_every_dimension():
    """128 points a scramble: one in each interval of 1 / 128 of every dimension, and scrambles differ."""
    asked = draws(paths=2048)
    (block,) = SAMPLINGS["sobol"].blocks(asked, 0)
    points = block.points.reshape(8, 16, 128)
    cells = np.sort(np.floor(points * 128), axis=2)
    np.testing.assert_array_equal(cells, np.broadcast_to(np.arange(128), (8, 16, 128)))
    assert len(np.unique(points[0])) == 2048
    assert 0.0 < points.min() < points.max() < 1.0


def test_chunks_of_sobol_are_parts_of_one_net():
    """1,024 points a chunk and scramble: together 4,096 that are one in each interval."""
    asked, way = draws(paths=65_536, assets=1, steps=2), SAMPLINGS["sobol"]
    assert way.chunks(asked) == 4
    parts = [
        np.concatenate([b.points.reshape(2, 16, -1) for b in way.blocks(asked, k)], axis=2) for k in range(4)
    ]
    whole = np.concatenate(parts, axis=2)
    cells = np.sort(np.floor(whole * 4096), axis=2)
    np.testing.assert_array_equal(cells, np.broadcast_to(np.arange(4096), (2, 16, 4096)))


@pytest.mark.parametrize("steps", [1, 252, 10_000])
def test_blocks_of_sobol_have_no_more_numbers_than_the_bound(steps: int):
    asked = draws(steps=steps, assets=1, paths=1 << 14)
    block = next(iter(SAMPLINGS["sobol"].blocks(asked, 0)))
    assert block.points.size <= CELLS


def test_streams_of_chunks_are_the_children_of_the_seed():
    from numpy.random import SFC64, Generator, SeedSequence

    third = Generator(SFC64(SeedSequence(42).spawn(4)[3]))
    np.testing.assert_array_equal(stream(42, CHUNK, 3).random(5), third.random(5))


def test_streams_of_different_purposes_differ():
    firsts = {
        stream(1, purpose, number).random() for purpose in (CHUNK, PILOT, SCRAMBLING) for number in (0, 1, 2)
    }
    assert len(firsts) == 9


def test_many_sobol_points_are_in_few_chunks_each_of_bounded_blocks():
    """Each chunk passes all points before its own: 4,096 chunks of a large run would cost their square."""
    large = {"paths": 1 << 23, "steps": 1, "assets": 1}
    sobol, asked = SAMPLINGS["sobol"], draws(**large)
    assert sobol.chunks(asked) == MOST_CHUNKS
    widths = [one.width for one in sobol.blocks(asked, 1)]
    assert sum(widths) * MOST_CHUNKS == 1 << 23
    assert set(widths) == {sobol.width(asked)}
    assert sobol.width(draws(**large | {"steps": 64})) * 64 <= CELLS
    first = motions("sobol", 0, **large).reshape(16, -1)
    usual = motions("sobol", 0, **large | {"paths": 1 << 14}).reshape(16, -1)
    np.testing.assert_array_equal(np.sort(first[:, :1024]), np.sort(usual))
