"""Makes `otto/data/speech/common_words.txt`: the most frequent words of English, with counts per ten million.

    python scripts/build_common_words.py

They come from the language model that PocketSphinx carries (CMU Sphinx, BSD licence), and only words of its
pronouncing dictionary are taken. A recogniser for skills that take any text needs them: "remind me to call grandma".
"""

from __future__ import annotations

import re
from pathlib import Path

import pocketsphinx

from otto.audio.pronunciation import model_folder

MOST = 4000
OUT = Path(__file__).parent.parent / "otto" / "data" / "speech" / "common_words.txt"


def main() -> None:
    config = pocketsphinx.Config(lm=None, logfn="/dev/null")
    logs = pocketsphinx.LogMath()
    model = pocketsphinx.NGramModel(config, logs, str(model_folder() / "en-us.lm.bin"))
    with (model_folder() / "cmudict-en-us.dict").open(encoding="utf-8") as file:
        words = {line.partition(" ")[0] for line in file}
    plain = [word for word in words if re.fullmatch("[a-z]+(?:'[a-z]+)?", word)]
    likely = sorted(((round(1e7 * logs.exp(model.prob([word]))), word) for word in plain), reverse=True)[:MOST]
    OUT.parent.mkdir(parents=True, exist_ok=True)
    OUT.write_text("".join(f"{word} {count}\n" for count, word in likely), encoding="utf-8")
    print(f"{len(likely)} words, the last one {likely[-1]}")


if __name__ == "__main__":
    main()
