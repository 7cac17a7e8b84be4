"""What an exit code and stderr mean, and what they do not."""

import pytest

from edgecnn.devices.bounded import Ran
from edgecnn.devices.failures import failure
from edgecnn.devices.transport import LostError

SOCKET = (
    b"Control socket connect(/tmp/c): Connection refused\nConnection to 10.0.0.7 closed by remote host.\n"
)


@pytest.mark.parametrize(
    ("device", "code", "said", "meant"),
    [
        ("ssh://pi", 255, SOCKET, "the connection broke (Connection to 10.0.0.7 closed by remote host.)"),
        (
            "ssh://pi",
            255,
            b"ssh: connect to host pi port 22: Connection refused",
            "nothing listens there; is the board up, and ssh enabled? (ssh: connect to host pi port 22:"
            " Connection refused)",
        ),
        (
            "adb:",
            1,
            b"error: closed\n",
            "adb lost it; does it restart, is its cable loose? (error: closed)",
        ),
    ],
    ids=["broken", "refused", "phone"],
)
def test_a_connection_that_may_come_back_is_tried_again(device, code, said, meant):
    error = failure(device, Ran(code=code, out=b"", err=said), 60)
    assert type(error) is LostError
    assert str(error) == f"{device}: {meant}"


@pytest.mark.parametrize(
    ("code", "said", "meant"),
    [
        (
            127,
            b"timeout: failed to run command 'python9': No such file or directory",
            "there is no such Python",
        ),
        (127, b"/bin/sh: python3: inaccessible or not found", "there is no such Python"),
        (127, b"timeout: can't execute 'python3': No such file or directory", "there is no such Python"),
        (
            1,
            b"error: a.npy cannot be read (No such file or directory: 'python/a.npy')",
            "a.npy cannot be read",
        ),
        (1, b"error: the wheel lacks tar: not found", "the wheel lacks tar: not found"),
    ],
    ids=["coreutils", "Android", "busybox", "a runner's own error", "a runner's own words"],
)
def test_a_program_is_missing_only_where_it_could_not_be_started(code, said, meant):
    assert str(failure("ssh://pi", Ran(code=code, out=b"", err=said), 60)).startswith(f"ssh://pi: {meant}")


def test_a_binary_of_another_processor_is_named_where_a_shell_took_it_for_a_script():
    said = b'/opt/python3: 1: \x7fELF\x02\x01\x01: not found\n/opt/python3: 8: Syntax error: ")" unexpected\n'
    error = failure("ssh://pi", Ran(code=2, out=b"", err=said), 60)
    assert str(error).startswith("ssh://pi: a program there is built for another processor (")
