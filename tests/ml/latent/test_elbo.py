"""The model against plain versions of the equations of Shah and Fauqueur (2020), and bounds that are known."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from spacy_keci.ml.latent.contexts import FIRST, N_SPECIAL, PADDING, SECOND, START, UNKNOWN
from spacy_keci.ml.latent.elbo import Elbo, RelationModel
from spacy_keci.ml.latent.representation import standard_normal
from spacy_keci.ml.latent.settings import RepresentationSettings

N_WORDS, N_ENTITIES = N_SPECIAL + 7, 4
TOKENS = torch.tensor([[FIRST, 6, SECOND, 9], [7, FIRST, SECOND, PADDING], [FIRST, SECOND, 11, 5]])
LENGTHS, FIRSTS, SECONDS = torch.tensor([4, 3, 4]), torch.tensor([1, 2, 0]), torch.tensor([3, 2, 1])


def make_model(latent_width: int = 5, softmax: Any = "full") -> RelationModel:
    torch.manual_seed(0)
    settings = RepresentationSettings(hidden_width=6, embedding_width=4, latent_width=latent_width)
    model = RelationModel(N_WORDS, N_ENTITIES, settings, softmax)
    for name, parameter in model.named_parameters():
        if "bias" in name:
            torch.nn.init.normal_(parameter, std=0.3)
    return model


def lstm(cell: torch.nn.LSTM, inputs: list[Tensor], suffix: str = "") -> list[Tensor]:
    """The states of one context, word by word."""
    w_in, w_state = getattr(cell, f"weight_ih_l0{suffix}"), getattr(cell, f"weight_hh_l0{suffix}")
    bias = getattr(cell, f"bias_ih_l0{suffix}") + getattr(cell, f"bias_hh_l0{suffix}")
    hidden = memory = torch.zeros(cell.hidden_size)
    states = []
    for each in inputs:
        i, f, g, o = (w_in @ each + w_state @ hidden + bias).chunk(4)
        memory = f.sigmoid() * memory + i.sigmoid() * g.tanh()
        hidden = o.sigmoid() * memory.tanh()
        states.append(hidden)
    return states


def pair(model: RelationModel, x: int, y: int) -> Tensor:
    e = model.representation.entities.weight
    ex, ey = e[x] / e[x].norm(), e[y] / e[y].norm()
    return torch.cat([ex, ey, ex * ey])


def plain_prior(model: RelationModel, x: int, y: int, u: Tensor) -> tuple[Tensor, Tensor]:
    r: Any = model.representation
    hidden = F.relu(r.prior_hidden[0](torch.cat([pair(model, x, y), u])))
    hidden = F.relu(r.prior_hidden[1](torch.cat([hidden, u])))
    hidden = torch.cat([hidden, u])
    return r.prior_mean(hidden), r.prior_log_variance(hidden).exp()


def plain_posterior(model: RelationModel, row: int) -> tuple[Tensor, Tensor]:
    r: Any = model.representation
    vectors = [r.words.weight[token] for token in TOKENS[row, : LENGTHS[row]]]
    state = torch.cat([lstm(r.encoder, vectors)[-1], lstm(r.encoder, vectors[::-1], "_reverse")[-1]])
    layers = r.posterior_layers
    hidden = torch.cat([state, pair(model, int(FIRSTS[row]), int(SECONDS[row]))])
    hidden = F.relu(layers[3](F.relu(layers[0](hidden))))
    mean, log_variance = layers[6](hidden).chunk(2)
    return mean, log_variance.exp()


def plain_likelihood(model: RelationModel, row: int, z: Tensor) -> Tensor:
    d, e = model.decoder, model.representation.words.weight
    tokens = [int(token) for token in TOKENS[row, : LENGTHS[row]]]
    inputs = [torch.cat([e[token], d.relation(z)]) for token in [START, *tokens[:-1]]]
    total = torch.zeros(())
    for state, token in zip(lstm(d.language_model, inputs), tokens, strict=True):
        logits = e @ d.output(torch.cat([state, z]))
        total = total + logits[token] - logits[UNKNOWN:].logsumexp(0)
    return total


@torch.no_grad()
def test_prior_posterior_and_decoder() -> None:
    """Eq. 2, 4-5 and 7-9."""
    model = make_model()
    r = model.representation
    pairs = r.pair(FIRSTS, SECONDS)
    posterior, u, z = r.posterior(pairs, TOKENS, LENGTHS), torch.randn(2, 3, 5), torch.randn(3, 5)
    prior, likelihood = r.prior(pairs, u), model.decoder(r.words, z, TOKENS, LENGTHS)
    for row in range(3):
        mean, variance = plain_posterior(model, row)
        torch.testing.assert_close(posterior.mean[row], mean)
        torch.testing.assert_close(posterior.variance[row], variance)
        torch.testing.assert_close(likelihood[row], plain_likelihood(model, row, z[row]))
        for sample in range(2):
            mean, variance = plain_prior(model, int(FIRSTS[row]), int(SECONDS[row]), u[sample, row])
            torch.testing.assert_close(prior.mean[sample, row], mean)
            torch.testing.assert_close(prior.variance[sample, row], variance)
    assert torch.equal(standard_normal(posterior).mean, torch.zeros(3, 5))


@torch.no_grad()
def test_the_two_terms_of_the_bound() -> None:
    """Eq. 21: the KL in closed form, and the likelihood of the sample that was drawn."""
    model = make_model()
    torch.manual_seed(3)
    found = model(TOKENS, LENGTHS, FIRSTS, SECONDS)
    torch.manual_seed(3)
    noise_of_u = torch.normal(torch.zeros(3, 5), torch.ones(3, 5))
    noise_of_z = torch.normal(torch.zeros(3, 5), torch.ones(3, 5))
    for row in range(3):
        mean, variance = plain_posterior(model, row)
        kl = 0.5 * (mean**2 + variance - 1 - variance.log())
        torch.testing.assert_close(found.kl[row], kl)
        u = mean + variance.sqrt() * noise_of_u[row]
        mean, variance = plain_prior(model, int(FIRSTS[row]), int(SECONDS[row]), u)
        likelihood = plain_likelihood(model, row, mean + variance.sqrt() * noise_of_z[row])
        torch.testing.assert_close(found.log_likelihood[row], likelihood)
        torch.testing.assert_close(found.bound[row], likelihood - kl.sum())


@torch.no_grad()
def test_uniform_words() -> None:
    """A decoder that knows nothing, and a posterior that says nothing: the bound is -T log V, exactly."""
    model = make_model()
    for layer in (model.decoder.output, model.representation.posterior_layers[-1]):
        torch.nn.init.zeros_(layer.weight)
        torch.nn.init.zeros_(layer.bias)
    found = model(TOKENS, LENGTHS, FIRSTS, SECONDS)
    torch.testing.assert_close(found.bound, -LENGTHS * math.log(N_WORDS - UNKNOWN))
    assert not found.kl.any()


@torch.no_grad()
def test_the_bound_is_the_likelihood_less_a_divergence() -> None:
    """Eq. 14, with u and z of one dimension, where all integrals can be computed on a grid: the mean of the bound is
    log p(c | x, y) - KL(q(u) p(z | u) || p(z, u | x, y, c))."""
    model = make_model(latent_width=1)
    r = model.representation
    grid, weights = np.polynomial.hermite_e.hermegauss(40)
    points, weights = torch.tensor(grid, dtype=torch.float32), torch.tensor(weights / math.sqrt(2 * math.pi))
    pairs = r.pair(FIRSTS[:1], SECONDS[:1])

    def likelihoods(u: Tensor) -> Tensor:
        """(u, 40) log p(c | z) for the points of z given each u."""
        prior = r.prior(pairs, u.view(-1, 1, 1))
        z = (prior.mean.view(-1, 1) + prior.stddev.view(-1, 1) * points).view(-1, 1)
        n = len(z)
        return model.decoder(r.words, z, TOKENS[:1].expand(n, -1), LENGTHS[:1].expand(n)).view(len(u), -1)

    log_weights = weights.log().float()
    of_prior = (likelihoods(points) + log_weights + log_weights.unsqueeze(1)).logsumexp((0, 1))  # log p(c | x, y)
    posterior = r.posterior(pairs, TOKENS[:1], LENGTHS[:1])
    u = posterior.mean.view(-1) + posterior.stddev.view(-1) * points
    of_u = likelihoods(u)
    mean_likelihood = (weights.unsqueeze(1) * weights * of_u).sum()
    log_ratio = posterior.log_prob(u.view(-1, 1)).view(-1) - standard_normal(posterior).log_prob(u.view(-1, 1)).view(-1)
    # log q(u) p(z|u) - log p(u, z | c), whose mean is the divergence
    divergence = (weights.unsqueeze(1) * weights * (log_ratio.unsqueeze(1) - of_u + of_prior)).sum()
    torch.manual_seed(0)
    n = 4000
    sampled = model(
        TOKENS[:1].expand(n, -1), LENGTHS[:1].expand(n), FIRSTS[:1].expand(n), SECONDS[:1].expand(n)
    ).bound.mean()
    kl = (weights * log_ratio).sum()
    assert float(divergence) > 0.01
    assert float(mean_likelihood - kl) == pytest.approx(float(of_prior - divergence), abs=1e-3)
    assert float(sampled) == pytest.approx(float(of_prior - divergence), abs=0.05)
    assert float(sampled) < float(of_prior)


def test_the_loss_counts_contexts_as_they_are_or_by_word() -> None:
    elbo = Elbo(torch.tensor([-10.0, -30.0]), torch.tensor([[1.0, 3.0], [2.0, 0.0]]))
    lengths = torch.tensor([2, 8])
    assert float(elbo.loss(lengths)) == pytest.approx((14 + 32) / 10)  # -bound, in nats per word of the batch
    assert float(elbo.loss(lengths, kl_weight=0.5)) == pytest.approx((12 + 31) / 10)
    assert float(elbo.loss(lengths, per_token=True)) == pytest.approx((14 / 2 + 32 / 8) / 2)
    # the means of the dimensions are 1.5 nats each
    assert float(elbo.loss(lengths, free_bits=2.0)) == pytest.approx((40 + 2 * 4) / 10)
    assert float(elbo.loss(lengths, free_bits=0.5)) == pytest.approx((14 + 32) / 10)


def test_the_paper_convention_does_not_weight_short_contexts_up() -> None:
    """The gradient is that of the sum of the bounds; the released program's is another one."""
    model = make_model()
    gradients = {}
    for per_token in (False, True, None):
        torch.manual_seed(1)
        elbo = model(TOKENS, LENGTHS, FIRSTS, SECONDS)
        loss = -elbo.bound.sum() / int(LENGTHS.sum()) if per_token is None else elbo.loss(LENGTHS, per_token=per_token)
        model.zero_grad()
        loss.backward()
        gradients[per_token] = torch.cat([p.grad.flatten() for p in model.parameters() if p.grad is not None])
    torch.testing.assert_close(gradients[False], gradients[None])
    assert not torch.allclose(gradients[True], gradients[None], rtol=1e-2)


