"""File names in Content-Disposition: each notation by hand, as other libraries write it, and as attackers do."""

import encodings.aliases
import time
from email.charset import QP, Charset
from email.header import Header
from email.message import EmailMessage
from email.policy import SMTP
from urllib.parse import quote

import httpx
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from api.intake.content_disposition import filename_of

CASES = {
    # RFC 6266
    b'attachment; filename="movies.csv"': "movies.csv",
    b"attachment; filename=movies.csv": "movies.csv",
    b"attachment ;\tFileName = movies.csv ; x=y": "movies.csv",
    b'attachment; filename="a \\"b\\".csv"': 'a "b".csv',
    b'attachment; filename="x;y.csv"': "x;y.csv",
    b'attachment; filename="x; filename=y.csv"': "x; filename=y.csv",
    b"attachment; filename=my films.csv": "my films.csv",
    b"filename=bare.csv": "bare.csv",  # the type is missing
    b'attachment; filename="first.csv"; filename="second.csv"': "first.csv",
    b"attachment; filename*=utf-8''first.csv; filename*=utf-8''second.csv": "first.csv",
    b'attachment; filename="100%25.csv"': "100%25.csv",
    b'attachment; filename="a%22b.csv"': "a%22b.csv",  # only browsers' forms mean a quote by it
    b"attachment": None,
    b"": None,
    b'attachment; filename=""': None,
    b"attachment; filename=": None,
    b"attachment; filename": None,
    b'attachment; filename="open.csv': None,
    b'attachment; filename="films\\"; x=y': "films\\",  # a bare backslash, as old browsers send it
    b'attachment; filename="C:\\Users\\me\\films.csv"': "C:\\Users\\me\\films.csv",
    b"attachment; name=filename; x=filename=y": None,
    # bytes beyond ASCII
    'attachment; filename="Amélie.csv"'.encode(): "Amélie.csv",
    "attachment; filename=voilà".encode(): "voilà",  # its last byte is a space in Latin-1
    'attachment; filename="Amélie.csv"'.encode("latin-1"): "Amélie.csv",
    'attachment; filename="“Amélie”.csv"'.encode("cp1252"): "“Amélie”.csv",
    b'attachment; filename="\x81\xe9.csv"': "\x81é.csv",  # no character of Windows-1252
    # RFC 8187
    b"attachment; FILENAME*=UTF-8''Am%C3%A9lie.csv": "Amélie.csv",
    b"attachment; filename*=utf-8'fr'new%20name.csv": "new name.csv",
    b"attachment; filename*=\"utf-8''f%C3%ABlms.csv\"": "fëlms.csv",
    "attachment; filename*=utf-8''fëlms.csv".encode(): "fëlms.csv",
    b"attachment; filename*=utf-8''it's.csv": "it's.csv",
    b"attachment; filename*=utf-8''100%.csv": "100%.csv",
    b"attachment; filename*=utf-8''a%2Fb%5Cc.csv": "a/b\\c.csv",
    b"attachment; filename*=''f%C3%ABlms.csv": "fëlms.csv",
    b"attachment; filename*=iso-8859-1''Am%E9lie.csv": "Amélie.csv",
    b"attachment; filename*=koi8-r''%CB%C9%CE%CF.csv; filename=y.csv": "кино.csv",
    b"attachment; filename*=Shift_JIS''%89f%89%E6.csv": "映画.csv",
    b"attachment; filename*=windows-1251''%EA%E8%ED%EE.csv": "кино.csv",
    b"attachment; filename*=UTF-16LE''a%00.%00": "a.",
    # which one counts
    b"attachment; filename=old.csv; filename*=utf-8''new.csv": "new.csv",
    b"attachment; filename*=utf-8''new.csv; filename=old.csv": "new.csv",
    b"attachment; filename=old.csv; filename*0*=utf-8''n; filename*1=ew.csv": "new.csv",
    b"attachment; filename*0=old.csv; filename*=utf-8''new.csv": "new.csv",
    b"attachment; filename*=utf-8''%FF.csv; filename=old.csv": "old.csv",
    b"attachment; filename*=x-none''new.csv; filename=old.csv": "old.csv",
    b"attachment; filename*=base64''bmV3LmNzdg; filename=old.csv": "old.csv",
    b"attachment; filename*=idna''new.csv; filename=old.csv": "old.csv",
    b"attachment; filename*=unicode_escape''\\q.csv; filename=old.csv": "old.csv",
    b"attachment; filename*=undefined''new.csv; filename=old.csv": "old.csv",
    b"attachment; filename*=utf-8''; filename=old.csv": "old.csv",
    b"attachment; filename*=nonsense; filename=old.csv": "old.csv",
    b"attachment; filename*=nonsense": None,
    b"attachment; filename*=\0''new.csv": None,
    # RFC 2231
    b"attachment; filename*0*=utf-8''f%C3%AB; filename*1=lms; filename*2*=%2Ecsv": "fëlms.csv",
    b"attachment; filename*0*=utf-8''f%C3; filename*1*=%ABlms.csv": "fëlms.csv",
    b"attachment; filename*1=ms.csv; filename*0=fil": "films.csv",
    b'attachment; filename*0="fil%"; filename*1="6D s.csv"': "fil%6D s.csv",
    b'attachment; filename*0="my "; filename*1=films.csv': "my films.csv",
    b"attachment; filename*0=films.csv; filename*2=x": "films.csv",
    b"attachment; filename*1=films.csv": None,
    b"attachment; filename*00=films.csv": None,
    b"attachment; filename*0*=koi8-r''%CB%C9; filename*1*=%CE%CF.csv": "кино.csv",
    b"attachment; filename*0*=utf-8''%FF; filename=old.csv": "old.csv",
    # RFC 2047
    b'attachment; filename="=?utf-8?B?ZsOrbG1zLmNzdg==?="': "fëlms.csv",
    b"attachment; filename==?utf-8?B?ZsOrbG1zLmNzdg==?=": "fëlms.csv",
    b'attachment; filename="=?UTF-8?b?ZsOrbG1zLmNzdg?="': "fëlms.csv",  # without its padding
    b'attachment; filename="=?utf-8?Q?f=C3=ABlms_=28=31=29.csv?="': "fëlms (1).csv",
    b'attachment; filename="=?iso-8859-1?q?f=EBlms?=.csv"': "fëlms.csv",
    b'attachment; filename="=?utf-8*fr?Q?Am=C3=A9lie?= 2.csv"': "Amélie 2.csv",
    b'attachment; filename="=?utf-8?Q?f=C3=AB?= =?utf-8?Q?lms.csv?="': "fëlms.csv",
    b'attachment; filename="=?utf-8?Q?f=C3?=\r\n\t =?UTF-8?B?q2xtcy5jc3Y=?="': "fëlms.csv",  # folded within a character
    b'attachment; filename="=?koi8-r?B?y8nOzw==?= =?utf-8?Q?=2Ecsv?="': "кино.csv",
    b'attachment; filename="=?x-none?Q?films.csv?="': "=?x-none?Q?films.csv?=",
    b'attachment; filename="=?utf-8?B?Z?="': "=?utf-8?B?Z?=",
    b'attachment; filename="=?utf-8?Q?=FF?=.csv"': "=?utf-8?Q?=FF?=.csv",
    b'attachment; filename="=?utf-8?X?films?=.csv"': "=?utf-8?X?films?=.csv",
    b'attachment; filename="what? =?.csv"': "what? =?.csv",
    b"attachment; filename=\"=?utf-8?B?ZsOrbG1zLmNzdg==?=\"; filename*=utf-8''f%C3%ABlms.csv": "fëlms.csv",
}
FORM_CASES = {
    b'form-data; name="file"; filename="films.csv"': "films.csv",
    b'form-data; name="file"; filename="a%22b%22%0D%0Ac%0a.csv"': 'a"b"\r\nc\n.csv',
    b'form-data; name="file"; filename="100%25 %C3%AB.csv"': "100%25 %C3%AB.csv",  # browsers escape nothing else
    b'form-data; name="file"; filename="a \\"b\\" %22.csv"': 'a "b" %22.csv',  # it has another way to escape
    b'form-data; name="file"; filename="C:\\films\\a.csv"': "C:\\films\\a.csv",
    b'form-data; name="file"': None,
    b'form-data; filename="films.csv"; name="file"': "films.csv",
    b"form-data; name=\"file\"; filename*=utf-8''f%C3%ABlms.csv": "fëlms.csv",
    b'form-data; name="file"; filename="=?utf-8?B?ZsOrbG1zLmNzdg==?="; filename*=utf-8\'\'f%C3%ABlms.csv': "fëlms.csv",
}
# What can be seen, and backslashes, quotes and percent signs a little more often.
NAMES = st.text(st.characters(exclude_categories=["C", "Zl", "Zp"]) | st.sampled_from("\\\"%;=?' ")).filter(
    lambda name: name == name.strip() != ""
)
QUOTED_PRINTABLE = Charset("utf-8")
QUOTED_PRINTABLE.header_encoding = QP


