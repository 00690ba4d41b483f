"""A picture inside the page, without a request of its own."""

import base64

import cv2
import numpy as np


def packed(pixels: np.ndarray) -> str:
    """Address of a picture `(H, W, 3)`, `(H, W, 4)` with opacity, or `(H, W)`, uint8: a PNG inside the page."""
    bgr = pixels if pixels.ndim == 2 else pixels[..., [2, 1, 0, 3][: pixels.shape[2]]]
    fast = [cv2.IMWRITE_PNG_COMPRESSION, 3]
    data = cv2.imencode(".png", np.ascontiguousarray(bgr), fast)[1]
    return "data:image/png;base64," + base64.b64encode(data.tobytes()).decode("ascii")