def test_free_bits_take_the_pressure_off_the_posterior() -> None:
    model = make_model()
    parameters = list(model.representation.posterior_layers.parameters())
    elbo = model(TOKENS, LENGTHS, FIRSTS, SECONDS)
    only_kl = Elbo(torch.zeros(3), elbo.kl)
    assert not any(g.any() for g in torch.autograd.grad(only_kl.loss(LENGTHS, free_bits=50.0), parameters))


@torch.no_grad()
def test_gain_sees_a_collapse_that_has_a_kl() -> None:
    """A posterior that is narrow, and the same for all contexts."""
    model = make_model()
    last = model.representation.posterior_layers[-1]
    same = TOKENS[:1].expand(3, -1), LENGTHS[:1].expand(3), FIRSTS[:1].expand(3), SECONDS[:1].expand(3)
    assert model.gain(TOKENS, LENGTHS, FIRSTS, SECONDS).abs().sum() > 0.01
    torch.nn.init.zeros_(last.weight)  # type: ignore[arg-type]
    torch.nn.init.constant_(last.bias, -2.0)  # type: ignore[arg-type]
    assert (model(*same).kl.sum(dim=1) > 5).all()
    gains = torch.stack([model.gain(*same) for _ in range(200)])
    assert abs(float(gains.mean())) < 0.1


