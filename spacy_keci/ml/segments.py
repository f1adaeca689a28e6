"""Sums, means and softmax over groups of rows, without a loop over groups."""

from torch import Tensor

from .ranges import expand_ranges


def segment_sum(rows: Tensor, owner: Tensor, n_groups: int) -> Tensor:
    """(rows, width), the group of each -> (groups, width)."""
    return rows.new_zeros(n_groups, rows.shape[1]).index_add(0, owner, rows)


def segment_max(rows: Tensor, owner: Tensor, n_groups: int) -> Tensor:
    """(rows, width), the group of each -> (groups, width), 0 for groups without rows. Without a gradient."""
    zeros = rows.new_zeros(n_groups, rows.shape[1])
    return zeros.scatter_reduce(0, owner.unsqueeze(1).expand_as(rows), rows.detach(), "amax", include_self=False)


def segment_logsumexp(rows: Tensor, owner: Tensor, n_groups: int) -> Tensor:
    """(rows, width), the group of each -> (groups, width), a smooth maximum; every group has rows."""
    highest = segment_max(rows, owner, n_groups)
    return highest + segment_sum((rows - highest[owner]).exp(), owner, n_groups).log()


def segment_softmax(scores: Tensor, owner: Tensor, n_groups: int) -> Tensor:
    """(rows,), the group of each -> (rows,), which sum to 1 in each group."""
    column = scores.unsqueeze(1)
    weights = (column - segment_max(column, owner, n_groups)[owner]).exp()
    return (weights / segment_sum(weights, owner, n_groups)[owner]).squeeze(1)


def mean_of_spans(tokens: Tensor, starts: Tensor, ends: Tensor) -> Tensor:
    """(tokens, width), (spans,) offsets, end exclusive, none empty -> (spans, width), the mean of each span."""
    owner, token = expand_ranges(starts, ends)
    lengths = (ends - starts).unsqueeze(1)
    return segment_sum(tokens.index_select(0, token), owner, len(starts)) / lengths.to(tokens.dtype)
