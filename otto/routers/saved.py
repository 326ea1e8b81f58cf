"""A trained router as one file: arrays and a JSON header in numpy's `.npz`, nothing that could run code.

A file that is damaged, cut or from other code is as good as none: the router is trained again.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import zipfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from otto.errors import SchemaError
from otto.files import write_atomic
from otto.routers.arguments import Arguments, Decider
from otto.routers.calibration import Calibration, Curve
from otto.routers.classifier import Classifier, Neighbours
from otto.routers.ngrams import Ngrams
from otto.routers.sentence import WORD_SIZE, Projection, Sentence
from otto.routers.tagger import Field, Tagger
from otto.routers.trained import Memory, Trained
from otto.skill import Skill, from_json, to_json

Arrays = dict[str, NDArray[Any]]

KEPT = 4
"""Trained routers that stay in the cache."""


@lru_cache(maxsize=1)
def code_version() -> str:
    """Changes with the code that trains and answers."""
    digest = hashlib.sha256(np.__version__.encode())
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def texts(lines: Sequence[str]) -> NDArray[np.uint8]:
    """Texts as bytes, each ended by NUL, which stands in none."""
    return np.frombuffer("".join(f"{line}\0" for line in lines).encode("utf-8", "surrogatepass"), np.uint8)


def lines(array: NDArray[Any]) -> list[str]:
    """The inverse of `texts`."""
    return array.tobytes().decode("utf-8", "surrogatepass").split("\0")[:-1]


def write(path: Path, header: Mapping[str, object], arrays: Mapping[str, NDArray[Any]]) -> None:
    """Writes a file whole and removes from its folder those that were not used for longest. Raises `OSError`."""
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, header=texts([json.dumps(header)]), **arrays)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(path, buffer.getvalue())
    for old in newest(path.parent)[KEPT:]:
        with suppress(OSError):
            old.unlink()


def read(path: Path, names: Sequence[str] = (), *, without: str = "\0") -> tuple[dict[str, Any], Arrays] | None:
    """Header and arrays (those called `names`, else all that do not begin with `without`); None for no such file or a
    damaged one."""
    try:
        with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
            header = json.loads(lines(file["header"])[0])
            wanted = names or [name for name in file.files if not name.startswith(without)]
            return header, {name: file[name] for name in wanted}
    except (OSError, ValueError, KeyError, IndexError, EOFError, zipfile.BadZipFile):
        return None


def used(path: Path) -> None:
    """Notes that a file was of use, so that others are removed before it."""
    with suppress(OSError):  # the cache may belong to somebody else
        os.utime(path)


def newest(folder: Path) -> list[Path]:
    """The folder's routers, the one that was used last before all others."""
    found = []
    for path in folder.glob("*.npz"):
        with suppress(OSError):
            found.append((path.stat().st_mtime_ns, path))
    return [path for _, path in sorted(found, reverse=True)]


def pack_classifier(classifier: Classifier) -> Arrays:
    near = classifier.neighbours
    return {
        "labels": texts(classifier.labels),
        "grams": texts(list(classifier.ngrams.vocabulary)),
        "rarity": classifier.ngrams.rarity,
        "weights": classifier.weights,
        "near_mean": near.mean,
        "near_axes": near.axes,
        "near_vectors": near.vectors.astype(np.float16),
        "near_labels": near.labels,
        "near_share": np.array(classifier.share),
    }


def unpack_classifier(arrays: Arrays) -> Classifier:
    vocabulary = {gram: place for place, gram in enumerate(lines(arrays["grams"]))}
    near = Neighbours(
        arrays["near_mean"], arrays["near_axes"], arrays["near_vectors"].astype(np.float32), arrays["near_labels"]
    )
    ngrams = Ngrams(vocabulary, arrays["rarity"])
    labels = tuple(lines(arrays["labels"]))
    return Classifier(labels, ngrams, arrays["weights"], near, float(arrays["near_share"]))


