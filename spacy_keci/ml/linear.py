"""Linear layers for prediction in bfloat16 on a CPU, of inputs with any number of rows."""

import os

import torch
from torch import Tensor, nn
from torch.nn import functional as F

MULTIPLE = 8  # of rows, at least
STEPS = 16  # between a number of rows and its double, at least

# oneDNN compiles a kernel of about 0.4 MB for each new shape, in about a millisecond. By default, it and PyTorch each
# keep the last 1,024 kernels. Both read these settings at the first product.
CAPACITIES = ["ONEDNN_PRIMITIVE_CACHE_CAPACITY", "LRU_CACHE_CAPACITY"]
for _name in CAPACITIES:
    os.environ.setdefault(_name, "256")


class Linear(nn.Linear):
    """``nn.Linear`` by way of ``linear``."""

    def forward(self, input: Tensor) -> Tensor:
        return linear(input, self.weight, self.bias)


def linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """``F.linear``. In bfloat16 on a CPU and without gradients, the number of rows is rounded up, by at most 7 rows or
    a sixteenth: texts have any number of tokens, spans and pairs, and each new number needs its own kernel.

    input: (..., width). weight: (outputs, width). bias: (outputs,).
    Returns (..., outputs).
    """
    if weight.dtype != torch.bfloat16 or weight.device.type != "cpu" or torch.is_grad_enabled():
        return F.linear(input, weight, bias)
    n_rows = input.shape[:-1].numel()
    rows = input.reshape(n_rows, input.shape[-1]).to(weight.dtype)
    rows = F.pad(rows, (0, 0, 0, rounded_up(n_rows) - n_rows))
    return F.linear(rows, weight, bias)[:n_rows].view(*input.shape[:-1], len(weight))


def rounded_up(n: int) -> int:
    step = max(MULTIPLE, (1 << n.bit_length()) // (2 * STEPS))
    return -(-n // step) * step
