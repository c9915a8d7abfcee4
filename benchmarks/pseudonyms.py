"""`make bench`: opening pseudonyms, against the libraries one would use otherwise.

CPU time of this process, all contenders in turn in each of five rounds, the median of each. Only ratios are judged,
because a machine's speed cancels out of them. Writes the ratios to the file named, prints a table, and fails if a goal
is missed.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from random import Random

from benchmarks import peers
from benchmarks.figures import keep, print_table
from benchmarks.peers import Contender
from keyholder.pseudonyms.batch.array_lane import ArrayLane
from keyholder.pseudonyms.batch.ff1_array_lane import Ff1ArrayLane
from keyholder.pseudonyms.batch.ff1_column import Ff1Column
from keyholder.pseudonyms.batch.integer_lane import IntegerLane
from keyholder.pseudonyms.batch.siv_column import SivColumn
from keyholder.pseudonyms.batch.token_text import write_tokens
from keyholder.pseudonyms.ff1 import ff1_key, ff1_tweak
from keyholder.pseudonyms.key_ring import DataKey, OpenedKeys
from keyholder.pseudonyms.opening import OpenStatus, TokenCell, open_tokens
from keyholder.pseudonyms.sealing import seal_rows
from keyholder.pseudonyms.siv import Siv, associated_data, open_
from keyholder.pseudonyms.token import Token
from keyholder.vocabulary import DomainId, IdentifierType

ROUNDS = 5
ROWS = 1_000_000
WHOLE_ROWS = 100_000
DOMAIN, NUMBER = DomainId("gp-2026"), IdentifierType.NHS_NUMBER
KEY = DataKey(bytes(range(64)), 1)
ASSOCIATED = associated_data(DOMAIN, NUMBER, 1)
WIDTH, LENGTH = 20, 4
TODAY = date(2026, 7, 1)


@dataclass(frozen=True, slots=True)
class Goal:
    """A ratio to reach: at least `bound`, or at most where `at_most`; None where there is only a figure."""

    key: str
    what: str
    ours: str
    theirs: str
    bound: float | None
    at_most: bool = False

    def ratio(self, rates: Mapping[str, float]) -> float:
        ratio = rates[self.ours] / rates[self.theirs]
        return 1 / ratio if self.at_most else ratio

    def met(self, ratio: float) -> bool:
        return self.bound is None or (ratio <= self.bound if self.at_most else ratio >= self.bound)


BATCH, NO_NUMPY, FF1_BATCH = "AES-SIV, batch", "AES-SIV, batch without numpy", "FF1, batch"
ONE, TINK = "AES-SIV, one by one", "tink"
LIBRARY, SAME_CALL = "cryptography AESSIV", "cryptography AESSIV, our associated data"
PRESIDIO, AWS, LIBFFX, BOUND = "presidio-anonymizer", "aws-encryption-sdk", "libffx FF1", "AES alone, 2 blocks each"
WHOLE, WHOLE_BAD, WHOLE_ONE = "open_tokens", "open_tokens, 1 % of rows bad", "token, key, identifier, one by one"
SEAL = "seal_rows"
GOALS = (
    Goal("siv_batch_vs_tink", "batch against tink", BATCH, TINK, 20),
    Goal("siv_batch_vs_aessiv", "batch against AESSIV per call", BATCH, LIBRARY, 20),
    Goal("siv_batch_vs_presidio", "batch against presidio", BATCH, PRESIDIO, 300),
    Goal("siv_batch_vs_aws_encryption_sdk", "batch against aws-encryption-sdk", BATCH, AWS, None),
    Goal("siv_batch_of_aes_bound", "batch as a part of the AES bound", BATCH, BOUND, 0.10),
    Goal("siv_nonumpy_vs_aessiv", "batch without numpy against AESSIV per call", NO_NUMPY, LIBRARY, 6),
    Goal("ff1_batch_vs_libffx", "FF1 batch against libffx", FF1_BATCH, LIBFFX, 50),
    Goal("siv_single_vs_aessiv", "time of one token against AESSIV per call", ONE, SAME_CALL, 1.5, at_most=True),
    Goal("siv_bad_rows_time", "time with 1 % of the rows bad against none", WHOLE_BAD, WHOLE, 1.3, at_most=True),
)


def main(target: Path) -> int:
    random = Random(1)
    numbers = [f"{stem:09d}" for stem in (random.randrange(400_000_000, 1_000_000_000) for _ in range(ROWS))]
    plaintexts = b"".join(int(number).to_bytes(LENGTH, "big") for number in numbers)
    rates = _measured(_engine(plaintexts, [number + "0" for number in numbers[:300_000]]))
    whole = _measured(_whole(plaintexts))
    ratios = {goal.key: goal.ratio({**rates, **whole}) for goal in GOALS}
    keep(target, ratios)
    _print_rates(rates)
    _print_goals(ratios)
    _print_whole(whole)
    return 0 if all(goal.met(ratios[goal.key]) for goal in GOALS) else 1


def _engine(plaintexts: bytes, ten_digits: list[str]) -> dict[str, Contender]:
    """From ciphertext to plaintext, key at hand, every ratio's two sides on the same rows as far as both can."""
    sealed = SivColumn(KEY, DOMAIN, NUMBER, ArrayLane).seal(plaintexts)
    few = [sealed[start : start + WIDTH] for start in range(0, WIDTH * 20_000, WIDTH)]
    short = [plaintexts[start : start + LENGTH] for start in range(0, LENGTH * 20_000, LENGTH)]
    siv = Siv(KEY.material)
    if [siv.seal(one, ASSOCIATED) for one in short] != few:
        raise SystemExit("the batch form disagrees with the library: its figures would mean nothing")
    ff1_sealed = Ff1Column(KEY, DOMAIN, NUMBER, Ff1ArrayLane).encrypt("".join(ten_digits).encode())
    ff1_few = [ff1_sealed[start : start + 10].decode() for start in range(0, 10 * 5_000, 10)]

    def one_by_one() -> int:
        for one in few:
            siv.open(one, ASSOCIATED)
        return len(few)

    return {
        BATCH: _opening(SivColumn(KEY, DOMAIN, NUMBER, ArrayLane), sealed),
        NO_NUMPY: _opening(SivColumn(KEY, DOMAIN, NUMBER, IntegerLane), sealed[: WIDTH * 200_000]),
        ONE: one_by_one,
        # With one item of associated data instead of four it is half as fast again: that is what the batch must beat.
        LIBRARY: peers.aessiv(bytes(KEY.material), [b"|".join(ASSOCIATED)], short),
        SAME_CALL: peers.aessiv(bytes(KEY.material), ASSOCIATED, short),
        TINK: peers.tink(short, b"|".join(ASSOCIATED)),
        PRESIDIO: peers.presidio(ten_digits[:2_000]),
        AWS: peers.aws_encryption_sdk(short[:400]),
        BOUND: peers.aes_bound(2 * ROWS, 2),
        FF1_BATCH: _decrypting(Ff1Column(KEY, DOMAIN, NUMBER, Ff1ArrayLane), ff1_sealed),
        LIBFFX: peers.libffx(ff1_key(KEY), ff1_tweak(DOMAIN, NUMBER, 1), ten_digits[:5_000], ff1_few),
    }


