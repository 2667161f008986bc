"""Files of titles: a key and a value in each record."""

import uuid
from collections.abc import Callable, Mapping

# So many records that the upload is large, all with the same values in each file.
FILLER = {f"tt1{number:06}": "filler" for number in range(40)}

# Takes in and loads these titles: `load(values, mode, plan=False)`.
Load = Callable[..., uuid.UUID]


def titles(values: Mapping[str, str]) -> bytes:
    return ("tconst\tprimaryTitle\n" + "".join(f"{key}\t{value}\n" for key, value in values.items())).encode()
