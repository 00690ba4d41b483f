"""A tiny app that mounts the diagram of a network by name, and says which node it heard of."""

from functools import lru_cache

import streamlit as st
import torch
from torch import nn

from models.graph import Graph, read_graph
from models.networks import skeleton
from viz import state
from viz.components import files
from viz.components.diagram import diagram


class Residual(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x):
        return torch.relu(self.conv2(torch.relu(self.conv1(x))) + x)


class UNet(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.down = nn.ModuleList([nn.Conv2d(c, d, 3, padding=1) for c, d in ((3, 8), (8, 16), (16, 32))])
        self.bottom = nn.Conv2d(32, 64, 3, padding=1)
        self.up = nn.ModuleList([nn.ConvTranspose2d(c, c // 2, 2, 2) for c in (64, 32, 16)])
        self.join = nn.ModuleList([nn.Conv2d(c, c // 2, 3, padding=1) for c in (64, 32, 16)])

    def forward(self, x):
        kept = []
        for layer in self.down:
            x = layer(x)
            kept.append(x)
            x = nn.functional.max_pool2d(x, 2)
        x = self.bottom(x)
        for up, join in zip(self.up, self.join, strict=True):
            x = join(torch.cat([up(x), kept.pop()], 1))
        return x


@lru_cache
def network(name: str) -> Graph:
    made = {
        "row": lambda: nn.Sequential(
            nn.Conv2d(3, 8, 3), Residual(8), Residual(8), Residual(8), nn.AdaptiveAvgPool2d(1)
        ),
        "unet": UNet,
        "broken": lambda: nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Conv2d(9, 8, 3), nn.ReLU()),
    }
    return read_graph((made[name] if name in made else lambda: skeleton(name))(), (1, 3, 224, 224))


def main():
    st.set_page_config(layout="wide")
    st.title("Diagram")
    name = st.text_input("network", "row", key="network", bind="query-params")
    chosen = st.text_input("selected", "", key="selected", bind="query-params")
    heard = lambda: state.remember("node", state.heard("diagram", "node"))  # noqa: E731
    diagram(network(name), key="diagram", title=f"Diagram of {name}", selected=chosen or None, on_node=heard)
    st.text(f"heard: {state.recall('node')}")


app = st.App(__file__, routes=files.routes([""]))
if __name__ == "__main__":
    main()
