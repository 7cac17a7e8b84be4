"""The roofline of a network on a device: every layer at the peak rate, or at the memory's bandwidth.

    t(layer) = max(mult-adds / peak rate, bytes moved / bandwidth)

Every operand is moved once; activations and normalizations are fused into the layer before them, and views
cost nothing. No real layer is at the peak, and a board's runtime adds its own time, so that this is no more
than a lower bound. Source: Williams, Waterman and Patterson, Roofline, CACM 52 (4), 2009.
"""

from edgecnn.device import DeviceProfile
from edgecnn.devices.prediction import LayerLatency, Prediction
from edgecnn.errors import EdgeCnnError
from edgecnn.profile import LayerProfile, Profile

METHOD = "roofline from the profile: a lower bound"
_FUSED = frozenset(
    "BatchNormalization Clip DequantizeLinear Dropout Elu Flatten HardSigmoid HardSwish Identity LeakyRelu"
    " PRelu QuantizeLinear Relu Reshape Sigmoid Squeeze Tanh Transpose Unsqueeze RELU RELU6 RESHAPE"
    " SQUEEZE".split()
)
_BYTES = {"fp32": 4, "fp16": 2, "int8": 1}


def roofline(profile: Profile, device: DeviceProfile, precision: str, stored: str = "fp32") -> Prediction:
    """Return the roofline of a network.

    Args:
        profile: its costs.
        device: the profile of a device, with its peak rate and bandwidth.
        precision: in which the device computes.
        stored: in which the profile's bytes are counted.

    Raises:
        EdgeCnnError: the device's profile lacks a figure, or the network has an operator of unknown cost.
    """
    if device.is_microcontroller:
        raise EdgeCnnError(
            f"no latency is predicted for {device.name}, a microcontroller, whose rate no source states;"
            f" edgecnn export --target {device.name} says whether the network has room there"
        )
    device.refuse(precision=precision)
    peak = device.peak_mult_adds_per_s.get(precision)
    bandwidth = device.memory_bandwidth_bytes_per_s
    if peak is None or bandwidth is None:
        lacking = [
            *([f"peak rate in {precision}"] if peak is None else []),
            *(["memory bandwidth"] if bandwidth is None else []),
        ]
        raise EdgeCnnError(
            f"the profile of {device.name} has no {' and no '.join(lacking)} from a source, and it was"
            f" not fitted for {precision}, so no latency can be predicted; {_advice(device)}"
        )
    if profile.unknown_ops:
        raise EdgeCnnError(
            f"the mult-adds of {', '.join(profile.unknown_ops)} are not known, so no latency can be predicted"
        )
    share = _BYTES[precision] / _BYTES[stored]
    return Prediction(
        device=device.name,
        precision=precision,
        threads=None,
        method=METHOD,
        layers=tuple(_layer(layer, peak, bandwidth / share) for layer in profile.layers),
    )


def _layer(layer: LayerProfile, peak: float, bandwidth: float) -> LayerLatency:
    if layer.kind.split()[0] in _FUSED:
        return LayerLatency(name=layer.name, kind=layer.kind, latency_s=0.0, bound_by="fused")
    compute, memory = (layer.mult_adds or 0) / peak, layer.moved_bytes / bandwidth
    bound = "mult-adds" if compute > memory else "memory"
    return LayerLatency(name=layer.name, kind=layer.kind, latency_s=max(compute, memory), bound_by=bound)


def _advice(device: DeviceProfile) -> str:
    if device.name == "host":
        return "fit it: edgecnn device fit local"
    if device.is_family:
        members = ", ".join(device.members)
        return f"choose a board of {members}, and fit it: edgecnn device fit ssh://user@host --as BOARD"
    where = "local" if device.name == "host-gpu" else "ssh://user@host"
    return f"fit it: edgecnn device fit {where} --as {device.name}"
