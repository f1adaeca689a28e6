"""Evaluation mode, for a network that several threads predict with."""

from threading import Lock

from torch import nn

_LOCK = Lock()


def set_evaluation_mode(network: nn.Module) -> None:
    """Leave training mode, where a network is still in it; no thread predicts before all of the network has left it."""
    with _LOCK:
        if network.training:
            network.eval()