@pytest.mark.parametrize(("header", "name"), CASES.items())
def test_the_name_in_a_header(header: bytes, name: str | None) -> None:
    assert filename_of(header, in_form=False) == name


@pytest.mark.parametrize(("header", "name"), FORM_CASES.items())
def test_the_name_in_a_part_of_a_form(header: bytes, name: str | None) -> None:
    assert filename_of(header, in_form=True) == name


@pytest.mark.parametrize("in_form", [False, True])
@given(st.sampled_from(["utf-8", "utf-16", "gb18030", "UTF-7", "utf-32-be"]), NAMES)
def test_an_extended_name_comes_back(in_form: bool, charset: str, name: str) -> None:
    header = f"attachment; filename=other.csv; filename*={charset}''{quote(name.encode(charset), safe='')}"
    assert filename_of(header.encode(), in_form=in_form) == name


@pytest.mark.parametrize("charset", ["iso-8859-15", "windows-1251", "koi8-r", "big5", "shift_jis", "euc-kr", "cp437"])
@given(st.data())
def test_a_name_in_a_legacy_charset_comes_back(charset: str, data: st.DataObject) -> None:
    # without the characters that some of Python's codecs map to the bytes of another one
    name = data.draw(st.text(st.characters(codec=charset, exclude_characters="\u00a5\u203e\u3164"), min_size=1))
    encoded = quote(name.encode(charset), safe="")
    assert filename_of(f"attachment; filename*={charset}''{encoded}".encode(), in_form=False) == name