def pack_tagger(name: str, tagger: Tagger) -> Arrays:
    return {
        f"{name}.labels": texts(tagger.labels),
        f"{name}.attributes": texts(list(tagger.attributes)),
        f"{name}.weights": tagger.weights,
        f"{name}.vectors": tagger.vectors,
        f"{name}.transitions": tagger.transitions,
    }


def unpack_tagger(name: str, arrays: Arrays) -> Tagger | None:
    if f"{name}.labels" not in arrays:
        return None
    attributes = {attribute: row for row, attribute in enumerate(lines(arrays[f"{name}.attributes"]))}
    return Tagger(
        tuple(lines(arrays[f"{name}.labels"])),
        attributes,
        arrays[f"{name}.weights"],
        arrays[f"{name}.vectors"],
        arrays[f"{name}.transitions"],
    )


def pack_arguments(arguments: Mapping[str, Arguments]) -> tuple[list[dict[str, object]], Arrays]:
    """The part of the header, and the arrays. The pooled field is kept once."""
    entries: list[dict[str, object]] = []
    arrays: Arrays = {}
    for name, each in arguments.items():
        if each.field:
            arrays |= pack_tagger(f"tagger.{name}", each.field.own)
            if each.field.pooled and "pooled.labels" not in arrays:
                arrays |= pack_tagger("pooled", each.field.pooled)
        for decider in each.deciders:
            arrays[f"decider.{name}.{decider.parameter}.columns"] = decider.columns
            arrays[f"decider.{name}.{decider.parameter}.weights"] = decider.weights
        entries.append(
            {
                "skill": name,
                "kinds": each.kinds,
                "repeating": sorted(each.field.repeating) if each.field else [],
                "pooled": bool(each.field and each.field.pooled),
                "deciders": [[decider.parameter, decider.options, decider.named] for decider in each.deciders],
                "trained_on": each.trained_on,
            }
        )
    return entries, arrays


def unpack_arguments(
    entries: Sequence[dict[str, Any]], arrays: Arrays, skills: Mapping[str, Skill]
) -> dict[str, Arguments]:
    pooled = unpack_tagger("pooled", arrays)
    found = {}
    for entry in entries:
        name = entry["skill"]
        own = unpack_tagger(f"tagger.{name}", arrays)
        deciders = tuple(
            Decider(
                parameter,
                tuple(options),
                arrays[f"decider.{name}.{parameter}.columns"],
                arrays[f"decider.{name}.{parameter}.weights"],
                named,
            )
            for parameter, options, named in entry["deciders"]
        )
        field = Field(own, frozenset(entry["repeating"]), pooled if entry["pooled"] else None) if own else None
        found[name] = Arguments(skills[name], tuple(entry["kinds"]), field, deciders, entry["trained_on"])
    return found


def pack_calibration(calibration: Calibration) -> list[float]:
    return [
        calibration.threshold,
        calibration.skill.offset,
        calibration.skill.slope,
        calibration.refusal.offset,
        calibration.refusal.slope,
        calibration.temperature,
    ]


def unpack_calibration(numbers: Sequence[float]) -> Calibration:
    threshold, *curves, temperature = numbers
    return Calibration(threshold, Curve(*curves[:2]), Curve(*curves[2:]), temperature)


def pack_memory(memory: Memory) -> Arrays:
    sentences = list(memory.sentences.values())
    grams = [memory.grams[each.text] for each in sentences]
    none = np.zeros((0, WORD_SIZE), np.float32)
    return {
        "memory.texts": texts([each.text for each in sentences]),
        "memory.spans": np.array([offset for each in sentences for span in each.spans for offset in span], np.int32),
        "memory.counts": np.array(
            [[len(each.spans), len(gram[0])] for each, gram in zip(sentences, grams, strict=True)]
        ),
        "memory.vectors": np.array([each.vector for each in sentences], np.float32).astype(np.float16),
        "memory.words": np.concatenate([none, *(each.word_vectors for each in sentences)]).astype(np.float16),
        "memory.columns": np.concatenate([np.zeros(0, np.int32), *(columns for columns, _ in grams)]),
        "memory.values": np.concatenate([np.zeros(0, np.float32), *(values for _, values in grams)]),
    }


