"""The forms of advice about a cell's text.

a tuple     texts; the first one that the column takes is what to write
a dict      texts with their conditions, where the text can be read in two ways
a string    a sentence that names no value
None        no advice
"""

from typing import TypeAlias

Advice: TypeAlias = tuple[str, ...] | dict[str, str] | str | None
