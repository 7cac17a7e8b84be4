"""A small bundle, and a board behind ssh: an in-process server whose connection can be cut at any step."""

import asyncio
import getpass
import os
import shutil
import subprocess
import threading
from pathlib import Path

import asyncssh
import pytest

from edgecnn.cli.main import cli


@pytest.fixture(scope="session")
def bundles(tmp_path_factory):
    """Give the folders of LeNet's bundles for a Pi, in float32 and int8."""
    folder = tmp_path_factory.mktemp("bundles")
    made = {"fp32": folder / "lenet", "int8": folder / "lenet-int8"}
    common = ["export", "lenet", "--target", "pi4", "--softmax", "--json", "-o"]
    cli.main([*common, str(made["fp32"])], standalone_mode=False)
    cli.main([*common, str(made["int8"]), "--int8", "--calibrate", "digits"], standalone_mode=False)
    return made


class Board:
    """A board behind ssh.

    Attributes:
        commands: what it was asked to run, in order.
        connections: through which, by the client's address and port.
        cut: steps, counted from 0, at which the connection is cut.
        moment: `before` the command runs, or `after`.
        replies: instead of running a command that holds the text: exit code, stdout, stderr.
        folder: its temporary folder.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self.commands, self.cut, self.moment, self.replies = folder, [], set(), "before", {}
        self.connections = set()
        (folder / "tmp").mkdir(parents=True)
        self._keys = {name: asyncssh.generate_private_key("ssh-ed25519") for name in ("host", "user")}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._server = self._await(self._listen())
        self.port = self._server.sockets[0].getsockname()[1]

    async def _listen(self):
        return await asyncssh.listen(
            "127.0.0.1",
            0,
            server_host_keys=[self._keys["host"]],
            authorized_client_keys=asyncssh.import_authorized_keys(
                self._keys["user"].export_public_key().decode()
            ),
            process_factory=self._serve,
            encoding=None,
        )

    async def _serve(self, process):
        step, command = len(self.commands), process.command
        self.commands.append(command)
        self.connections.add(process.get_extra_info("peername"))
        if step in self.cut and self.moment == "before":
            return process.get_extra_info("connection").abort()
        for part, (code, out, err) in self.replies.items():
            if part in command:
                process.stdout.write(out)
                process.stderr.write(err)
                return process.exit(code)
        given = await process.stdin.read()
        environment = {**os.environ, "TMPDIR": str(self.folder / "tmp")}
        # In a thread, so that it goes on where the client has left, as on a real board.
        done = await asyncio.to_thread(
            subprocess.run, ["sh", "-c", command], input=given, capture_output=True, env=environment
        )
        if step in self.cut:
            return process.get_extra_info("connection").abort()
        if process.channel.is_closing():
            return None
        process.stdout.write(done.stdout)
        process.stderr.write(done.stderr)
        return process.exit(done.returncode)

    def _await(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(20)

    @property
    def name(self) -> str:
        return f"ssh://{getpass.getuser()}@127.0.0.1:{self.port}"

    def options(self, *, key: str = "user", known: bool = True) -> tuple[str, ...]:
        """Return the words for ssh: a configuration of its own instead of the user's."""
        hosts, config, identity = (self.folder / name for name in ("hosts", "config", key))
        public = self._keys["host"].export_public_key().decode() if known else ""
        hosts.write_text(f"[127.0.0.1]:{self.port} {public}" if known else "")
        if key in self._keys:
            identity.write_bytes(self._keys[key].export_private_key())
        else:
            identity.write_bytes(asyncssh.generate_private_key("ssh-ed25519").export_private_key())
        identity.chmod(0o600)
        config.write_text(
            f"Host *\n IdentityFile {identity}\n IdentitiesOnly yes\n IdentityAgent none\n"
            f" UserKnownHostsFile {hosts}\n GlobalKnownHostsFile /dev/null\n StrictHostKeyChecking yes\n"
        )
        return ("-F", str(config))

    @property
    def left(self) -> list[str]:
        """What lies in its temporary folder."""
        return sorted(path.name for path in (self.folder / "tmp").iterdir())

    def forget(self) -> None:
        """Be as new."""
        self.commands, self.cut, self.moment, self.replies = [], set(), "before", {}
        self.connections = set()
        for name in self.left:
            shutil.rmtree(self.folder / "tmp" / name)

    def close(self) -> None:
        async def stop():
            self._server.close()
            await self._server.wait_closed()

        self._await(stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


@pytest.fixture(scope="session")
def board_for_all(tmp_path_factory):
    board = Board(tmp_path_factory.mktemp("board"))
    yield board
    board.close()


@pytest.fixture
def board(board_for_all, monkeypatch):
    """Give the board as new, and let nobody wait long for it."""
    board_for_all.forget()
    monkeypatch.setattr("edgecnn.devices.shell.time.sleep", lambda _: None)
    monkeypatch.setattr("edgecnn.devices.measuring.time.sleep", lambda _: None)
    return board_for_all