def unpack_memory(arrays: Arrays, changed: int) -> Memory:
    sentences, grams = {}, {}
    spans = [(start, end) for start, end in arrays["memory.spans"].reshape(-1, 2).tolist()]
    words = arrays["memory.words"].astype(np.float32)
    vectors = arrays["memory.vectors"].astype(np.float32)
    word = gram = 0
    counts = arrays["memory.counts"].tolist()
    for text, vector, (own_words, own_grams) in zip(lines(arrays["memory.texts"]), vectors, counts, strict=True):
        until = word + own_words
        sentences[text] = Sentence(text, tuple(spans[word:until]), vector, words[word:until])
        part = slice(gram, gram + own_grams)
        grams[text] = arrays["memory.columns"][part], arrays["memory.values"][part]
        word, gram = until, gram + own_grams
    return Memory(sentences, grams, changed)


def recall(trained: Trained) -> Memory:
    """The sentences it was trained on; none where their file is gone."""
    if isinstance(trained.memory, Memory):
        return trained.memory
    found = read(trained.memory, [f"memory.{name}" for name in _MEMORY])
    try:
        return unpack_memory(found[1], int(found[0]["changed"])) if found else Memory()
    except (KeyError, ValueError):
        return Memory()


def remembered(path: Path) -> tuple[frozenset[str], int]:
    """The sentences that a file's router was trained on, and how many of them came or went since everything was trained
    anew; none for no such file."""
    found = read(path, ["memory.texts"])
    try:
        return (frozenset(lines(found[1]["memory.texts"])), int(found[0]["changed"])) if found else (frozenset(), 0)
    except (KeyError, ValueError, TypeError):
        return frozenset(), 0


_MEMORY = ("texts", "spans", "counts", "vectors", "words", "columns", "values")


def save(path: Path, trained: Trained, encoder_version: str) -> None:
    """Writes it to one file. Raises `OSError`."""
    memory = recall(trained)
    entries, arrays = pack_arguments(trained.arguments)
    header = {
        "code": code_version(),
        "encoder": encoder_version,
        "skills": pack_skills(trained.skills),
        "arguments": entries,
        "calibration": pack_calibration(trained.calibration),
        "classifier": trained.classifier is not None,
        "changed": memory.changed,
    }
    if trained.classifier:
        arrays |= pack_classifier(trained.classifier)
    arrays |= {"projection_mean": trained.projection.mean, "projection_axes": trained.projection.axes}
    write(path, header, arrays | pack_memory(memory))


def load(path: Path, encoder_version: str) -> Trained | None:
    """What a file holds; None if there is none, it is damaged, or other code or another encoder made it."""
    found = read(path, without="memory.")
    if found is None:
        return None
    header, arrays = found
    try:
        if header["code"] != code_version() or header["encoder"] != encoder_version:
            return None
        skills = unpack_skills(header["skills"])
        return Trained(
            skills,
            Projection(arrays["projection_mean"], arrays["projection_axes"]),
            unpack_classifier(arrays) if header["classifier"] else None,
            unpack_arguments(header["arguments"], arrays, skills),
            unpack_calibration(header["calibration"]),
            path,
        )
    except (KeyError, ValueError, TypeError, SchemaError):
        return None


def pack_skills(skills: Mapping[str, Skill]) -> list[dict[str, object]]:
    return [{**to_json(skill), "risk": skill.risk} for skill in skills.values()]


def unpack_skills(entries: Sequence[dict[str, Any]]) -> dict[str, Skill]:
    """The inverse of `pack_skills`; how risky a skill is stands in no schema, and decides how sure to be of it."""
    return {entry["name"]: replace(from_json(entry), risk=entry["risk"]) for entry in entries}