def _opening(column: SivColumn, sealed: bytes) -> Contender:
    def run() -> int:
        if column.open(sealed).failed:
            raise SystemExit("the batch form does not open what it sealed")
        return len(sealed) // WIDTH

    return run


def _decrypting(column: Ff1Column, sealed: bytes) -> Contender:
    def run() -> int:
        return len(column.decrypt(sealed)) // 10

    return run


class OneKeyRing:
    """Hands out the benchmark's key."""

    def open(self, _domain: DomainId, _identifier_type: IdentifierType, version: int) -> DataKey:
        return DataKey(KEY.material, version)


def _whole(plaintexts: bytes) -> dict[str, Contender]:
    """From text to identifier and back, as a request does it."""
    rows = b"".join(plaintexts[start : start + LENGTH] for start in range(0, LENGTH * WHOLE_ROWS, LENGTH))
    texts = write_tokens(NUMBER, 1, SivColumn(KEY, DOMAIN, NUMBER, IntegerLane).seal(rows))
    cells = [TokenCell(NUMBER, text) for text in texts]
    bad = list(cells)
    for place in range(0, WHOLE_ROWS, 100):
        text = cells[place].text
        spoiled = (text[:-1], text[:20] + "?" + text[21:], _another_tag(text))[place // 100 % 3]
        bad[place] = TokenCell(NUMBER, spoiled)

    def opening(given: list[TokenCell]) -> Contender:
        def run() -> int:
            with OpenedKeys(OneKeyRing()) as keys:
                return len(open_tokens(given, DOMAIN, keys))

        return run

    def one_by_one() -> int:
        for text in texts[:5_000]:
            token = Token.parse(text)
            if isinstance(token, Token):
                open_(KEY, DOMAIN, NUMBER, token)
        return 5_000

    with OpenedKeys(OneKeyRing()) as keys:
        opened = open_tokens(cells, DOMAIN, keys)
    numbers = [{NUMBER: one.value} for one in opened if one.status is OpenStatus.OPENED and one.value is not None]

    def sealing() -> int:
        with OpenedKeys(OneKeyRing()) as keys:
            return len(seal_rows(numbers, DOMAIN, {NUMBER: 1}, keys, TODAY))

    return {WHOLE: opening(cells), WHOLE_BAD: opening(bad), WHOLE_ONE: one_by_one, SEAL: sealing}


def _another_tag(text: str) -> str:
    token = Token.parse(text)
    if not isinstance(token, Token):
        raise SystemExit("not a token")
    changed = bytes([token.ciphertext[0] ^ 1]) + token.ciphertext[1:]
    return str(Token(token.scheme, token.identifier_type, token.key_version, changed))


def _measured(contenders: Mapping[str, Contender]) -> dict[str, float]:
    """Rows a second of CPU time: the median of the rounds."""
    rates: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(ROUNDS):
        for name, run in contenders.items():
            start = time.process_time()
            rows = run()
            rates[name].append(rows / (time.process_time() - start))
    return {name: statistics.median(each) for name, each in rates.items()}


def _print_rates(rates: Mapping[str, float]) -> None:
    print("Opening one short pseudonym, rows a second of CPU time\n")
    print_table(
        ("", "rows/s"), ((name, f"{rate:,.0f}") for name, rate in sorted(rates.items(), key=lambda one: -one[1]))
    )


def _print_goals(ratios: Mapping[str, float]) -> None:
    print("\nRatios\n")
    rows = []
    for goal in GOALS:
        wanted = "-" if goal.bound is None else f"{'<=' if goal.at_most else '>='} {goal.bound:g}"
        ratio = ratios[goal.key]
        rows.append((goal.what, f"{ratio:,.2f}", wanted, "met" if goal.met(ratio) else "MISSED"))
    print_table(("", "measured", "goal", ""), rows)


def _print_whole(rates: Mapping[str, float]) -> None:
    print("\nFrom text to identifier (seal_rows: back), with everything Python does around it\n")
    rows = [(name, f"{1e6 / rate:,.2f}") for name, rate in rates.items()]
    print_table(("", "us/row"), rows)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
