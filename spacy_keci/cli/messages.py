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
    """Commands that report an error in one line and end with exit code 1: a ValueError or OSError, which this package
    raises for bad input, an ImportError, for a library that is not installed, or a MemoryError, for input too large to
    be read as a whole. With SPACY_KECI_DEBUG set, they show the traceback instead."""

    def invoke(self, ctx: Any) -> Any:
        if isinstance(sys.stdout, io.TextIOWrapper):
            # results are not lost if the encoding of a console or pipe lacks a character
            sys.stdout.reconfigure(errors="backslashreplace")
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            raise  # the reader of the output has ended: typer ends the program
        except (ValueError, OSError, ImportError, MemoryError) as error:
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
    if isinstance(error, MemoryError):
        return writable_line(f"There is not enough memory. {error}")
    return writable_line(str(error)) or type(error).__name__


def writable_line(message: str) -> str:
    """A message in one line, without control characters that the terminal would obey."""
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
    """End on SIGINT even where it is ignored, as in the background of a shell without job control: a long command must
    be able to end cleanly."""
    if threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
