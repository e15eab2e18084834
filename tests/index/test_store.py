"""Versions, the cache of vectors, and what a damaged file says."""

from __future__ import annotations

import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from index import (
    BuildInProgress,
    IndexBroken,
    IndexMissing,
    Retriever,
    build_index,
    rollback,
    verify_index,
)
from index.manifest import read_manifest
from index.vector_cache import VectorCache
from index.versions import building, current_version


def vector(seed: int) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    return np.full(4, seed, np.float32)


def fingerprint(seed: int) -> bytes:
    return bytes([seed]) * 32


def test_the_cache_keeps_vectors_by_fingerprint(tmp_path: Path) -> None:
    cache = VectorCache(tmp_path, "encoder", 4)
    cache.add([fingerprint(1), fingerprint(2)], [vector(1), vector(2)])
    cache.close()
    again = VectorCache(tmp_path, "encoder", 4)
    assert fingerprint(1) in again
    assert fingerprint(3) not in again
    assert again[fingerprint(2)].tolist() == [2, 2, 2, 2]
    again.close()


@pytest.mark.parametrize("cut", [1, 20, 55])
def test_a_torn_record_ends_the_cache_and_the_next_one_is_whole(tmp_path: Path, cut: int) -> None:
    cache = VectorCache(tmp_path, "encoder", 4)
    cache.add([fingerprint(1), fingerprint(2)], [vector(1), vector(2)])
    cache.close()
    (file,) = (tmp_path / "vectors").glob("*.cache")
    os.truncate(file, file.stat().st_size - cut)
    torn = VectorCache(tmp_path, "encoder", 4)
    assert fingerprint(1) in torn
    assert fingerprint(2) not in torn
    torn.add([fingerprint(3)], [vector(3)])
    torn.close()
    healed = VectorCache(tmp_path, "encoder", 4)
    assert healed[fingerprint(3)].tolist() == [3, 3, 3, 3]
    healed.close()


def test_a_flipped_bit_in_the_cache_is_not_believed(tmp_path: Path) -> None:
    cache = VectorCache(tmp_path, "encoder", 4)
    cache.add([fingerprint(1)], [vector(1)])
    cache.close()
    (file,) = (tmp_path / "vectors").glob("*.cache")
    data = bytearray(file.read_bytes())
    data[40] ^= 1
    file.write_bytes(data)
    again = VectorCache(tmp_path, "encoder", 4)
    assert fingerprint(1) not in again
    again.close()


def test_another_encoder_has_another_cache(tmp_path: Path) -> None:
    cache = VectorCache(tmp_path, "encoder", 4)
    cache.add([fingerprint(1)], [vector(1)])
    cache.close()
    other = VectorCache(tmp_path, "another", 4)
    assert fingerprint(1) not in other
    other.close()


def test_the_cache_forgets_what_is_not_used_once_it_is_the_greater_part(tmp_path: Path) -> None:
    cache = VectorCache(tmp_path, "encoder", 4)
    cache.add([fingerprint(n) for n in range(9)], [vector(n) for n in range(9)])
    cache.shrink([fingerprint(4)])
    cache.close()
    again = VectorCache(tmp_path, "encoder", 4)
    assert [n for n in range(9) if fingerprint(n) in again] == [4]
    again.close()


def test_a_second_builder_is_turned_away(tmp_path: Path) -> None:
    second = building(tmp_path)
    with building(tmp_path), pytest.raises(BuildInProgress, match="another build"):
        second.__enter__()


def test_no_index_is_said_with_the_command_that_makes_one(tmp_path: Path) -> None:
    with pytest.raises(IndexMissing, match=r"python scripts/build_index\.py"):
        current_version(tmp_path)


@pytest.mark.parametrize("name", ["", "../../etc", "000009-abc", "x\0y", "\n"])
def test_a_pointer_to_nowhere_is_said(tmp_path: Path, name: str) -> None:
    (tmp_path / "current").write_text(name, "utf-8")
    with pytest.raises(IndexBroken, match="current"):
        current_version(tmp_path)


def copy_of(index_folder: Path, target: Path) -> Path:
    shutil.copytree(index_folder, target)
    return current_version(target)


