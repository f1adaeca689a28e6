"""``spacy keci optimize``: a pipeline whose encoder runs in ONNX Runtime."""

from enum import Enum
from pathlib import Path
from typing import Annotated, Any

import typer
from spacy.language import Language
from spacy.util import registry

from ..files import remove
from .load import load_pipeline, prepare_pipeline_folder
from .messages import good, tell
from .options import Model

FROM = ("spacy_keci.TransformerModel.", "spacy-transformers.TransformerModel.")
TO = "spacy_keci.OnnxTransformerModel.v1"
KEPT = ("name", "get_spans", "tokenizer_config", "transformer_config", "max_items")


class Precision(str, Enum):
    single = "single"
    int8 = "int8"


def optimize_cli(
    model: Model,
    output: Annotated[Path, typer.Argument(help="Folder for the new pipeline")],
    precision: Annotated[
        Precision, typer.Option(help="single: the same results; int8: faster, with other results")
    ] = Precision.single,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace OUTPUT if it exists")] = False,
) -> None:
    """Save a copy of a pipeline whose encoder runs in ONNX Runtime, on CPUs. It cannot be trained further.

    The command needs ONNX: pip install onnx onnxruntime. To load the new pipeline, onnxruntime is enough.

    \b
    spacy keci optimize en_keci_biorelex fast/
    spacy keci optimize training/biorelex/model-best fastest/ --precision int8
    """
    if output.exists() and not output.is_dir():
        raise ValueError(f"{output} is a file: name a folder for the pipeline.")
    if output.exists() and any(output.iterdir()) and not overwrite:
        raise ValueError(f"{output} already exists: --overwrite replaces it.")
    nlp = load_pipeline(model)
    prepare_pipeline_folder(output, nlp)
    for name in encoders_of(nlp):
        optimize(nlp, name, precision.value)
    remove(output)
    nlp.to_disk(output)
    good(f"Saved to {output}.")
    if precision is Precision.int8:
        tell(f"Its results differ: compare 'spacy keci evaluate {output} CORPUS' with that of {model}.")


def encoders_of(nlp: Language) -> list[str]:
    """The components that encode with a transformer in torch. Raises ValueError if there are none."""
    found = [
        name
        for name in nlp.component_names
        if str(nlp.get_pipe_config(name).get("model", {}).get("@architectures", "")).startswith(FROM)
    ]
    if not found:
        raise ValueError(
            "The pipeline has no component with a transformer (spacy_keci.TransformerModel.v1): there is nothing to "
            "optimize. One that a component has for itself (nlp.replace_listeners) stays as it is."
        )
    return found


def optimize(nlp: Language, name: str, precision: Any) -> None:
    """Replace the encoder of a component by one in ONNX Runtime, in the pipeline and its config.

    Raises ImportError if one of them is not installed, ValueError if the encoder cannot be exported.
    """
    try:
        import onnx  # noqa: F401
        import onnxruntime  # noqa: F401
    except ImportError as error:
        raise ImportError(f"This needs ONNX Runtime ({error}): pip install onnx onnxruntime.") from None
    from ..ml.encoders.export import export
    from ..ml.encoders.onnx import put_in

    pipe: Any = nlp.get_pipe(name)
    graph = export(pipe.model, precision)
    config = nlp.get_pipe_config(name)  # with variables such as ${paths.encoder}
    kept = {key: config["model"][key] for key in KEPT if key in config["model"]}
    config["model"] = {"@architectures": TO, **kept, "precision": precision}
    model = registry.resolve({"model": nlp.config.interpolate()["components"][name]["model"]})["model"]
    put_in(model, pipe.model, graph)
    pipe.model = model
