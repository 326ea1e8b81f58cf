"""Keeps passages in one SQLite file and finds them: by words (FTS5's BM25) and by meaning (sqlite-vec), reranked.

    with Library(path, encoder) as library:
        print(library.add(folder))                 # Added(read=12, unchanged=0, removed=0, passages=340, problems=())
        library.find("how long is a taper")

Two rankings of 30, by words and by meaning, are fused by reciprocal rank (Cormack et al. 2009, SIGIR: 1/(60 + rank)).
The best 12 of these are ranked a third time, by the likeness of the question to the nearest of a passage's sentences,
which is fused in with the weight of the other two. apsw brings SQLite: the one in Python is often built without the
possibility to load sqlite-vec.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from otto.encoder import SIZE, Encode, Encoded
from otto.errors import OttoError
from otto.library.passages import Passage, Piece, cut, sentences
from otto.library.sections import read

if TYPE_CHECKING:
    import apsw

INSTALL = "pip install 'otto-assistant[library]'"
ENDINGS = (".md", ".markdown", ".txt", ".text", ".html", ".htm", ".pdf")
"""Of files that are read."""
VERSION = 1
FUSED = 60
"""The constant of reciprocal rank fusion."""
LOOKED_AT = 30
"""Passages taken from each ranking."""
RERANKED = 12
FOUND = 4
"""Passages handed to the model."""
LEAST = 0.2
"""Likeness of the nearest sentence under which a passage has nothing to do with the question."""
_TABLES = f"""
CREATE TABLE documents (id INTEGER PRIMARY KEY, path TEXT NOT NULL UNIQUE, digest TEXT NOT NULL);
CREATE TABLE passages (
    id INTEGER PRIMARY KEY, document INTEGER NOT NULL REFERENCES documents(id) ON DELETE CASCADE,
    page INTEGER NOT NULL, heading TEXT NOT NULL, text TEXT NOT NULL);
CREATE INDEX passages_document ON passages(document);
CREATE VIRTUAL TABLE words USING fts5(heading, text, content='passages', content_rowid='id',
    tokenize="porter unicode61 remove_diacritics 2");
