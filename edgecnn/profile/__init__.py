"""What a graph costs: mult-adds, parameters, memory, receptive field, read from the graph alone."""

from edgecnn.profile.graph_profile import profile
from edgecnn.profile.records import LayerProfile, Profile

__all__ = ["LayerProfile", "Profile", "profile"]
