"""Prints table.txt: what Python makes of every character that its Unicode knows.

    python3 tests/data/folding/make.py > tests/data/folding/table.txt

The rules of docs/API.md with Python's own `unicodedata` and `str.casefold`, which
share no table with the crates that Todoward folds by. A line is a range of characters
and a checksum of all of them folded, each between two letters.
"""

import itertools
import re
import unicodedata

# Unicode's property White_Space. `str.isspace` differs from it.
WHITE_SPACE = re.compile("[\t-\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+")


def is_dropped(character):
    return (unicodedata.category(character) == "Mn" and unicodedata.combining(character) != 0
            and character not in "\u3099\u309a")


def fold(text):
    decomposed = unicodedata.normalize("NFKD", text)
    kept = "".join(character for character in decomposed if not is_dropped(character))
    return WHITE_SPACE.sub(" ", kept.casefold()).strip(" ")


def fnv1a(data, start=0xcbf29ce484222325):
    for byte in data:
        start = (start ^ byte) * 0x100000001b3 % 2**64
    return start


def is_compared(point):
    # Left out: unassigned characters, surrogates, private use.
    return unicodedata.category(chr(point)) not in ("Cn", "Cs", "Co")


print(f"# Unicode {unicodedata.unidata_version}, by make.py")
compared = (point for point in range(1, 0x110000) if is_compared(point))
# Ranges without a gap, of 256 at most.
for _, points in itertools.groupby(enumerate(compared), lambda each: (each[1] - each[0], each[1] // 256)):
    points = [point for _, point in points]
    folded = "".join(fold(f"x{chr(point)}y") + "\n" for point in points)
    print(f"{points[0]:04X}..{points[-1]:04X} {fnv1a(folded.encode()):016x}")
