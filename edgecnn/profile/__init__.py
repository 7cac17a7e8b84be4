"""What a graph costs: mult-adds, parameters, memory, receptive field, read from the graph alone."""

from edgecnn.profile.graph_profile import profile
from edgecnn.profile.records import LayerProfile, Profile
from edgecnn.profile.shares import Share, shares
from edgecnn.profile.tflite_profile import profile_tflite

__all__ = ["LayerProfile", "Profile", "Share", "profile", "profile_tflite", "shares"]
