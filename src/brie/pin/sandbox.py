"""Chat templates come from strangers: they are rendered without reach, and within time and size.

Jinja's sandbox keeps a template from Python's objects. This one also counts: every turn of a loop,
every text and list that is made is charged to one budget for the rendering, before or as it is
made, and the processor time is looked at each time. Operators and calls whose result could be of any
size (`'x' * 3000000000`, `10 ** 100000000`, `center(3000000000)`) are refused before they compute.

Imported only where a template is compiled: it subclasses what jinja2 defines.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import wraps
from typing import TypeAlias, TypeVar

from jinja2 import Template, TemplateError, nodes
from jinja2.ext import Extension, loopcontrols
from jinja2.meta import find_undeclared_variables
from jinja2.parser import Parser
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import Namespace
from jinja2.visitor import NodeTransformer

Value: TypeAlias = "str | bytes | int | float | Sequence[Value] | Mapping[str, Value] | Namespace | None"
"""What templates handle; other objects (macros, loops, undefined names) count as one."""
Function: TypeAlias = Callable[..., Value]

N = TypeVar("N", nodes.For, nodes.Macro)

LEAST_WORK = 20_000_000
"""Characters, elements and turns of loops a rendering may use up, whatever it renders."""
WORK_A_CHARACTER = 200
"""More of them for every character of the conversation."""
LEAST_SECONDS = 3.0
"""Processor time a rendering may take, whatever it renders."""
SECONDS_A_CHARACTER = 1e-5
LONGEST_SOURCE = 1_000_000
"""Characters of a template; published ones stay below a hundredth of this."""
_AN_ELEMENT = 8
"""An element of a list weighs as much as so many characters."""
_LARGEST_ARGUMENT = 100_000
_LARGEST_BITS = 4096
_NUMBER = re.compile(r"\d{6,}")


class TooMuch(TemplateError):
    """A template asks for more time or space than a conversation can need."""


@dataclass
class Budget:
    """What is left for one rendering."""

    work: float
    until: float
    """Processor time of this thread at which it ends, seconds."""

    def spend(self, amount: float) -> None:
        """Take from it.

        Raises:
            TooMuch: nothing is left.
        """
        self.work -= amount
        if self.work < 0:
            raise TooMuch("it makes more text than a conversation can need")
        if time.thread_time() > self.until:
            raise TooMuch("it takes longer than a conversation can need")


_budget: ContextVar[Budget] = ContextVar("budget")


@contextmanager
def budget(characters: int) -> Iterator[None]:
    """Bound what is rendered inside, for a conversation of so many characters."""
    seconds = LEAST_SECONDS + SECONDS_A_CHARACTER * characters
    left = Budget(LEAST_WORK + WORK_A_CHARACTER * characters, time.thread_time() + seconds)
    token = _budget.set(left)
    try:
        yield
    finally:
        _budget.reset(token)


def weight(value: Value, most: float) -> int:
    """Characters and elements of a value, what it holds included; counting ends beyond `most`."""
    total = 0
    waiting: list[Value] = [value]
    while waiting and total <= most:
        item = waiting.pop()
        if isinstance(item, (str, bytes)):
            total += len(item)
        elif isinstance(item, (list, tuple)):
            waiting.extend(item)
        elif isinstance(item, Mapping):
            waiting.extend(item)
            waiting.extend(item.values())
        elif isinstance(item, Namespace):
            waiting.append(getattr(item, "_Namespace__attrs"))  # noqa: B009 - it hides all else
        total += _AN_ELEMENT
    return total


class Generation(Extension):
    """`{% generation %} … {% endgeneration %}` renders its body."""

    tags = {"generation"}  # noqa: RUF012 - jinja2 declares a plain class attribute

    def parse(self, parser: Parser) -> list[nodes.Node]:
        """The body."""
        next(parser.stream)
        return parser.parse_statements(("name:endgeneration",), drop_needle=True)


class _Charging(NodeTransformer):
    """Puts the counting into a template: loops, macros, and every text or list that is made."""

    def visit_For(self, node: nodes.For) -> nodes.For:  # noqa: N802 - jinja2 calls it so
        """A turn of a loop costs one, and the plain text it writes."""
        return self._body(node)

    def visit_Macro(self, node: nodes.Macro) -> nodes.Macro:  # noqa: N802 - jinja2 calls it so
        """A call of a macro, likewise."""
        return self._body(node)

    def visit_Concat(self, node: nodes.Concat) -> nodes.Expr:  # noqa: N802 - jinja2 calls it so
        """`a ~ b`: measured before it is joined."""
        self.generic_visit(node)
        return _call("concatenate", list(node.nodes), node.lineno)

    def visit_List(self, node: nodes.List) -> nodes.Expr:  # noqa: N802 - jinja2 calls it so
        """What a list holds is counted in full, so that no value grows without being seen."""
        self.generic_visit(node)
        return _call("weighed", [node], node.lineno)

    def visit_Dict(self, node: nodes.Dict) -> nodes.Expr:  # noqa: N802 - jinja2 calls it so
        """As for lists."""
        self.generic_visit(node)
        return _call("weighed", [node], node.lineno)

    def visit_Tuple(self, node: nodes.Tuple) -> nodes.Expr:  # noqa: N802 - jinja2 calls it so
        """As for lists; names that are set in one go are a tuple too."""
        self.generic_visit(node)
        return node if node.ctx == "store" else _call("weighed", [node], node.lineno)

    def _body(self, node: N) -> N:
        written = sum(len(text.data) for text in node.find_all(nodes.TemplateData))
        self.generic_visit(node)
        charge = _call("spend", [nodes.Const(1 + written)], node.lineno)
        node.body.insert(0, nodes.ExprStmt(charge, lineno=node.lineno))
        return node


def _call(name: str, arguments: list[nodes.Expr], line: int) -> nodes.Call:
    function = nodes.EnvironmentAttribute(name, lineno=line)
    return nodes.Call(function, arguments, [], None, None, lineno=line)


class BoundedEnvironment(ImmutableSandboxedEnvironment):
    """Jinja as chat templates use it, without reach and within a budget."""

    intercepted_binops = frozenset({"+", "*", "**", "%"})

    def __init__(self) -> None:
        super().__init__(
            trim_blocks=True,
            lstrip_blocks=True,
            extensions=[Generation, loopcontrols],
            autoescape=False,
            optimized=False,
            finalize=self.weighed,
            cache_size=0,
        )
        self.filters = {name: self._guarded(name, made) for name, made in self.filters.items()}
        del self.globals["lipsum"]

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        if len(source) > LONGEST_SOURCE:
            raise TooMuch(f"it is {len(source):,} characters long")
        tree = super()._parse(source, name, filename)
        charged: nodes.Template = _Charging().visit(tree)
        charged.set_environment(self)
        return charged

    def spend(self, amount: float) -> None:
        """Called from inside loops and macros."""
        _budget.get().spend(amount)

    def weighed(self, value: Value) -> Value:
        """The value, charged for all it holds."""
        left = _budget.get()
        left.spend(weight(value, left.work))
        return value

    def concatenate(self, *parts: Value) -> str:
        """`a ~ b ~ c`."""
        self.weighed(parts)
        return "".join(map(str, parts))

    def call_binop(self, context: Context, operator: str, left: Value, right: Value) -> Value:
        """An operator whose result may be much larger than what it is made of."""
        room = _budget.get().work
        if operator == "+":
            self.spend(1 if isinstance(left, (int, float)) else weight((left, right), room))
        elif operator == "**":
            _refuse_power(left, right)
        elif operator == "*":
            self._refuse_product(left, right, room)
        elif isinstance(left, str):
            self._refuse_wide(left, right)
        made: Value = self.binop_table[operator](left, right)
        return made

    def call(self, __context: Context, __obj: Function, *args: Value, **kwargs: Value) -> Value:
        """A call of a method, macro or global."""
        method = getattr(__obj, "__wrapped__", __obj)  # the sandbox wraps `format`
        target = getattr(method, "__self__", None)
        if target is self:
            return __obj(*args)
        self.weighed((args, tuple(kwargs.values())))
        if isinstance(target, str):
            self._refuse_text_method(getattr(method, "__name__", ""), target, args)
        return self.weighed(super().call(__context, __obj, *args, **kwargs))

    def _refuse_text_method(self, name: str, text: str, args: tuple[Value, ...]) -> None:
        if name in ("format", "format_map"):
            self._refuse_wide(text, args)
        elif name == "join" and args:
            self._refuse_join(text, args[0])
        elif name == "replace":
            self.spend(_replaced(text, args))
        else:
            _refuse_counts(args)

    def _refuse_product(self, left: Value, right: Value, room: float) -> None:
        if isinstance(left, int) and isinstance(right, int):
            if left.bit_length() + right.bit_length() > _LARGEST_BITS:
                raise TooMuch("it computes with numbers of thousands of digits")
            return
        count, value = (left, right) if isinstance(left, int) else (right, left)
        if isinstance(count, int):
            self.spend(max(0, count) * weight(value, room))

    def _refuse_wide(self, text: str, values: Value) -> None:
        """`'%9999999d'` and `'{:>9999999}'` make texts of that width."""
        if _NUMBER.search(text):
            raise TooMuch("it pads a text to a width of millions")
        for value in values if isinstance(values, tuple) else (values,):
            if isinstance(value, int) and value > _LARGEST_ARGUMENT and re.search(r"\*|\{[^}]*\{", text):
                raise TooMuch("it pads a text to a width of millions")
        self.weighed((text, values))

    def _refuse_join(self, between: str, values: Value) -> None:
        if isinstance(values, (Sequence, Mapping)):
            self.spend(len(between) * len(values))

    def _guarded(self, name: str, made: Function) -> Function:
        """A filter that is charged for what it is given and what it makes."""
        skipped = 1 if hasattr(made, "jinja_pass_arg") else 0

        @wraps(made)
        def charged(*args: Value, **kwargs: Value) -> Value:
            passed, (value, *rest) = args[:skipped], args[skipped:]
            if isinstance(value, Iterator):
                value = self.weighed(list(value))
            self.weighed((value, *rest, *kwargs.values()))
            if name in _COUNTING:
                _refuse_counts((*rest, *kwargs.values()))
            if name == "join":
                between = rest[0] if rest else kwargs.get("d", "")
                self._refuse_join(str(between), value)
            elif name == "replace":
                self.spend(_replaced(str(value), (*rest, *kwargs.values())))
            elif name == "format":
                self._refuse_wide(str(value), tuple(rest))
            return self.weighed(made(*passed, value, *rest, **kwargs))

        return charged


_COUNTING = {"batch", "center", "indent", "round", "slice", "truncate", "wordwrap"}
"""Filters with an argument that says how many, or how wide."""


def _refuse_counts(values: Iterable[Value]) -> None:
    for value in values:
        if isinstance(value, int) and abs(value) > _LARGEST_ARGUMENT:
            raise TooMuch(f"it asks for {str(value)[:20]} of something")


def _replaced(text: str, args: tuple[Value, ...]) -> int:
    """Most characters of a text after its parts are replaced."""
    if len(args) < 2:
        return 0
    times = text.count(str(args[0])) if args[0] else len(text) + 1
    return len(text) + times * len(str(args[1]))


def _refuse_power(base: Value, exponent: Value) -> None:
    if not (isinstance(base, int) and isinstance(exponent, int)):
        return
    if base.bit_length() * max(exponent, 0) > _LARGEST_BITS:
        raise TooMuch("it computes with numbers of thousands of digits")


def compiled(source: str, functions: Mapping[str, Function]) -> Template:
    """A template, with the functions chat templates expect; `tojson` among them is a filter.

    Raises:
        TemplateError: the source is no template.
    """
    environment = BoundedEnvironment()
    for name, function in functions.items():
        if name == "tojson":
            environment.filters[name] = environment._guarded(name, function)
        else:
            environment.globals[name] = function
    return environment.from_string(source)


def looked_up(source: str) -> frozenset[str]:
    """Names of variables and functions that a template does not define itself.

    Raises:
        TemplateError: the source is no template.
    """
    return frozenset(find_undeclared_variables(BoundedEnvironment().parse(source)))
