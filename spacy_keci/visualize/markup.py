"""Templates filled in safely: whatever a text holds, it stays text."""

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from .text import writable

if TYPE_CHECKING:
    from jinja2 import Environment

__all__ = ["Markup", "fill"]


def fill(package: str, template: str, **values: Any) -> str:
    """A template of a package, from its folder ``templates``. Strings are escaped, and their control characters
    replaced; ``Markup`` goes in as it is."""
    return _environment(package).get_template(template).render(**values)


@lru_cache
def _environment(package: str) -> "Environment":
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader(package),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=lambda value: writable(value) if type(value) is str else value,
    )
    environment.filters["px"] = lambda number: f"{number:.1f}".removesuffix(".0")
    return environment
