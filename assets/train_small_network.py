"""Train the small network on pictures that it draws itself, and write weights and accuracy to assets/weights.

    python assets/train_small_network.py                 both networks at once, each on a core of its own: minutes
    python assets/train_small_network.py --only small

Same seed, same pictures, same order; another processor may change the last digits of the weights.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from models.drawings import CLASSES, draw_many
from models.networks.small import NETWORKS, SIZE, SmallNetwork

PICTURES, EPOCHS, BATCH, RATE, SEED = 12_000, 10, 64, 5e-3, 0
TEST_PICTURES, TEST_SEED = 3_600, 1_000_003


def drawn(count: int, seed: int) -> tuple[Tensor, Tensor]:
    """`(count, 3, 64, 64)` uint8 and `(count,)` class numbers."""
    images, labels = draw_many(count, SIZE, np.random.default_rng(seed))
    return torch.from_numpy(images).permute(0, 3, 1, 2).contiguous(), torch.from_numpy(labels)


def accuracy(network: nn.Module, images: Tensor, labels: Tensor) -> float:
    """Share of pictures whose highest score is that of their class."""
    network.eval()
    with torch.inference_mode():
        right = sum(
            int((network(x.float() / 255).argmax(1) == y).sum())
            for x, y in zip(images.split(256), labels.split(256), strict=True)
        )
    return right / len(labels)


def varied(images: Tensor, generator: torch.Generator) -> Tensor:
    """Other colours of the same drawings: channels in another order, half of the pictures as negatives."""
    order = torch.randperm(3, generator=generator)
    negative = torch.rand(len(images), 1, 1, 1, generator=generator) < 0.5
    x = images[:, order].float() / 255
    return torch.where(negative, 1 - x, x)


def train(
    antialiased: bool,
    images: Tensor,
    labels: Tensor,
    *,
    epochs: int = EPOCHS,
    batch: int = BATCH,
    seed: int = SEED,
    tell: Callable[[str], None] = lambda line: None,
) -> SmallNetwork:
    """A network trained on these pictures, in evaluation mode."""
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    network = SmallNetwork(antialiased).to(memory_format=torch.channels_last)
    learned = [p for p in network.parameters() if p.requires_grad]
    optimiser = torch.optim.AdamW(learned, weight_decay=1e-2)
    steps = epochs * (len(images) // batch)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, total_steps=steps, pct_start=0.2)
    network.train()
    start, done = time.monotonic(), 0
    for epoch in range(epochs):
        order = torch.randperm(len(images), generator=generator)
        total = 0.0
        for at in range(0, len(order) - batch + 1, batch):
            chosen = order[at : at + batch]
            x = varied(images[chosen], generator).to(memory_format=torch.channels_last)
            loss = nn.functional.cross_entropy(network(x), labels[chosen], label_smoothing=0.05)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
            total, done = total + float(loss.detach()), done + 1
        mean = total * batch / (len(order) // batch * batch)
        tell(f"epoch {epoch + 1} of {epochs}: loss {mean:.3f}, {time.monotonic() - start:.0f} s")
    return network.eval()


def make(name: str, out: Path, pictures: int, epochs: int, test_pictures: int) -> dict:
    """Draw, train, count and save one network; returns its facts."""
    torch.set_num_threads(1)  # the layers are small: two threads would mostly wait for each other
    images, labels = drawn(pictures, SEED)
    network = train(NETWORKS[name], images, labels, epochs=epochs, tell=lambda line: say(f"{name}: {line}"))
    share = accuracy(network, *drawn(test_pictures, TEST_SEED))
    say(f"{name}: {share:.2%} of {test_pictures} fresh pictures named rightly")
    torch.save({key: value.contiguous() for key, value in network.state_dict().items()}, out / f"{name}.pt")
    return {
        "accuracy": round(share, 4),
        "pictures": test_pictures,
        "classes": len(CLASSES),
        "parameters": sum(p.numel() for p in network.parameters() if p.requires_grad),
        "trained_on": pictures,
        "epochs": epochs,
        "seed": SEED,
    }


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", choices=tuple(NETWORKS))
    parser.add_argument("--out", type=Path, default=Path(__file__).resolve().parent / "weights")
    parser.add_argument("--pictures", type=int, default=PICTURES)
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    parser.add_argument("--test-pictures", type=int, default=TEST_PICTURES)
    chosen = parser.parse_args()
    chosen.out.mkdir(parents=True, exist_ok=True)
    names = [chosen.only] if chosen.only else list(NETWORKS)
    file = chosen.out / "small_network.json"
    facts = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    with ProcessPoolExecutor(len(names)) as pool:
        made = [
            pool.submit(make, name, chosen.out, chosen.pictures, chosen.epochs, chosen.test_pictures) for name in names
        ]
        facts |= {name: one.result() for name, one in zip(names, made, strict=True)}
    file.write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
