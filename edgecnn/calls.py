r"""The one call grammar for models, passes and targets.

    recipe   = step , { "|" , step } ;
    step     = name , [ "(" , [ ( value | argument ) , { "," , argument } ] , ")" ] ;
    call     = name , [ "(" , [ argument , { "," , argument } ] , ")" ] ;
    argument = key , "=" , value ;
    value    = number | "true" | "false" | word | string ;
    name     = letter , { letter | digit | "_" | "-" } ;
    key      = ( letter | "_" ) , { letter | digit | "_" } ;
    number   = [ "-" ] , digits , [ "." , digits ] , [ ( "e" | "E" ) , [ "+" | "-" ] , digits ] ;
    word     = ( letter | digit | "_" ) , { letter | digit | "_" | "." | "-" } ;
    string   = '"' , { any character but '"' and "\", or an escape } , '"' ;
    escape   = "\" , ( '"' | "\" ) ;

Blanks between tokens mean nothing. The value without a key is that of the pass's first setting.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from edgecnn.errors import EdgeCnnError

Value = int | float | bool | str

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_KEYLESS = re.compile(r"(?!\)|[A-Za-z_][A-Za-z0-9_]*\s*=)")  # where neither `)` nor `key=` comes next
_STRING = re.compile(r'"((?:[^"\\]|\\["\\])*)"')
_VALUE = re.compile(
    r"-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?(?![A-Za-z0-9_.-])"  # a number, else a word
    r"|[A-Za-z0-9_][A-Za-z0-9_.-]*"
)
_INTEGER = re.compile(r"-?[0-9]+")
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_PLAIN_WORD = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
_BLANKS = re.compile(r"\s*")
FIRST = ""  # the key of a value that was written without one
_BOOLEANS = {"true": True, "false": False}


@dataclass(frozen=True)
class Call:
    """A name with its arguments, such as `mobilenet(width=0.5)`; one without a key is under `FIRST`."""

    name: str
    arguments: Mapping[str, Value] = field(default_factory=dict)

    def __str__(self) -> str:
        if not self.arguments:
            return self.name
        written = (f"{key}={to_text(value)}".removeprefix("=") for key, value in self.arguments.items())
        return f"{self.name}({', '.join(written)})"


def to_text(value: Value) -> str:
    """Write a value so that `to_value` of it gives the value back."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        plain = _PLAIN_WORD.fullmatch(value) and isinstance(to_value(value), str)
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        return value if plain else f'"{escaped}"'
    return repr(value)


def to_value(word: str) -> Value:
    """Read an unquoted word: a number, a boolean, or the word itself."""
    if word in _BOOLEANS:
        return _BOOLEANS[word]
    if _INTEGER.fullmatch(word):
        return int(word)
    return float(word) if _NUMBER.fullmatch(word) else word


def parse_call(text: str) -> Call:
    """Read one call; raise `EdgeCnnError` that points at what is wrong."""
    reader = _Reader(text)
    call = reader.call()
    reader.end()
    return call


def parse_recipe(text: str) -> tuple[Call, ...]:
    """Read calls joined by `|`, such as `width(0.75) | int8(observer=mse)`."""
    reader = _Reader(text)
    calls = [reader.step()]
    while reader.accept("|"):
        calls.append(reader.step())
    reader.end()
    return tuple(calls)


class _Reader:
    """A cursor over the text; one method per rule of the grammar."""

    def __init__(self, text: str) -> None:
        self.text, self.at = text, 0

    def call(self) -> Call:
        name = self.expect(_NAME, "a name")[0]
        return Call(name, self.arguments({})) if self.accept("(") else Call(name)

    def step(self) -> Call:
        name = self.expect(_NAME, "a name")[0]
        return Call(name, self.arguments(self.first())) if self.accept("(") else Call(name)

    def first(self) -> dict[str, Value]:
        return {FIRST: self.value()} if self.match(_KEYLESS) else {}

    def arguments(self, arguments: dict[str, Value]) -> dict[str, Value]:
        while not self.accept(")"):
            if arguments and not self.accept(","):
                raise self.error("',' or ')'")
            key = self.expect(_KEY, "key=value")[0]
            if key in arguments:
                raise EdgeCnnError(f"{key!r} is given twice in {self.text!r}")
            if not self.accept("="):
                raise self.error(f"'=' after {key!r}")
            arguments[key] = self.value()
        return arguments

    def value(self) -> Value:
        quoted = self.match(_STRING)
        if quoted:
            return re.sub(r"\\(.)", r"\1", quoted[1])
        return to_value(self.expect(_VALUE, 'a number, true, false, a word or a "string"')[0])

    def match(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        self.skip()
        found = pattern.match(self.text, self.at)
        self.at = found.end() if found else self.at
        return found

    def expect(self, pattern: re.Pattern[str], what: str) -> re.Match[str]:
        found = self.match(pattern)
        if not found:
            raise self.error(what)
        return found

    def accept(self, token: str) -> bool:
        self.skip()
        found = self.text.startswith(token, self.at)
        self.at += len(token) * found
        return found

    def skip(self) -> None:
        blanks = _BLANKS.match(self.text, self.at)
        self.at = blanks.end() if blanks else self.at

    def end(self) -> None:
        self.skip()
        if self.at < len(self.text):
            raise self.error("the end")

    def error(self, wanted: str) -> EdgeCnnError:
        found = repr(self.text[self.at]) if self.at < len(self.text) else "the end"
        return EdgeCnnError(
            f"cannot read {self.text!r}: expected {wanted} at character {self.at + 1}, found {found};"
            " write name or name(key=value, ...)"
        )
