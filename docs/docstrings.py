"""Docstrings as Markdown, for the API pages: roles such as ``:class:`` become code, settings become lists."""

import re

import griffe

_ROLE = re.compile(r":\w+:`~?\.*([^`]+)`")
_SETTING = re.compile(r"(?m)^([a-z]\w*(?:, \w+)*): ")


class Docstrings(griffe.Extension):
    def on_object(self, *, obj: griffe.Object, **_: object) -> None:
        if obj.docstring is not None:
            obj.docstring.value = to_markdown(obj.docstring.value)

    def on_class(self, *, cls: griffe.Class, **_: object) -> None:
        """Named tuples have no signature: their fields are told below the docstring."""
        if cls.docstring is not None and "NamedTuple" in map(str, cls.bases):
            fields = (f"`{name}: {each.annotation}`" for name, each in cls.attributes.items() if each.annotation)
            cls.docstring.value += f"\n\nFields: {', '.join(fields)}."


def to_markdown(docstring: str) -> str:
    paragraphs = _ROLE.sub(r"`\1`", docstring).split("\n\n")
    return "\n\n".join(_SETTING.sub(r"- **\1**: ", each) if _is_list(each) else each for each in paragraphs)


def _is_list(paragraph: str) -> bool:
    """Lines of "name: what it is", the first without indentation, further ones with."""
    lines = paragraph.splitlines()
    return bool(lines) and all(_SETTING.match(line) or line.startswith("    ") for line in lines)
