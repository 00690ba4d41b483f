"""How much each pixel of the receptive field counts: the public name of `models.receptive_field.effective`."""

from models.receptive_field.effective import CORE, EffectiveField, effective_receptive_field, effective_steps
