"""Optimal transport between two weighted sets: the earth mover's distance."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def movers_distance(supply: Array, demand: Array, costs: Array) -> float:
    """Least cost of moving *supply* [n] to *demand* [m] at *costs* [n, m] for each unit; both sum to 1.

    It is the exact solution of the linear programme (Kusner et al. 2015, word mover's distance).

    Raises:
        ArithmeticError: the solver found no solution.
    """
    from scipy.optimize import linprog
    from scipy.sparse import eye_array, kron, vstack

    rows, columns = costs.shape
    leaves = kron(eye_array(rows), np.ones((1, columns)))
    arrives = kron(np.ones((1, rows)), eye_array(columns))
    # One equation follows from the others, because both sides sum to 1.
    equations = vstack([leaves, arrives], format="csr")[:-1]
    found = linprog(
        costs.ravel(),
        A_eq=equations,
        b_eq=np.concatenate([supply, demand])[:-1],
        bounds=(0, None),
        method="highs",
    )
    if not found.success:
        raise ArithmeticError(f"no transport was found: {found.message}")
    return max(0.0, float(found.fun))
