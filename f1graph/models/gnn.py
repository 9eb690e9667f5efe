"""`gnn`: a race as a graph of its drivers, teams, circuit and field, who tell each other what they know.

Messages over typed edges as in Schlichtkrull et al., "Modeling Relational Data with Graph Convolutional
Networks" (2018), by PyTorch Geometric's mean-aggregating `SAGEConv` (Hamilton, Ying and Leskovec, "Inductive
Representation Learning on Large Graphs", 2017), one for each kind of edge.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import torch
from torch import nn
from torch.nn import functional
from torch_geometric.nn import HeteroConv, SAGEConv
from torch_geometric.utils import scatter

from f1graph.models.mtl import field_mean
from f1graph.models.network_training import RaceNetwork
from f1graph.models.order_head import Heads, OrderHead
from f1graph.models.training_races import Fields

EDGES = (
    ("driver", "drives_for", "team"),
    ("team", "runs", "driver"),
    ("driver", "team_mate_of", "driver"),
    ("team", "formerly_of", "driver"),
    ("driver", "races_in", "race"),
    ("race", "has", "driver"),
    ("circuit", "hosts", "race"),
)
# Only what the drivers are told in the end is read.
_LAST_EDGES = tuple(edge for edge in EDGES if edge[2] == "driver")


class RaceGraphNetwork(RaceNetwork):
    """Args:
    of_circuit: The inputs that describe the circuit; its node has them alone.
    """

    def __init__(self, inputs: int, of_circuit: list[int], *, width: int, dropout: float) -> None:
        super().__init__()
        self.register_buffer("of_circuit", torch.tensor(of_circuit, dtype=torch.long), persistent=False)
        self.begin = nn.ModuleDict(
            {
                "driver": nn.Linear(inputs, width),
                "team": nn.Linear(inputs, width),
                "race": nn.Linear(inputs, width),
                "circuit": nn.Linear(max(len(of_circuit), 1), width),
            }
        )
        self.layers = nn.ModuleList(_told_over(edges, width) for edges in (EDGES, _LAST_EDGES))
        self.dropout = nn.Dropout(dropout)
        self.head = OrderHead(width, inputs, dropout=dropout)

    def forward(self, fields: Fields) -> Heads:
        nodes, edges, driver_at = self._graph(fields)
        nodes = {kind: functional.silu(self.begin[kind](values)) for kind, values in nodes.items()}
        for layer in self.layers:
            told = layer({kind: self.dropout(values) for kind, values in nodes.items()}, edges)
            nodes = {
                kind: values + functional.silu(told[kind]) if kind in told else values
                for kind, values in nodes.items()
            }
        hidden = nodes["driver"].new_zeros(*fields.real.shape, nodes["driver"].shape[1])
        hidden[driver_at] = nodes["driver"]
        heads: Heads = self.head(hidden, fields.inputs)
        return heads

    def _graph(
        self, fields: Fields
    ) -> tuple[
        dict[str, torch.Tensor], dict[tuple[str, str, str], torch.Tensor], tuple[torch.Tensor, torch.Tensor]
    ]:
        """All races at once, with no edge between two of them."""
        race, entry = fields.real.nonzero(as_tuple=True)
        width = fields.real.shape[1]
        driver = torch.arange(len(race))
        team_key = race * width + fields.team[race, entry]
        team_keys, team = torch.unique(team_key, return_inverse=True)
        inputs = fields.inputs[race, entry]
        team_inputs = scatter(inputs, team, dim_size=len(team_keys), reduce="mean")
        field = field_mean(fields)
        mates = (team[:, None] == team[None, :]) & (driver[:, None] != driver[None, :])
        former_entry = fields.former[race, entry]
        moved = (former_entry >= 0).nonzero()[:, 0]
        former = torch.searchsorted(team_keys, race[moved] * width + former_entry[moved])
        of_circuit: torch.Tensor = self.of_circuit  # type: ignore[assignment]  # a registered buffer
        nodes = {
            "driver": inputs,
            "team": team_inputs,
            "race": field,
            "circuit": field[:, of_circuit] if len(of_circuit) else field.new_zeros(len(field), 1),
        }
        every = torch.arange(len(field))
        ends = (
            (driver, team),
            (team, driver),
            mates.nonzero(as_tuple=True),
            (former, moved),
            (driver, race),
            (race, driver),
            (every, every),
        )
        return (
            nodes,
            {edge: torch.stack([*pair]) for edge, pair in zip(EDGES, ends, strict=True)},
            (race, entry),
        )


def _told_over(edges: Sequence[tuple[str, str, str]], width: int) -> HeteroConv:
    with warnings.catch_warnings():
        # A circuit tells and is told nothing: it is the same whoever races there.
        warnings.filterwarnings("ignore", message="There exist node types", category=UserWarning)
        return HeteroConv(
            {edge: SAGEConv((width, width), width, root_weight=False) for edge in edges}, aggr="sum"
        )