@given(NAMES, st.lists(st.integers(1, 9), min_size=1))
def test_a_name_in_pieces_comes_back(name: str, sizes: list[int]) -> None:
    data, pieces = name.encode(), list[str]()
    while data:
        size = sizes[len(pieces) % len(sizes)]
        charset = "" if pieces else "utf-8''"
        pieces.append(f"filename*{len(pieces)}*={charset}{quote(data[:size], safe='')}")
        data = data[size:]
    assert filename_of("; ".join(["attachment", *reversed(pieces)]).encode(), in_form=False) == name


@given(NAMES)
def test_a_name_in_quotes_comes_back(name: str) -> None:
    assume("=?" not in name)
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    assert filename_of(f'attachment; filename="{escaped}"'.encode(), in_form=False) == name


@given(NAMES)
def test_a_name_in_a_browsers_form_comes_back(name: str) -> None:
    assume("=?" not in name and not name.endswith("\\") and not any(code in name for code in ("%22", "%0D", "%0A")))
    escaped = name.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
    assert filename_of(f'form-data; name="file"; filename="{escaped}"; x="y"'.encode(), in_form=True) == name


@given(NAMES)
def test_a_name_in_a_form_of_httpx_comes_back(name: str) -> None:
    assume("=?" not in name and "\\" not in name)  # it doubles backslashes
    body = httpx.Request("POST", "http://x.invalid", files={"file": (name, b"")}).read()
    header = body.partition(b"Content-Disposition: ")[2].partition(b"\r\n")[0]
    expected = name.replace("%22", '"').replace("%0D", "\r").replace("%0A", "\n")  # it does not escape the percent
    assert filename_of(header, in_form=True) == expected


