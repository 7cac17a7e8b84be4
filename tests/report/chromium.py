"""A page in headless Chromium, driven over its debugging pipe: JSON messages, each ended by a zero byte."""

import json
import os
import shutil
import subprocess
from contextlib import contextmanager

PROGRAM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
_FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--remote-debugging-pipe")


class Page:
    """An open page; `events` has what it said and asked for."""

    def __init__(self, reader, writer):
        self._reader, self._writer, self._number, self._session = reader, writer, 0, None
        self.events = []

    def call(self, method, **parameters):
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        message |= {"sessionId": self._session} if self._session else {}
        self._writer.write(json.dumps(message).encode() + b"\0")
        self._writer.flush()
        while True:
            answer = self._read()
            if answer.get("id") == self._number:
                assert "error" not in answer, answer
                return answer["result"]
            self.events.append(answer)

    def _read(self):
        content = b""
        while not content.endswith(b"\0"):
            byte = self._reader.read(1)
            assert byte, "Chromium has ended"
            content += byte
        return json.loads(content[:-1])

    def open(self, url, width=1280, *, dark=False):
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(f"{domain}.enable")
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=900,
            deviceScaleFactor=1,
            mobile=width < 500,
        )
        self.call("Page.navigate", url=url)
        while not any(event.get("method") == "Page.loadEventFired" for event in self.events):
            self.events.append(self._read())
        return self

    def run(self, expression):
        found = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")


@contextmanager
def chromium(folder):
    """Give a `Page` of a Chromium with a profile of its own."""
    to_it, from_it = os.pipe(), os.pipe()
    command = [PROGRAM, *_FLAGS, f"--user-data-dir={folder}", "about:blank"]

    def wire():
        read, write = os.dup(to_it[0]), os.dup(from_it[1])
        os.dup2(read, 3)
        os.dup2(write, 4)

    with subprocess.Popen(
        command, preexec_fn=wire, close_fds=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        os.close(to_it[0])
        os.close(from_it[1])
        with os.fdopen(from_it[0], "rb") as reader, os.fdopen(to_it[1], "wb") as writer:
            page = Page(reader, writer)
            try:
                yield page
            finally:
                process.terminate()
