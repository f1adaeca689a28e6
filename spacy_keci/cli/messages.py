"""Messages to people, on standard error: standard output is for results. A user's mistake is reported in one line."""

import io
import os
import signal
import sys
import threading
from typing import Any, NoReturn

import typer
from typer.core import TyperGroup

from ..visualize.text import writable

INTERRUPTED = 130


class OneLineErrors(TyperGroup):
    """Commands whose ValueError or OSError, which is how this package reports bad input, or ImportError, of a library
    that is not installed, ends the program with exit code 1 and a line that says what is wrong. Where
    SPACY_KECI_DEBUG is set, the traceback is shown instead."""

    def invoke(self, ctx: Any) -> Any:
        if isinstance(sys.stdout, io.TextIOWrapper):
            # a console or pipe that knows no Greek letters shall not cost what has been computed
            sys.stdout.reconfigure(errors="backslashreplace")
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            raise  # whoever read our output has gone: typer ends the program
        except (ValueError, OSError, ImportError) as error:
            if is_debugging():
                raise
            fail(one_line(error))
        except KeyboardInterrupt:
            warn("Interrupted.")
            raise typer.Exit(INTERRUPTED) from None


def is_debugging() -> bool:
    return bool(os.environ.get("SPACY_KECI_DEBUG"))


def one_line(error: BaseException) -> str:
    if isinstance(error, OSError) and error.filename is not None and error.strerror:
        return writable_line(f"{error.filename}: {error.strerror}.")
    return writable_line(str(error)) or type(error).__name__


def writable_line(message: str) -> str:
    """A message in one line, in which names of files and words of texts cannot give orders to the terminal."""
    return writable(" ".join(message.split()))


def tell(message: str) -> None:
    typer.echo(writable(message), err=True)


def good(message: str) -> None:
    typer.secho(writable(f"✔ {message}"), fg="green", err=True)


def warn(message: str) -> None:
    typer.secho(writable(f"⚠ {message}"), fg="yellow", err=True)


def fail(message: str, code: int = 1) -> NoReturn:
    typer.secho(writable(f"✘ {message}"), fg="red", err=True)
    raise typer.Exit(code)


def hear_interrupts() -> None:
    """End on SIGINT even where it is ignored: a shell without job control starts what runs in its background so, and
    Python leaves it at that. A command of hours must have a gentle end."""
    if threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
