"""How devices are named, and what no name may hold."""

import pytest

from edgecnn.devices.address import Address
from edgecnn.errors import EdgeCnnError


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        ("local", {"way": "local"}),
        ("ssh://pi@raspberrypi.local", {"way": "ssh", "user": "pi", "host": "raspberrypi.local"}),
        ("ssh://board", {"way": "ssh", "host": "board"}),
        ("ssh://pi@10.0.0.7:2222", {"way": "ssh", "user": "pi", "host": "10.0.0.7", "port": 2222}),
        ("ssh://pi@[fe80::1%eth0]:22", {"way": "ssh", "user": "pi", "host": "fe80::1%eth0", "port": 22}),
        ("adb:", {"way": "adb"}),
        ("adb:emulator-5554", {"way": "adb", "serial": "emulator-5554"}),
        ("emulated:pi4", {"way": "emulated", "board": "pi4"}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_device_is_named(text, fields):
    assert Address.parse(text) == Address(text=text, **fields)


@pytest.mark.parametrize(
    "text",
    [
        *("ssh://-oProxyCommand=touch%20hacked", "ssh://-oProxyCommand=x@host", "ssh://pi@-oProxyCommand=x"),
        *("ssh://pi@host;reboot", "ssh://pi@host reboot", "ssh://pi@$(id)", "ssh://pi@host\n", "ssh://"),
        *("ssh://pi@host:0", "ssh://pi@host:65536", "ssh://pi@host/../x", "ssh://@host", "SSH://pi@host"),
        *("adb:-e", "adb:a b", "emulated:", "emulated:../pi4", "", "-v", "pi@host"),
    ],
)
def test_what_could_be_read_as_something_else_is_refused(text):
    with pytest.raises(EdgeCnnError, match=r"no device that can be reached|port"):
        Address.parse(text)


def test_a_profile_is_answered_with_how_to_reach_the_board():
    with pytest.raises(
        EdgeCnnError, match=r"pi4 is a profile: give the board itself, such as ssh://user@host"
    ):
        Address.parse("pi4")


def test_no_emulated_board_is_offered_that_is_not_there():
    with pytest.raises(EdgeCnnError, match=r"give the board itself, such as ssh://user@host$"):
        Address.parse("jetson-nano")
