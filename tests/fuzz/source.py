"""Where the generators of hostile files get their choices from."""

from random import Random
from typing import Any

EDGES = (0, 1, 2, 3, 5, 7, 8, 9, 16, 17, 32, 127, 255, 256, 32767, 65535, 65536, 2**20, 2**31 - 1, 2**31, 2**32 - 1)


class Source:
    """Draws what a file is made of; of its many parts a few are odd."""

    def __init__(self, random: Random, rarity: int) -> None:
        """Take the random numbers, of hypothesis or others, and one in how many parts is odd."""
        self._random = random
        self._rarity = rarity

    def pick(self, *values: Any) -> Any:
        return values[self._random.randrange(len(values))]

    def number(self, low: int, high: int) -> int:
        return self._random.randint(low, high)

    def data(self, most: int = 12) -> bytes:
        return bytes(self.number(0, 255) for _ in range(self.number(0, most)))

    def is_odd(self) -> bool:
        return self.number(1, self._rarity) == 2  # not an end, which hypothesis prefers

    def odd(self, right: Any, *wrong: Any) -> Any:
        """Mostly the right value, rarely one of the wrong ones."""
        return self.pick(*wrong) if self.is_odd() else right

    def odd_number(self, right: int) -> int:
        return int(self.odd(right, *EDGES, right + 1, max(right - 1, 0), right * 2))

    def damaged(self, data: bytes) -> bytes:
        """Mostly the bytes as they are; else cut off, repeated, zeroed, exchanged or followed by others."""
        if not data or not self.is_odd():
            return data
        at, length = self.number(0, len(data) - 1), self.number(1, 24)
        return bytes(
            self.pick(
                data[:at],
                data[:at] + data[at + length :],
                data[:at] + data[at : at + length] + data[at:],
                data[:at] + bytes(len(data[at : at + length])) + data[at + length :],
                data[:at] + b"\xff" * len(data[at : at + length]) + data[at + length :],
                data + self.data(),
                data + data,
            )
        )
