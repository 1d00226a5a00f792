"""Parts of a batch, for several runs of the command at once that know nothing of each other."""

import hashlib
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass

from agerestore.batch.jobs import Job
from agerestore.errors import UsageError

OF_A_FILE = "`part` divides the files of a folder, and this is a single file; leave it out"


@dataclass(frozen=True)
class Part:
    """One of several parts of a folder.

    A file belongs to a part by a hash of its path in the folder: it stays there when the folder grows.

    Attributes:
        number: Which, from 1.
        count: Of how many.
    """

    number: int
    count: int

    @classmethod
    def of(cls, text: str) -> "Part":
        """Read a part such as 3/8.

        Raises:
            UsageError: It is none.
        """
        found = re.fullmatch(r"(\d+)/(\d+)", text, re.ASCII)
        number, count = map(int, found.groups()) if found else (0, 0)
        if not 1 <= number <= count:
            raise UsageError(f"`part` {text!r} is not K/N with K from 1 to N, as in 3/8")
        return cls(number, count)

    def select(self, jobs: Sequence[Job]) -> list[Job]:
        """The jobs of this part, of all that are planned for the folder."""
        return [job for job in jobs if self._number_of(job) == self.number]

    def _number_of(self, job: Job) -> int:
        name = os.fsencode(job.name.as_posix())
        return int.from_bytes(hashlib.sha256(name).digest()[:8], "big") % self.count + 1
