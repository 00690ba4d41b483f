"""Networks by name, and what their layers answer to a picture.

Names are torchvision's classification networks and whatever this project trained itself (`register`). One copy of each
network serves all threads: it is in evaluation mode, frozen, and never gets a hook; `feature_maps` works on a copy of
the module objects that shares the weights.
"""

from models.errors import NetworkError
from models.networks.answers import Survey, feature_maps, survey
from models.networks.inputs import prepare
from models.networks.kept import ask, cache_info, clear, load
from models.networks.known import class_names, names, register, skeleton, usual_side, weights_at_hand, weights_bytes
from models.networks.weights import fetch_weights