CREATE VIRTUAL TABLE meanings USING vec0(vector float[{SIZE}] distance_metric=cosine);
"""


class LibraryError(OttoError):
    """The library cannot be opened or read. The message says what to do."""


@dataclass(frozen=True, slots=True)
class Added:
    """What became of a folder."""

    read: int
    """Documents that were new or had changed."""
    unchanged: int
    removed: int
    """Documents that are no longer there."""
    passages: int
    """In the whole library now."""
    problems: tuple[str, ...] = ()
    """What could not be read, and why."""


class Library:
    """One opened library; for one thread."""

    def __init__(self, path: Path, encode: Encode) -> None:
        """Opens `path`, or makes it. Raises `LibraryError`."""
        self._encode = encode
        self._path = path
        self._connection = _opened(path)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()

    def add(self, folder: Path, progress: Callable[[str, float], None] = lambda what, share: None) -> Added:
        """Reads what is new or changed in `folder` (or that one file), and forgets what is gone from it. Hidden files
        are left alone. Raises `LibraryError` where there is no such folder."""
        folder = folder.resolve()
        if not folder.exists():
            raise LibraryError(f"There is no folder {folder}.")
        files = [folder] if folder.is_file() else sorted(_documents(folder))
        known = {
            path: (number, digest) for number, path, digest in self._rows("SELECT id, path, digest FROM documents")
        }
        gone = [path for path in known if _lies_in(Path(path), folder) and Path(path) not in files]
        count, problems = 0, list[str]()
        with self._connection:
            for path in gone:
                self._forget(known[path][0])
        for place, file in enumerate(files):
            progress(file.name, place / len(files))
            try:
                count += self._read(file, known.get(str(file)))
            except LibraryError:
                raise
            except (OttoError, OSError) as error:
                problems.append(str(error))
        left = len(files) - count - len(problems)
        return Added(count, left, len(gone), len(self), tuple(problems))

    def find(self, question: str, count: int = FOUND) -> list[Passage]:
        """The passages that say most about `question`, the best first; empty where none does."""
        vector = self._encode([question])[0].sentence
        by_words, by_meaning = self._by_words(question), self._by_meaning(vector)
        scores = fused([by_words, by_meaning])
        best = sorted(scores, key=lambda each: -scores[each])[:RERANKED]
        texts = {number: (heading, text) for number, heading, text in self._passages(best)}
        likeness = {each: self._likeness(vector, *texts[each]) for each in best}
        reranked = sorted(best, key=lambda each: -likeness[each])
        final = fused([by_words, by_meaning, reranked, reranked])
        chosen = [each for each in sorted(best, key=lambda each: -final[each]) if likeness[each] >= LEAST][:count]
        return [self._passage(number, each, final[each]) for number, each in enumerate(chosen, 1)]

    def documents(self) -> list[str]:
        """The paths of all documents."""
        return [path for (path,) in self._rows("SELECT path FROM documents ORDER BY path")]

    def __len__(self) -> int:
        """Passages."""
        ((count,),) = self._rows("SELECT count(*) FROM passages")
        return int(count)

    def _read(self, file: Path, known: tuple[int, str] | None) -> bool:
        """Whether there was anything new in it."""
        digest = hashlib.sha256(file.read_bytes()).hexdigest()
        if known and known[1] == digest:
            return False
        pieces = cut(read(file, by="pages"), file.stem)
        vectors = self._encode([_headed(piece.heading, piece.text) for piece in pieces])
        with self._connection:
            if known:
                self._forget(known[0])
            self._rows("INSERT INTO documents (path, digest) VALUES (?, ?)", (str(file), digest))
            document = self._connection.last_insert_rowid()
            for piece, vector in zip(pieces, vectors, strict=True):
                self._keep(document, piece, vector)
        return True

    def _keep(self, document: int, piece: Piece, encoded: Encoded) -> None:
        values = (document, piece.page, piece.heading, piece.text)
        self._rows("INSERT INTO passages (document, page, heading, text) VALUES (?, ?, ?, ?)", values)
        number = self._connection.last_insert_rowid()
        self._rows("INSERT INTO words (rowid, heading, text) VALUES (?, ?, ?)", (number, piece.heading, piece.text))
        self._rows("INSERT INTO meanings (rowid, vector) VALUES (?, ?)", (number, encoded.sentence.tobytes()))

    def _forget(self, document: int) -> None:
        for number, heading, text in self._rows(
            "SELECT id, heading, text FROM passages WHERE document = ?", (document,)
        ):
            self._rows(
                "INSERT INTO words (words, rowid, heading, text) VALUES ('delete', ?, ?, ?)", (number, heading, text)
            )
            self._rows("DELETE FROM meanings WHERE rowid = ?", (number,))
        self._rows("DELETE FROM documents WHERE id = ?", (document,))

    def _by_words(self, question: str) -> list[int]:
        words = [f'"{word}"' for word in dict.fromkeys(re.findall(r"\w+", question.lower())) if word not in _COMMON]
        if not words:
            return []
        sql = "SELECT rowid FROM words WHERE words MATCH ? ORDER BY bm25(words, 2.0, 1.0) LIMIT ?"
        return [number for (number,) in self._rows(sql, (" OR ".join(words), LOOKED_AT))]

    def _by_meaning(self, vector: Any) -> list[int]:
        sql = "SELECT rowid FROM meanings WHERE vector MATCH ? AND k = ? ORDER BY distance"
        return [number for (number,) in self._rows(sql, (vector.astype(np.float32).tobytes(), LOOKED_AT))]

    def _likeness(self, vector: Any, heading: str, text: str) -> float:
        """Cosine of the question to the nearest sentence of a passage, or to the whole of it."""
        said = [_headed(heading, text), *sentences(text)]
        return max(float(vector @ each.sentence) for each in self._encode(said))

    def _passages(self, numbers: Iterable[int]) -> list[Any]:
        wanted = ",".join(str(int(number)) for number in numbers)
        return self._rows(f"SELECT id, heading, text FROM passages WHERE id IN ({wanted})")  # noqa: S608  whole numbers

    def _passage(self, place: int, number: int, score: float) -> Passage:
        sql = """SELECT path, page, heading, text FROM passages JOIN documents ON documents.id = document
            WHERE passages.id = ?"""
        ((path, page, heading, text),) = self._rows(sql, (number,))
        return Passage(place, Path(path).name, path, page, heading, text, score)

    def _rows(self, statement: str, values: Sequence[Any] = ()) -> list[Any]:
        return _rows(self._connection, self._path, statement, values)


def _headed(heading: str, text: str) -> str:
    """What a passage means: its own heading says what its sentences leave out, those above it say other things."""
    own = heading.rpartition("› ")[2]
    return f"{own}. {text}" if own else text


def fused(rankings: Sequence[Sequence[int]]) -> dict[int, float]:
    """Reciprocal rank fusion: the score of everything that any ranking holds."""
    scores: dict[int, float] = {}
    for ranking in rankings:
        for rank, each in enumerate(ranking, 1):
            scores[each] = scores.get(each, 0.0) + 1 / (FUSED + rank)
    return scores


_COMMON = frozenset([
    "a", "about", "after", "an", "and", "any", "are", "as", "at", "be", "before", "by", "can", "do", "does", "during",
    "for", "from", "have", "how", "i", "if", "in", "is", "it", "many", "me", "most", "much", "my", "of", "on", "or",
    "shall", "should", "some", "that", "the", "there", "this", "to", "was", "what", "when", "where", "which", "who",
    "why", "will", "with", "would", "you", "your",
])  # fmt: skip
"""Words that say nothing about what is sought."""


def _documents(folder: Path) -> Iterable[Path]:
    for file in folder.rglob("*"):
        hidden = any(part.startswith(".") for part in file.relative_to(folder).parts)
        if not hidden and file.suffix.lower() in ENDINGS and file.is_file() and not file.is_symlink():
            yield file


def _lies_in(path: Path, folder: Path) -> bool:
    return path == folder or path.is_relative_to(folder)


def _opened(path: Path) -> apsw.Connection:
    if not (find_spec("apsw") and find_spec("sqlite_vec")):
        raise LibraryError(f"The library needs packages that are not installed: {INSTALL}")
    import apsw

    extension = import_module("sqlite_vec").loadable_path()
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.touch(mode=0o600)
        connection = apsw.Connection(str(path))
        connection.set_busy_timeout(5000)
        connection.enable_load_extension(True)
        connection.load_extension(extension)
        connection.enable_load_extension(False)
        connection.pragma("foreign_keys", True)
        connection.pragma("journal_mode", "wal")
        with connection:
            version = connection.pragma("user_version")
            if version == 0:
                connection.execute(_TABLES)
                connection.pragma("user_version", VERSION)
    except (apsw.Error, OSError) as error:
        raise LibraryError(f"The library {path} cannot be opened ({error}): delete it and index again.") from error
    if version not in (0, VERSION):
        connection.close()
        raise LibraryError(f"The library {path} was made by another Otto: delete it and index again.")
    return connection


def _rows(connection: apsw.Connection, path: Path, statement: str, values: Sequence[Any]) -> list[Any]:
    import apsw

    try:
        return list(connection.execute(statement, tuple(values)))
    except apsw.Error as error:
        raise LibraryError(f"The library {path} cannot be used ({error}): delete it and index again.") from error
