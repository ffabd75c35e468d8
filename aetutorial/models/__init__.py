"""Models that lessons show and share, and trained ones to `load`. TensorFlow starts when this module is imported."""

from __future__ import annotations

from aetutorial.models.convolutional import Autoencoder, convolutional
from aetutorial.models.gaussian import GaussianVAE
from aetutorial.models.store import NAMES, Card, card, load
from aetutorial.models.variational import VAE, ConditionalVAE, kl_to_prior, negative_log_likelihood

__all__ = ["NAMES", "VAE", "Autoencoder", "Card", "ConditionalVAE", "GaussianVAE"]
__all__ += ["card", "convolutional", "kl_to_prior", "load", "negative_log_likelihood"]
