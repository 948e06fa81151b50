"""Board bundles: exactly the files that a board needs, gathered from what is installed. CPython only."""

from radiopool.bundle.circup import write_circup
from radiopool.bundle.parts import Part, core_part, driver_part
from radiopool.bundle.writing import Bundle, Written, find_mpy_cross

__all__ = ["Bundle", "Part", "Written", "core_part", "driver_part", "find_mpy_cross", "write_circup"]