def test_token_dropout_hides_words_from_the_decoder() -> None:
    model = make_model()
    z, words = torch.zeros(1, 5), model.representation.words
    two = [torch.tensor([[FIRST, word, SECOND, 9]]) for word in (6, 10)]
    last = [model.decoder(words, z, tokens, torch.tensor([4])) for tokens in two]
    assert not torch.allclose(*last)
    torch.manual_seed(0)
    dropped = [float(model.decoder(words, z, two[0], torch.tensor([4]), 0.5).detach()) for _ in range(10)]
    assert len(set(dropped)) > 3


@torch.no_grad()
def test_adaptive_softmax_is_a_distribution() -> None:
    model = make_model(softmax="adaptive")
    assert model.decoder.adaptive is not None
    tokens = torch.arange(UNKNOWN, N_WORDS).unsqueeze(1)
    z = torch.randn(1, 5).expand(len(tokens), -1)
    likelihood = model.decoder(model.representation.words, z, tokens, torch.ones(len(tokens), dtype=torch.long))
    assert float(likelihood.exp().sum()) == pytest.approx(1.0, abs=1e-5)
    found = model(TOKENS, LENGTHS, FIRSTS, SECONDS)
    assert torch.isfinite(found.bound).all() and (found.bound < 0).all()


@pytest.mark.parametrize(("hidden", "millions"), [(128, 1.62), (256, 3.65), (512, 9.78), (1024, 30.30)])
def test_sizes_of_the_paper(hidden: int, millions: float) -> None:
    """Without the tables of words and entities."""
    with torch.device("meta"):
        model = RelationModel(10, 3, RepresentationSettings(hidden_width=hidden))
    own = sum(p.numel() for name, p in model.named_parameters() if not name.endswith(("words.weight", "ies.weight")))
    assert own / 1e6 == pytest.approx(millions, rel=0.01)
