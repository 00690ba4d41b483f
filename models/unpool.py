"""Max pooling, then unpooling: no plain ``nn.Sequential``, for the second layer takes two tensors."""

from __future__ import annotations

import torch
from torch import nn


class PoolUnpool(nn.Sequential):
    """An ``nn.MaxPool{1,2,3}d`` with ``return_indices=True``, then the ``nn.MaxUnpool{1,2,3}d`` of the same settings.

    Takes and returns ``(N, C, *spatial)``: each window's maximum at its place, 0 elsewhere.
    """

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        pool, unpool = self
        return unpool(*pool(x), output_size=x.shape)

    def places(self, x: torch.Tensor) -> torch.Tensor:
        """``(N, C, *pooled)``: where each window's maximum stands, row-major in its image."""
        return self[0](x)[1]

    def put_back(self, values: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        """``values`` ``(N, C, *pooled)`` at the places of the maxima of ``x`` ``(N, C, *spatial)``, 0 elsewhere."""
        return self[1](values, self.places(x), output_size=x.shape)
