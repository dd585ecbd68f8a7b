"""Commands of a shell that are imported when they are typed: whoever asks for help waits for none of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Annotated, Any, ClassVar

import typer
from typer.core import TyperGroup

AS_TYPED = {"ignore_unknown_options": True, "allow_interspersed_args": True}
"""What begins with a dash reaches the grammar too, and gets its sentence."""

Words = Annotated[
    list[str] | None, typer.Argument(help="As in Slack, for example: v1.2 to staging", show_default=False)
]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a command is: a function, or a Typer that has commands of its own."""

    module: str
    attribute: str
    help: str
    settings: Mapping[str, Any] = field(default_factory=dict[str, Any])
    of: str = ""
    """What the attribute is asked for, where it makes the function: the first word of an action."""

    def command(self, name: str) -> Any:
        """The click command of that name; its module is imported."""
        made, there = typer.Typer(add_completion=False), getattr(import_module(self.module), self.attribute)
        found = there(self.of) if self.of else there
        if isinstance(found, typer.Typer):
            made.add_typer(found, name=name, help=self.help)
        else:
            more = f"\n\nHow to write it, with examples: chom-bot help {name}" if self.settings else ""
            made.command(name, help=f"{self.help}{more}", context_settings=dict(self.settings))(found)
        return typer.main.get_group(made).commands[name]


class ByTable(TyperGroup):
    """A group whose commands are stubs with a help, until one is typed."""

    places: ClassVar[Mapping[str, Place]] = {}

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        if args and (place := self.places.get(args[0])):
            return args[0], place.command(args[0]), args[1:]
        return super().resolve_command(ctx, args)


def listed_in(cli: typer.Typer, places: Iterable[tuple[str, Place]]) -> None:
    """For the help of `cli`, whose class is a `ByTable` of these places."""
    for name, place in places:
        cli.command(name, help=place.help)(_stub)


def _stub() -> None:
    """Stands in the help for what is not imported."""
