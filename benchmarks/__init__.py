# SPDX-License-Identifier: BSD-3-Clause
"""How fast the broker is, and against whom: ``python -m benchmarks.run``.

Benchmarks are no tests. What they find is written to ``docs/performance.md``.
"""
