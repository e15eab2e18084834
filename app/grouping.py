"""From the vectors of questions to groups that mean about the same. In app alone with scipy."""

from __future__ import annotations

from collections import defaultdict
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

Vectors: TypeAlias = NDArray[np.float32]
"""Unit vectors of questions, shape ``(questions, dimension)``."""

ALIKE_COSINE_MIN: Final = 0.86
"""How alike any two questions of a group are at least.

Measured on `tests/app/meanings.jsonl` (36 meanings in 126 wordings, English, Russian and Kazakh) by
`python -m pytest tests/app/test_grouping.py -s`: of the pairs that are put together .93 mean the
same, and .80 of the pairs that mean the same are put together, on the half that chose the value;
.85 gives .94 and .84, .90 gives .97 and .41. With the prefix that the encoder saw in training the
best value gives .55 and .71, with average instead of complete linkage .79 and .72.
"""


def group_alike(vectors: Vectors, *, cosine_min: float = ALIKE_COSINE_MIN) -> list[list[int]]:
    """Return the rows of unit vectors in groups, the largest first, each in ascending order.

    Agglomerative clustering with complete linkage: groups are joined, the most alike first, as
    long as any two rows of the joined group have at least this cosine. No chain of neighbours
    makes a group of what isn't alike. Takes memory for half of rows x rows distances.
    """
    if len(vectors) < 2:
        return [[row] for row in range(len(vectors))]
    # Half a second and 30 MB that only a report needs.
    from scipy.cluster.hierarchy import fcluster, linkage

    joined = linkage(vectors.astype(np.float64), method="complete", metric="cosine")
    groups: defaultdict[int, list[int]] = defaultdict(list)
    for row, label in enumerate(fcluster(joined, 1.0 - cosine_min, criterion="distance")):
        groups[int(label)].append(row)
    return sorted(groups.values(), key=lambda group: (-len(group), group))
