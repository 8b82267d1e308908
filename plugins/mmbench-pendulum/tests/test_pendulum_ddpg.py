"""DDPG's pieces by hand, and a controller that is stopped and goes on."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from mmbench.api import Context
from mmbench_pendulum.controller import Budget, Observer, Training, evaluate, random_torques
from mmbench_pendulum.ddpg import DDPG, Actor, Critic, Noise, Replay, bellman_target, soft_update
from mmbench_pendulum.doppler import SoundRange

HEARD = SoundRange((330.0, 0.06), (770.0, 0.7))
BUDGET = Budget(steps=60, warm_up=30, replay=40, noise_steps=50, horizon=20, torque=1.0)


def encoder(payloads):
    """Four numbers of each stream, their mean."""
    made = [[row.values.reshape(-1)[:4] for row in rows] for rows in payloads.values()]
    return np.asarray(np.mean(made, axis=0), dtype=np.float32)


def batch(count=8, codes=3, seed=0):
    rng = np.random.default_rng(seed)
    draw = lambda width: torch.from_numpy(rng.normal(size=(count, width)).astype(np.float32))  # noqa: E731
    return draw(codes), draw(1).tanh(), draw(1), draw(codes)


def test_networks_have_the_papers_sizes():
    actor, critic = Actor(10), Critic(10)
    shapes = {name: tuple(value.shape) for name, value in critic.named_parameters()}
    assert shapes["first.weight"] == (256, 10)
    assert shapes["second.weight"] == (256, 257)
    assert shapes["last.weight"] == (1, 256)
    assert sum(each.numel() for each in actor.parameters()) == 2816 + 65792 + 257
    codes = torch.full((5, 10), 1e3)
    assert actor(codes).abs().max() <= 1.0
    assert critic(codes, actor(codes)).shape == (5, 1)


def test_weights_are_xaviers_and_follow_the_seed():
    before = torch.random.get_rng_state()
    first, again, other = DDPG(10, 0), DDPG(10, 0), DDPG(10, 1)
    assert torch.equal(before, torch.random.get_rng_state())
    weight = first.actor.second.weight.detach()
    bound = (6 / 512) ** 0.5
    assert weight.abs().max() <= bound
    assert weight.std() == pytest.approx(bound / 3**0.5, rel=0.02)
    assert not first.actor.second.bias.any()
    assert torch.equal(weight, again.actor.second.weight)
    assert not torch.equal(weight, other.actor.second.weight)
    assert torch.equal(weight, first.target_actor.second.weight)


def test_a_target_moves_a_share_of_the_way():
    target, source = Actor(2), Actor(2)
    before = [each.clone() for each in target.parameters()]
    soft_update(target, source, 0.25)
    for old, new, aim in zip(before, target.parameters(), source.parameters(), strict=True):
        assert torch.allclose(new, 0.75 * old + 0.25 * aim)
    soft_update(target, source, 1.0)
    assert all(map(torch.equal, target.parameters(), source.parameters()))


def test_what_a_step_was_worth():
    _, _, rewards, following = batch()
    worth = bellman_target(
        lambda codes: codes[:, :1] * 2, lambda codes, actions: codes[:, 1:2] + actions, rewards,
        following, gamma=0.5,
    )  # fmt: skip
    assert torch.allclose(worth, rewards + 0.5 * (following[:, 1:2] + 2 * following[:, :1]))
    assert not worth.requires_grad


def test_a_step_of_learning_is_of_the_stated_losses():
    agent = DDPG(3, 0)
    codes, actions, rewards, following = batch()
    with torch.no_grad():
        worth = rewards + 0.99 * agent.target_critic(following, agent.target_actor(following))
        critic_loss = float(((agent.critic(codes, actions) - worth) ** 2).mean())
    target = agent.target_critic.last.weight.detach().clone()
    actor = agent.actor.last.weight.detach().clone()
    found, actor_loss = agent.learn((codes, actions, rewards, following))
    assert found == pytest.approx(critic_loss, rel=1e-5)
    step = (agent.actor.last.weight - actor).abs()
    assert float(step.detach().max()) == pytest.approx(
        1e-4, rel=1e-2
    )  # Adam's first step is its rate
    moved = agent.target_critic.last.weight - target
    way = agent.critic.last.weight - target
    assert torch.allclose(moved, 0.001 * way, atol=1e-7)
    # The actor's loss is of the critic as it has just become.
    before = DDPG(3, 0).actor
    assert actor_loss == pytest.approx(-agent.critic(codes, before(codes)).mean().item(), rel=1e-4)


def test_learning_finds_the_better_action():
    """Reward is highest at the action that the code names."""
    agent, rng = DDPG(1, 0), np.random.default_rng(0)
    replay = Replay(500, 1)
    for _ in range(500):
        code, action = rng.uniform(-0.8, 0.8, 1).astype(np.float32), float(rng.uniform(-1, 1))
        replay.add(code, action, -1 * (action - float(code[0])) ** 2, code)
    for _ in range(300):
        agent.learn(replay.draw(64, rng))
    tried = np.array([[-0.6], [0.0], [0.6]], dtype=np.float32)
    assert agent.act(tried) == pytest.approx(tried[:, 0], abs=0.15)


def test_noise_wanders_and_dies_away():
    rng, noise = np.random.default_rng(0), Noise(steps=1_000)
    assert noise(0, rng) == pytest.approx(0.2 * np.random.default_rng(0).standard_normal())
    drawn = [noise(0, rng) for _ in range(4_000)]
    # A first-order process with 0.85 of the last value: sigma / sqrt(1 - 0.85²).
    assert np.std(drawn) == pytest.approx(0.2 / (1 - 0.85**2) ** 0.5, rel=0.1)
    assert np.corrcoef(drawn[:-1], drawn[1:])[0, 1] == pytest.approx(0.85, abs=0.05)
    before = noise.state
    assert noise(1_000, rng) == pytest.approx(0.85 * before)
    assert noise(5_000, rng) == pytest.approx(0.85**2 * before)


def test_the_replay_forgets_the_oldest():
    replay = Replay(3, 2)
    for number in range(5):
        replay.add(np.full(2, number, np.float32), number / 10, -number, np.full(2, -1, np.float32))
    assert len(replay) == 3
    codes, actions, rewards, following = replay.draw(200, np.random.default_rng(0))
    assert set(codes[:, 0].tolist()) == {2.0, 3.0, 4.0}
    assert torch.allclose(actions, codes[:, :1] / 10)
    assert torch.equal(rewards, -codes[:, :1])
    assert following.unique().tolist() == [-1.0]


def test_all_of_an_agent_is_kept():
    agent, other = DDPG(3, 0), DDPG(3, 5)
    agent.learn(batch())
    other.restore(agent.kept())
    for each in (agent, other):
        each.learn(batch(seed=1))
    for ours, theirs in zip(agent.kept().items(), other.kept().items(), strict=True):
        assert ours[0] == theirs[0]
        assert np.array_equal(ours[1], theirs[1])


def trained(folder=None, progress=None, seed=0):
    said = {} if progress is None else {"progress": progress}
    context = Context(seed=seed, checkpoint=folder, **said)
    training = Training(Observer(encoder, HEARD), ("image", "sound"), BUDGET, seed, context)
    training.run()
    return training


def test_a_controller_that_was_stopped_ends_where_it_would_have(tmp_path):
    class Killed(BaseException):
        pass

    def kill(done, _total, _what):
        if done == 47:
            raise Killed

    with pytest.raises(Killed):
        trained(tmp_path, kill)
    reports = []
    resumed = trained(tmp_path, lambda done, *_said: reports.append(done))
    assert reports[0] == 48  # kept after each step of so short a training
    plain = trained()
    assert plain.episodes == resumed.episodes
    assert len(plain.episodes) == 3
    kept, again = plain.agent.kept(), resumed.agent.kept()
    assert all(np.array_equal(kept[name], again[name]) for name in kept)


def test_a_damaged_checkpoint_begins_anew(tmp_path):
    (tmp_path / "controller.npz").write_bytes(b"half a file")
    assert trained(tmp_path).episodes == trained().episodes


def test_it_learns_only_once_the_replay_is_warm():
    assert trained(seed=1).episodes != trained().episodes
    untouched = DDPG(4, 0)
    cold = Training(
        Observer(encoder, HEARD), ("image", "sound"),
        Budget(steps=30, warm_up=30, replay=40, noise_steps=50, horizon=20, torque=1.0), 0,
        Context(),
    )  # fmt: skip
    cold.run()
    assert torch.equal(cold.agent.actor.last.weight, untouched.actor.last.weight)


def test_every_subset_meets_the_same_episodes():
    agent, observer = DDPG(4, 0), Observer(encoder, HEARD)
    starts = [3, 4, 5]
    found = {
        streams: evaluate(agent, observer, streams, BUDGET, starts, Context())
        for streams in (("image", "sound"), ("image",), ("sound",))
    }
    chance = random_torques(BUDGET, starts, 0)
    for rewards in (*found.values(), chance):
        assert rewards.shape == (3, 20)
        assert (rewards <= 0).all()
    # The first reward is of the beginning, and of the torque by a thousandth of its square.
    first = np.stack([*(each[:, 0] for each in found.values()), chance[:, 0]])
    assert np.ptp(first, axis=0).max() <= 0.001
    assert not np.array_equal(found["image",], found["sound",])
