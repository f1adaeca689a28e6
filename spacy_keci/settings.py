"""Settings as dataclasses: each is written once, and becomes a parameter of what a config names."""

import inspect
import json
import warnings
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, field, fields
from functools import wraps
from typing import Any, TypeVar, get_type_hints

Function = TypeVar("Function", bound=Callable)


def takes_settings(
    settings: type, *, retired: Mapping[str, Any] | None = None, renamed: Mapping[str, str] | None = None
) -> Callable[[Function], Function]:
    """Give a registered function that accepts ``**settings`` the fields of a dataclass as keyword parameters, so that
    spaCy checks configs against them and fills in their defaults.

    Configs saved by earlier versions may name more. retired: settings that are gone, with the value that holds for
    all; another one is a warning. renamed: new names by old ones, which are accepted with a warning of deprecation.
    """

    def decorate(undecorated: Function) -> Function:
        @wraps(undecorated)
        def function(*args: Any, **given: Any) -> Any:
            old = {name: given.pop(name, None) for name in (*(retired or ()), *(renamed or ()))}
            for name, value in (retired or {}).items():
                _warn_of_retired(name, old[name], value)
            for name, new in (renamed or {}).items():
                if old[name] is not None:
                    given[new] = _renamed(name, old[name], new, given.get(new), getattr(settings, new))
            return undecorated(*args, **given)

        hints = get_type_hints(settings)
        signature = inspect.signature(undecorated)
        own = [p for p in signature.parameters.values() if p.kind != inspect.Parameter.VAR_KEYWORD]
        added = [
            inspect.Parameter(f.name, inspect.Parameter.KEYWORD_ONLY, default=_default(f), annotation=hints[f.name])
            for f in fields(settings)
        ]
        added += [
            inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=Any)
            for name in (*(retired or ()), *(renamed or ()))
        ]
        function.__signature__ = signature.replace(parameters=sorted(own + added, key=lambda p: p.kind))  # type: ignore[attr-defined]
        function.__annotations__ = {**function.__annotations__, **{p.name: p.annotation for p in added}}
        return function  # type: ignore[return-value]

    return decorate


def _warn_of_retired(name: str, given: Any, value: Any) -> None:
    if given is not None and given != value:
        warnings.warn(
            f"The setting {name} is gone, and {json.dumps(given)} has no effect: it is always {json.dumps(value)}. "
            "Take it out of the config.",
            FutureWarning,
            stacklevel=3,
        )


def _renamed(old: str, given: Any, new: str, given_new: Any, default: Any) -> Any:
    if given_new not in (None, given, default):
        raise ValueError(f"The setting {old} is now called {new}, and the config has both: take {old} out.")
    warnings.warn(f"The setting {old} is now called {new}.", DeprecationWarning, stacklevel=3)
    return given


def defaults(settings: type) -> dict[str, Any]:
    return {f.name: _default(f) for f in fields(settings) if _default(f) is not inspect.Parameter.empty}


def _default(field: Field) -> Any:
    if field.default_factory is not MISSING:
        return field.default_factory()
    return inspect.Parameter.empty if field.default is MISSING else field.default


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
