"""Settings as dataclasses: each is written once, and becomes a parameter of what a config names."""

import inspect
from collections.abc import Callable
from dataclasses import MISSING, Field, field, fields
from typing import Any, TypeVar, get_type_hints

Function = TypeVar("Function", bound=Callable)


def takes_settings(settings: type) -> Callable[[Function], Function]:
    """Give a registered function that accepts ``**settings`` the fields of a dataclass as keyword parameters, so that
    spaCy checks configs against them and fills in their defaults."""

    def decorate(function: Function) -> Function:
        hints = get_type_hints(settings)
        signature = inspect.signature(function)
        own = [p for p in signature.parameters.values() if p.kind != inspect.Parameter.VAR_KEYWORD]
        added = [
            inspect.Parameter(f.name, inspect.Parameter.KEYWORD_ONLY, default=_default(f), annotation=hints[f.name])
            for f in fields(settings)
        ]
        function.__signature__ = signature.replace(parameters=_in_order(own + added))  # type: ignore[attr-defined]
        function.__annotations__ = {**function.__annotations__, **{p.name: p.annotation for p in added}}
        return function

    return decorate


def defaults(settings: type) -> dict[str, Any]:
    """The defaults of a dataclass by name."""
    return {f.name: _default(f) for f in fields(settings) if _default(f) is not inspect.Parameter.empty}


def _default(field: Field) -> Any:
    if field.default_factory is not MISSING:
        return field.default_factory()
    return inspect.Parameter.empty if field.default is MISSING else field.default


def _in_order(parameters: list[inspect.Parameter]) -> list[inspect.Parameter]:
    return sorted(parameters, key=lambda p: p.kind)


def at_least(minimum: float, default: Any) -> Any:
    """A field of a dataclass with a minimum, for :func:`check_minimums`."""
    return field(default=default, metadata={"minimum": minimum})


def check_minimums(settings: Any, owner: str) -> None:
    """Raises ValueError for a setting below its minimum.

    settings: a dataclass. owner: what has the settings, for the message.
    """
    for each in fields(settings):
        minimum, value = each.metadata.get("minimum"), getattr(settings, each.name)
        if minimum is not None and value is not None and value < minimum:
            raise ValueError(f"The setting {each.name} of {owner} must be {minimum} or more, but it is {value}.")