@pytest.mark.parametrize("charset", [Charset("utf-8"), QUOTED_PRINTABLE], ids=["base64", "quoted-printable"])
@given(name=NAMES)
def test_encoded_words_of_pythons_email_come_back(charset: Charset, name: str) -> None:
    words = Header(name, charset, maxlinelen=60).encode(linesep="\r\n")
    assert filename_of(f'attachment; filename="{words}"'.encode(), in_form=False) == name
    assert filename_of(f"attachment; filename={words}; x=y".encode(), in_form=False) == name


@given(NAMES)
def test_a_name_in_a_message_of_pythons_email_comes_back(name: str) -> None:
    message = EmailMessage(SMTP)
    message.set_content(b"", "text", "csv", disposition="attachment", filename=name)
    header = message.as_bytes().partition(b"Content-Disposition: ")[2].partition(b"\r\nMIME-Version")[0]
    assert filename_of(header, in_form=False) == name


PIECES = st.sampled_from(
    [
        *(b";", b"filename", b"*", b"0", b"1", b"=", b'"', b"\\", b"'", b"%", b"%4", b"%22", b" ", b"\r\n", b"utf-8''"),
        *(
            b"=?",
            b"?=",
            b"?B?",
            b"?Q?",
            b"utf-8",
            b"utf-7",
            b"hz",
            b"iso2022_jp",
            b"Zg==",
            b"=C3",
            b"\xc3",
            b"\0",
            b".",
        ),
    ]
)


@pytest.mark.parametrize("in_form", [False, True])
@given(st.lists(PIECES).map(b"".join) | st.binary())
def test_any_bytes_are_a_name_or_none(in_form: bool, data: bytes) -> None:
    for header in (data, b"attachment; filename=" + data, b"attachment; filename*=utf-8''" + data):
        name = filename_of(header, in_form=in_form)
        assert name is None or (isinstance(name, str) and name)


@pytest.mark.parametrize(
    "charset", [*sorted(encodings.aliases.aliases), "a\0b", "", "..", "aliases", "é", "x" * 10_000]
)
def test_every_charset_is_decoded_or_ignored(charset: str) -> None:
    for data in (b"films.csv", b"\\q%5C%FF%00", b"+2AA-", b"xn--9999999999"):
        header = b"attachment; filename*=%s''%s; filename=old.csv" % (charset.encode(), data)
        assert filename_of(header, in_form=False)
        assert filename_of(b'attachment; filename="=?%s?Q?%s?="' % (charset.encode(), data), in_form=False)


def test_unknown_charsets_leave_nothing_behind() -> None:
    known = len(encodings._cache)  # where Python keeps every name that it was asked for
    for index in range(1000):
        for charset in (f"x-{index}", "utf" + "-" * index + "8", f"utf-8{chr(0xA1 + index)}"):
            filename_of(f"attachment; filename*={charset}''x.csv".encode(), in_form=False)
    assert len(encodings._cache) <= known + 1


@pytest.mark.parametrize(
    "repeated",
    [
        *(b";", b"; ", b" ", b"=", b'"', b"\\", b'\\"', b"%", b"%22", b"'", b"a", b"*", b"\r\n "),
        *(
            b";a=",
            b';a="',
            b';a="\\',
            b";filename*0=x",
            b"; filename*1*=%41",
            b"=?",
            b"?=",
            b"=?a?q?",
            b"=?a?q?b",
            b"=?a?q?b?= ",
        ),
        *(b"=?utf-8?B?Zg==?=", b"=?utf-8?B?", b"=?a*", b"=?utf-8?Q?=", b"?q?", b";a=b;a"),
    ],
)
def test_a_hostile_header_takes_time_in_proportion_to_its_length(repeated: bytes) -> None:
    many = repeated * (128 * 1024 // len(repeated))  # with the square of its length it takes minutes
    started = time.process_time()
    for start in (b"", b"attachment; filename=", b'attachment; filename="', b"attachment; filename*=utf-8''"):
        filename_of(start + many, in_form=True)
        filename_of(start + many + b'"', in_form=False)
    assert time.process_time() - started < 5


def test_a_name_in_very_many_pieces_takes_time_in_proportion_to_their_number() -> None:
    pieces = b"".join(b"; filename*%d=x" % index for index in range(10_000))
    started = time.process_time()
    assert filename_of(b"attachment" + pieces, in_form=False) == "x" * 10_000
    assert time.process_time() - started < 5
