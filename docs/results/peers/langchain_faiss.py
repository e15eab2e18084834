"""LangChain with FAISS as its manual shows it: the peer of scripts/benchmark_index.py.

Runs in an environment of its own (docs/results/builder.md says how it is made). Passages that are
unchanged are told from others by LangChain's own record manager.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from langchain_core.documents import Document
from langchain_huggingface import HuggingFaceEmbeddings


def encoder(model: str) -> HuggingFaceEmbeddings:
    return HuggingFaceEmbeddings(
        model_name=model,
        model_kwargs={"device": "cpu"},
        encode_kwargs={"prompt": "passage: ", "normalize_embeddings": True},
        query_encode_kwargs={"prompt": "query: ", "normalize_embeddings": True},
    )


def read(file: str) -> list[dict[str, str]]:
    return [json.loads(line) for line in Path(file).read_text("utf-8").splitlines()]


def embed(model: str, passages: str) -> dict[str, float]:
    texts = [passage["text"] for passage in read(passages)]
    embeddings = encoder(model)
    embeddings.embed_documents(texts[:32])
    began = time.process_time()
    embeddings.embed_documents(texts)
    return {"passages": len(texts), "cpu_seconds": time.process_time() - began}


def build(model: str, passages: str, store: str) -> dict[str, int]:
    import faiss
    from langchain_community.docstore.in_memory import InMemoryDocstore
    from langchain_community.vectorstores import FAISS

    try:
        from langchain.indexes import SQLRecordManager, index
    except ImportError:
        from langchain_classic.indexes import SQLRecordManager, index

    embeddings = encoder(model)
    folder = Path(store)
    if folder.exists():
        vectors = FAISS.load_local(store, embeddings, allow_dangerous_deserialization=True)
    else:
        folder.mkdir(parents=True)
        flat = faiss.IndexFlatIP(len(embeddings.embed_query("size")))
        vectors = FAISS(embeddings, flat, InMemoryDocstore(), {})
    records = SQLRecordManager("passages", db_url=f"sqlite:///{folder / 'records.sqlite'}")
    records.create_schema()
    documents = [
        Document(
            page_content=passage["text"], metadata={"source": passage["path"], "id": passage["id"]}
        )
        for passage in read(passages)
    ]
    outcome = index(
        documents, records, vectors, cleanup="full", source_id_key="source", key_encoder="sha256"
    )
    vectors.save_local(store)
    return dict(outcome)


def ask(model: str, store: str, questions: list[str]) -> dict[str, object]:
    from langchain_community.vectorstores import FAISS

    embeddings = encoder(model)
    vectors = FAISS.load_local(store, embeddings, allow_dangerous_deserialization=True)
    milliseconds = []
    for question in questions:
        began = time.perf_counter()
        (found,) = vectors.similarity_search(question, k=1)
        milliseconds.append((time.perf_counter() - began) * 1000)
    return {"milliseconds": milliseconds, "found": found.page_content[:80]}


def main() -> None:
    step, model, passages, store, questions = sys.argv[1:]
    if step == "embed":
        said: object = embed(model, passages)
    elif step == "build":
        said = build(model, passages, store)
    else:
        asked = Path(questions).read_text("utf-8").splitlines()
        said = ask(model, store, asked[:1] if step == "ask-one" else asked)
    print(json.dumps(said))


if __name__ == "__main__":
    main()
