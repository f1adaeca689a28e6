"""Defer the imports of transformers that are rarely used until they are used.

Importing spacy-transformers takes 3 s of CPU time, and making an encoder another second. Most of it is scikit-learn,
for assisted generation, and torch's compiler. If spacy-transformers is installed, every spaCy pipeline pays for the
import, since spaCy imports the factories of all packages.
"""

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from threading import Lock
from types import ModuleType
from typing import Any

# modules, with the names that transformers imports from each of them
_USED_LATER = {
    "scipy.optimize": ("linear_sum_assignment",),
    "sklearn.metrics": ("roc_curve",),
    "torch._dynamo._trace_wrapped_higher_order_op": ("TransformGetItemToIndex",),
    "torch.distributed.tensor": ("DTensor",),
    "transformers.integrations.flex_attention": ("flex_attention_forward", "make_flex_block_causal_mask"),
    "transformers.integrations.tensor_parallel": (
        "ALL_PARALLEL_STYLES",
        "_get_parameter_tp_plan",
        "initialize_tensor_parallelism",
        "repack_weights",
        "replace_state_dict_local_with_dtensor",
        "shard_and_distribute_module",
        "verify_tp_plan",
    ),
}
_LOCK = Lock()


def import_transformers() -> None:
    """Import spacy-transformers and the modules that encoders need, if it is installed and not imported yet."""
    if "spacy_transformers" in sys.modules or find_spec("spacy_transformers") is None:
        return
    with _LOCK, _deferred(), _no_garbage():
        import spacy_transformers.pipeline_component  # noqa: F401
        import transformers.generation.utils
        import transformers.modeling_utils  # noqa: F401


@contextmanager
def _deferred() -> Iterator[None]:
    stand_ins = {name: _StandIn(name, called) for name, called in _USED_LATER.items() if name not in sys.modules}
    sys.modules.update(stand_ins)
    try:
        yield
    finally:
        for stand_in in stand_ins.values():
            stand_in.remove()


@contextmanager
def _no_garbage() -> Iterator[None]:
    """Disable the garbage collector: imports create many objects that stay, and scanning them again and again is
    slow."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


class _StandIn(ModuleType):
    """Stands in for a module. The given attributes import the module when they are used, any other attribute at
    once."""

    def __init__(self, name: str, used_later: tuple[str, ...]) -> None:
        super().__init__(name)
        self.__dict__.update({attribute: _Later(self, attribute) for attribute in used_later})

    def __getattr__(self, attribute: str) -> Any:
        if attribute.startswith("__"):
            raise AttributeError(attribute)
        return self.get(attribute)

    def get(self, attribute: str) -> Any:
        self.remove()
        return getattr(import_module(self.__name__), attribute)

    def remove(self) -> None:
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]


class _Later:
    """A function, class or container of a stand-in module, with the operations that transformers uses."""

    def __init__(self, module: _StandIn, name: str) -> None:
        self._module, self._name = module, name

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._module.get(self._name)(*args, **kwargs)

    def __contains__(self, item: object) -> bool:
        return item in self._module.get(self._name)

    def __instancecheck__(self, item: object) -> bool:
        return isinstance(item, self._module.get(self._name))