@pytest.mark.parametrize("name", ["passages.sqlite", "dense.faiss", "manifest.json"])
@pytest.mark.parametrize("harm", ["flip", "cut", "remove", "empty"])
def test_a_damaged_file_is_named_when_the_index_is_opened(
    name: str, harm: str, tmp_path: Path, briefing_index: Path, models_folder: Path
) -> None:
    version = copy_of(briefing_index, tmp_path / "index")
    file = version / name
    data = bytearray(file.read_bytes())
    if harm == "remove":
        file.unlink()
    elif harm == "empty":
        file.write_bytes(b"")
    elif harm == "cut":
        file.write_bytes(data[: len(data) // 2])
    else:
        data[100] ^= 0x20
        file.write_bytes(data)
    with pytest.raises(IndexBroken, match=name):
        Retriever.open(tmp_path / "index", models_folder)
    with pytest.raises(IndexBroken, match=name):
        verify_index(tmp_path / "index")


def test_every_byte_is_verified_on_request(tmp_path: Path, briefing_index: Path) -> None:
    version = copy_of(briefing_index, tmp_path / "index")
    assert verify_index(tmp_path / "index").passages > 0
    (file,) = (version / "sparse").glob("*.term")
    data = bytearray(file.read_bytes())
    data[len(data) // 3] ^= 1
    file.write_bytes(data)
    with pytest.raises(IndexBroken, match="term"):
        verify_index(tmp_path / "index")


def test_a_manifest_changed_by_hand_is_not_believed(tmp_path: Path, briefing_index: Path) -> None:
    version = copy_of(briefing_index, tmp_path / "index")
    text = (version / "manifest.json").read_text("utf-8")
    (version / "manifest.json").write_text(text.replace("rail.md", "road.md"), "utf-8")
    with pytest.raises(IndexBroken, match="own hash"):
        read_manifest(version)


def test_three_versions_are_kept_and_rollback_goes_back_one(
    tmp_path: Path, models_folder: Path
) -> None:
    (tmp_path / "docs").mkdir()
    ids = []
    for number in range(5):
        (tmp_path / "docs" / "a.md").write_text(f"Version {number} it is.", "utf-8")
        ids.append(build_index([tmp_path / "docs"], tmp_path / "index", models_folder).index_id)
    assert len(set(ids)) == 5
    assert len(list((tmp_path / "index" / "versions").iterdir())) == 3
    assert rollback(tmp_path / "index").index_id == ids[3]
    retriever = Retriever.open(tmp_path / "index", models_folder)
    assert retriever.index_id == ids[3]
    assert retriever.search("version", 1)[0].passage.text == "Version 3 it is."
    retriever.close()
    assert rollback(tmp_path / "index").index_id == ids[2]
    with pytest.raises(IndexMissing, match="no version to go back to"):
        rollback(tmp_path / "index")
    rebuilt = build_index([tmp_path / "docs"], tmp_path / "index", models_folder)
    assert rebuilt.index_id == ids[4]


def test_rollback_passes_over_a_damaged_version(tmp_path: Path, models_folder: Path) -> None:
    (tmp_path / "docs").mkdir()
    ids = []
    for number in range(3):
        (tmp_path / "docs" / "a.md").write_text(f"Version {number} it is.", "utf-8")
        ids.append(build_index([tmp_path / "docs"], tmp_path / "index", models_folder).index_id)
    middle = sorted((tmp_path / "index" / "versions").iterdir())[1]
    (middle / "dense.faiss").write_bytes(b"")
    assert rollback(tmp_path / "index").index_id == ids[0]


def versions(index_folder: Path) -> list[str]:
    return sorted(path.name.split("-")[0] for path in (index_folder / "versions").iterdir())


def test_a_version_that_a_rollback_turned_from_is_never_gone_back_to(
    tmp_path: Path, models_folder: Path
) -> None:
    (tmp_path / "docs").mkdir()
    ids: list[str] = []
    for number in range(3):
        if number == 2:
            assert rollback(tmp_path / "index").index_id == ids[0]
        (tmp_path / "docs" / "a.md").write_text(f"Version {number} it is.", "utf-8")
        ids.append(build_index([tmp_path / "docs"], tmp_path / "index", models_folder).index_id)
    assert versions(tmp_path / "index") == ["000001", "000003"]
    assert rollback(tmp_path / "index").index_id == ids[0]


def test_a_version_in_use_stays_until_it_is_let_go(tmp_path: Path, models_folder: Path) -> None:
    (tmp_path / "docs").mkdir()

    def build(number: int) -> None:
        (tmp_path / "docs" / "a.md").write_text(f"Version {number} it is.", "utf-8")
        build_index([tmp_path / "docs"], tmp_path / "index", models_folder)

    build(0)
    retriever = Retriever.open(tmp_path / "index", models_folder)
    for number in range(1, 5):
        build(number)
    assert versions(tmp_path / "index") == ["000001", "000003", "000004", "000005"]
    with ThreadPoolExecutor(1) as thread:  # a thread of its own opens a connection of its own
        (found,) = thread.submit(retriever.search, "version", 1).result()
    assert found.passage.text == "Version 0 it is."
    retriever.close()
    build(5)
    assert versions(tmp_path / "index") == ["000004", "000005", "000006"]
