"""The benchmark's models in PyTorch, trained by the usual eager loop; batches are taken by index."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from benchmarks.cases import EPSILON, LATENT, LEARNING_RATE, MIRROR, SEED, Case

ACTIVATIONS: dict[str | None, type[nn.Module]] = {"relu": nn.ReLU, "sigmoid": nn.Sigmoid, None: nn.Identity}


class Latent(nn.Module):
    """The VAE; its output is a batch's loss."""

    def __init__(self, case: Case) -> None:
        super().__init__()
        self.case = case
        self.encoder = nn.Sequential(
            nn.Linear(case.inputs, case.hidden), nn.ReLU(), nn.Linear(case.hidden, 2 * case.code)
        )
        self.decoder = nn.Sequential(nn.Linear(case.code, case.hidden), nn.ReLU(), nn.Linear(case.hidden, case.inputs))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return a batch's loss."""
        mean, log_var = self.encoder(x).chunk(2, dim=1)
        decoded = self.decoder(mean + torch.exp(0.5 * log_var) * torch.randn_like(mean))
        if self.case.bernoulli:
            error = functional.binary_cross_entropy_with_logits(decoded, x, reduction="sum")
        else:
            error = functional.mse_loss(decoded, x, reduction="sum")
        kl = 0.5 * (mean.square() + log_var.exp() - log_var - 1).sum()
        return (error + kl) / len(x)


class Squared(nn.Module):
    """The mean squared error of a model's output to its input."""

    def __init__(self, *layers: nn.Module) -> None:
        super().__init__()
        self.model = nn.Sequential(*layers)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return a batch's loss."""
        return functional.mse_loss(self.model(x), x)


def build(case: Case) -> nn.Module:
    """Return a case's model, with initial weights drawn as Keras draws them."""
    torch.manual_seed(SEED)
    if case.kind == LATENT:
        model: nn.Module = Latent(case)
    elif case.kind == MIRROR:
        layers: list[nn.Module] = []
        inputs = case.inputs
        for units, activation in case.layers:
            layers += [nn.Linear(inputs, units), ACTIVATIONS[activation]()]
            inputs = units
        model = Squared(*layers)
    else:
        model = Squared(
            *(nn.Conv2d(1, 32, 3, 2, padding=1), nn.ReLU()),
            *(nn.Conv2d(32, 64, 3, 2, padding=1), nn.ReLU(), nn.Flatten()),
            nn.Linear(7 * 7 * 64, case.code),
            *(nn.Linear(case.code, 7 * 7 * 64), nn.ReLU(), nn.Unflatten(1, (64, 7, 7))),
            *(nn.ConvTranspose2d(64, 32, 3, 2, padding=1, output_padding=1), nn.ReLU()),
            *(nn.ConvTranspose2d(32, 1, 3, 2, padding=1, output_padding=1), nn.Sigmoid()),
        )
    for weight in model.parameters():
        if weight.ndim > 1:
            nn.init.xavier_uniform_(weight)
        else:
            nn.init.zeros_(weight)
    return model


def prepare(case: Case, x: Any, threads: int) -> tuple[Callable[[], Callable[[int], float]], float]:
    """Return what makes a new model and its `fit(epochs)`, and by what its seconds are multiplied."""
    torch.set_num_threads(threads)
    rows = torch.from_numpy(x if x.ndim == 2 else x.transpose(0, 3, 1, 2).copy())

    def new() -> Callable[[int], float]:
        model = build(case)
        settings: dict[str, Any] = {"lr": LEARNING_RATE, "eps": EPSILON}
        try:
            optimizer = torch.optim.Adam(model.parameters(), fused=True, **settings)
        except (RuntimeError, TypeError):  # not for this processor or version
            optimizer = torch.optim.Adam(model.parameters(), **settings)

        def fit(epochs: int) -> float:
            total = torch.zeros(())
            for _ in range(epochs):
                total = torch.zeros(())
                for chosen in torch.randperm(len(rows)).split(case.batch_size):
                    batch = rows[chosen]
                    optimizer.zero_grad(set_to_none=True)
                    loss = model(batch)
                    loss.backward()
                    optimizer.step()
                    total += loss.detach() * len(batch)
            return float(total) / len(rows)

        return fit

    return new, 1.0
