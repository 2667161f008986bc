"""Two hundred names that a file must not be stored under, and need not be refused for."""

import itertools
from typing import Final

_TRAVERSALS: Final = (
    *(
        "../",
        "..\\",
        "..//",
        "....//",
        "..;/",
        "./../",
        "../\\",
        "/..",
        "\\..\\",
        "%2e%2e/",
        "%2e%2e%2f",
        "..%2f",
        "..%5c",
    ),
    *("%252e%252e%252f", "..%c0%af", "..%ef%bc%8f", "\uff0e\uff0e\uff0f", "..\u2215", "..\u2044", "\u2025/"),
)
_TARGETS: Final = ("etc/passwd", "x.csv", "var/x.csv", "root/.ssh/authorized_keys", "lock")
_ABSOLUTE: Final = (
    *("/etc/passwd", "/x.csv", "//x.csv", "C:\\x.csv", "C:x.csv", "\\\\host\\share\\x.csv", "\\\\?\\C:\\x.csv"),
    *("file:///etc/passwd", "http://x.invalid/a.csv", "~/x.csv", "~root/x.csv", "$HOME/x.csv", "${IFS}.csv"),
)
_RESERVED: Final = (
    *("CON", "con.csv", "PRN.csv", "AUX.csv", "NUL.csv", "COM1.csv", "LPT1.csv", "CLOCK$.csv", "x.csv.", "x.csv "),
    *(
        "x.csv::$DATA",
        "x.csv:evil",
        "desktop.ini",
        ".htaccess",
        ".bashrc",
        ".",
        "..",
        "...",
        "-",
        "--help.csv",
        "-rf.csv",
    ),
)
_CONTROL: Final = tuple(f"a{chr(code)}b.csv" for code in (*range(0x01, 0x20), 0x7F, 0x85, 0x9B))
_INVISIBLE: Final = tuple(
    f"a{char}gpj.csv"
    for char in "\u200b\u200d\u200e\u200f\u202a\u202b\u202d\u202e\u2028\u2029\u2066\u2067\u2069\ufeff\u00ad\u061c\ufff9"
)
_INJECTIONS: Final = (
    *('x".csv', "x'.csv", "x`id`.csv", "x;id.csv", "x|id.csv", "x&id.csv", "x$(id).csv", "x\r\nSet-Cookie: a=b.csv"),
    *("x\r\n\r\n<script>.csv", "<script>alert(1)</script>.csv", "<img src=x onerror=alert(1)>.csv", "x\nEvil.csv"),
    *("x' OR '1'='1.csv", "x'; DROP TABLE uploads; --.csv", "{{7*7}}.csv", "${7*7}.csv", "#{7*7}.csv", "%s%n.csv"),
    *('x"; filename="y.csv', "x%00.csv", "x%0d%0aSet-Cookie:a.csv", "x.csv%00.exe", "x.php.csv", "x.csv/", "x.csv/."),
    *("=cmd|' /C calc'!A0.csv", "@SUM(A1).csv", "+1.csv", "\x1b]0;owned\x07.csv", "\x1b[2J.csv", "[red]x[/red].csv"),
)
_LONG: Final = (
    *(
        "a" * 255 + ".csv",
        "a" * 1000 + ".csv",
        "\u00e9" * 200 + ".csv",
        "\U0001f3ac" * 100 + ".csv",
        "../" * 300 + "x.csv",
    ),
    *("a." * 400 + "csv", "a" + "\u0301" * 400 + ".csv", "x.csv" + " " * 900, "/" * 900 + "x.csv"),
)

NAMES: Final = (
    *(f"{before * count}{target}" for before, target, count in itertools.product(_TRAVERSALS, _TARGETS, (1,))),
    *(_ABSOLUTE + _RESERVED + _CONTROL + _INVISIBLE + _INJECTIONS + _LONG),
)
