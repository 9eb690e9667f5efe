"""Small models are slower on many threads, and tests already run beside each other."""

from __future__ import annotations

import torch

torch.set_num_threads(1)
