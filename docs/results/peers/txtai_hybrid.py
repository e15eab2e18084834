"""A hybrid index of txtai as its manual shows it: the peer of scripts/benchmark_index.py.

Runs in an environment of its own (docs/results/builder.md says how it is made). txtai doesn't tell
unchanged passages from others: what is here brings in the changed file alone, as an operator would
who knows which one it is, and removes what that file had before.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from txtai import Embeddings


def settings(model: str) -> dict[str, object]:
    return {
        "path": model,
        "instructions": {"query": "query: ", "data": "passage: "},
        "content": True,
        "hybrid": True,
        "gpu": False,
    }


def read(file: str) -> list[dict[str, str]]:
    return [json.loads(line) for line in Path(file).read_text("utf-8").splitlines()]


def embed(model: str, passages: str) -> dict[str, float]:
    texts = [passage["text"] for passage in read(passages)]
    embeddings = Embeddings(**settings(model))
    embeddings.batchtransform(texts[:32], category="data")
    began = time.process_time()
    embeddings.batchtransform(texts, category="data")
    return {"passages": len(texts), "cpu_seconds": time.process_time() - began}


def build(model: str, passages: str, store: str) -> dict[str, int]:
    rows = [(passage["id"], passage["text"], None) for passage in read(passages)]
    embeddings = Embeddings(**settings(model))
    embeddings.index(rows)
    embeddings.save(store)
    return {"embedded": len(rows)}


def change(passages: str, store: str, path: str) -> dict[str, int]:
    rows = [
        (passage["id"], passage["text"], None)
        for passage in read(passages)
        if passage["path"] == path
    ]
    embeddings = Embeddings()
    embeddings.load(store)
    embeddings.delete([identity for identity, _, _ in rows])
    embeddings.upsert(rows)
    embeddings.save(store)
    return {"embedded": len(rows)}


def ask(store: str, questions: list[str]) -> dict[str, object]:
    embeddings = Embeddings()
    embeddings.load(store)
    milliseconds = []
    for question in questions:
        began = time.perf_counter()
        (found,) = embeddings.search(question, 1)
        milliseconds.append((time.perf_counter() - began) * 1000)
    return {"milliseconds": milliseconds, "found": found["text"][:80]}


def main() -> None:
    step, model, passages, store, questions = sys.argv[1:]
    if step == "embed":
        said: object = embed(model, passages)
    elif step == "build":
        said = build(model, passages, store)
    elif step == "change":
        said = change(passages, store, questions)
    else:
        asked = Path(questions).read_text("utf-8").splitlines()
        said = ask(store, asked[:1] if step == "ask-one" else asked)
    print(json.dumps(said))


if __name__ == "__main__":
    main()
