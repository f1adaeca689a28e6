"""Ways on which a document is stored or copied, and comes back."""

import pickle
from collections.abc import Callable

from spacy.tokens import Doc, DocBin
from spacy.vocab import Vocab


def through_docbin(doc: Doc) -> Doc:
    data = DocBin(docs=[doc], store_user_data=True).to_bytes()
    return next(DocBin().from_bytes(data).get_docs(Vocab()))


WAYS: dict[str, Callable[[Doc], Doc]] = {
    "to_bytes": lambda doc: Doc(Vocab()).from_bytes(doc.to_bytes()),
    "DocBin": through_docbin,
    "pickle": lambda doc: pickle.loads(pickle.dumps(doc)),
    "copy": lambda doc: doc.copy(),
}
