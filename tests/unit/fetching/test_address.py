"""Which addresses may be asked, and where their hosts may be."""

from ipaddress import ip_address, ip_network
from typing import Any

import pytest
from pydantic import ValidationError

from shared.errors import AddressForbidden, FetchFailed, PullingOff
from shared.fetching.address import Address, last_segment
from shared.fetching.networks import checked_addresses, may_ask
from shared.settings import Settings

HOSTS = "data.example.org, *.films.example"


def settings(**values: Any) -> Settings:
    return Settings(database_url="postgresql://unused.invalid/db", **{"pull_hosts": HOSTS, **values})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://data.example.org/a.csv", Address("https", "data.example.org", 443, "/a.csv")),
        ("https://DATA.example.org", Address("https", "data.example.org", 443, "/")),
        ("https://a.b.films.example:443/a?b=c&d", Address("https", "a.b.films.example", 443, "/a?b=c&d")),
        ("https://data.example.org:80/a#part", Address("https", "data.example.org", 80, "/a")),
    ],
)
def test_an_allowed_address_is_taken_apart(text: str, expected: Address) -> None:
    assert Address.checked(text, settings()) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "data.example.org/a.csv",
        "http://data.example.org/a.csv",
        "ftp://data.example.org/a.csv",
        "file:///etc/passwd",
        "gopher://data.example.org/",
        "https:///a.csv",
        "https://other.example.org/a.csv",
        "https://films.example/a.csv",
        "https://xfilms.example/a.csv",
        "https://data.example.org.evil.example/a.csv",
        "https://data.example.org./a.csv",
        "https://data.example.org:8080/a.csv",
        "https://data.example.org:99999/a.csv",
        "https://user@data.example.org/a.csv",
        "https://user:secret@data.example.org/a.csv",
        "https://@data.example.org/a.csv",
        "https://evil.example\\@data.example.org/a.csv",
        "https://data.example.org\\.evil.example/a.csv",
        "https://data.example.org /a.csv",
        "https://data.example.org/a.csv\r\nHost: evil.example",
        "https://data.example.org/\tb",
        "https://dätä.films.example/a.csv",
        "https://a..films.example/a.csv",
        "https://-a.films.example/a.csv",
        "https://a_b.films.example/a.csv",
        "https://[::1]/a.csv",
        "https://[data.example.org]/a.csv",
        "https://data.example.org/" + 2048 * "a",
    ],
)
def test_any_other_address_is_refused(text: str) -> None:
    with pytest.raises(AddressForbidden):
        Address.checked(text, settings())


@pytest.mark.parametrize("host", ["127.0.0.1", "2130706433", "0x7f000001", "127.1", "0177.0.0.1", "1.films.0x7f"])
def test_an_address_in_digits_is_no_name_even_if_it_is_listed(host: str) -> None:
    with pytest.raises(AddressForbidden, match="must be a name"):
        Address.checked(f"https://{host}/a.csv", settings().model_copy(update={"pull_hosts": (host,)}))


def test_without_listed_hosts_nothing_is_asked() -> None:
    with pytest.raises(PullingOff):
        Address.checked("https://data.example.org/a.csv", settings(pull_hosts=""))


@pytest.mark.parametrize("pattern", ["*", "*.", "https://data.example.org", "Data.example.org", "a.*.org", ".org"])
def test_a_pattern_of_hosts_is_a_name_or_all_below_one(pattern: str) -> None:
    with pytest.raises(ValidationError, match="pull_hosts"):
        settings(pull_hosts=pattern)


def test_plain_http_and_ports_are_allowed_by_settings_only() -> None:
    allowed = settings(pull_plain_http=True, pull_ports="8080")
    address = Address.checked("http://data.example.org:8080/a.csv", allowed)
    assert (address.host_header, address.port) == ("data.example.org:8080", 8080)
    with pytest.raises(AddressForbidden, match="port 80"):
        Address.checked("http://data.example.org/a.csv", allowed)


@pytest.mark.parametrize(
    ("location", "target"), [("b.csv?x", "/a/b.csv?x"), ("/c", "/c"), ("//a.films.example/d", "/d"), ("../e", "/e")]
)
def test_a_redirect_is_an_address_like_the_first_one(location: str, target: str) -> None:
    address = Address.checked("https://data.example.org/a/a.csv", settings())
    assert address.redirected(location, settings()).target == target


@pytest.mark.parametrize(
    "location",
    ["https://evil.example/", "//evil.example/", "http://data.example.org/", "https://[/", "//u@a.films.example"],
)
def test_a_redirect_to_elsewhere_is_refused(location: str) -> None:
    address = Address.checked("https://data.example.org/a/a.csv", settings())
    with pytest.raises(AddressForbidden):
        address.redirected(location, settings())


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("https://datasets.imdbws.com/title.basics.tsv.gz", "title.basics.tsv.gz"),
        ("https://a.example/x/f%C3%ABlms.csv?token=1", "fëlms.csv"),
        ("https://a.example/", ""),
        ("https://a.example", ""),
    ],
)
def test_the_last_segment_names_the_file(address: str, name: str) -> None:
    assert last_segment(address) == name


@pytest.mark.parametrize(
    "address",
    [
        *(
            "127.0.0.1",
            "127.8.8.8",
            "0.0.0.0",  # noqa: S104  an address, not that of a server
            "10.0.0.1",
            "172.16.0.1",
            "192.168.1.1",
            "100.64.0.1",
            "169.254.169.254",
        ),
        *("100.100.100.200", "192.0.0.192", "198.18.0.1", "224.0.0.1", "239.1.1.1", "240.0.0.1", "255.255.255.255"),
        *("192.0.2.1", "203.0.113.7", "192.88.99.1", "168.63.129.16"),
        *(
            "::",
            "::1",
            "::7f00:1",
            "fe80::1",
            "fe80::1%eth0",
            "fc00::1",
            "fd00:ec2::254",
            "fec0::1",
            "ff02::1",
            "ff0e::1",
        ),
        *("::ffff:127.0.0.1", "::ffff:8.8.8.8", "64:ff9b::7f00:1", "64:ff9b:1::1", "2002:7f00:1::", "2001:0:1::1"),
        *("2001:db8::1", "100::1"),
    ],
)
def test_what_is_not_the_public_internet_is_not_asked(address: str) -> None:
    assert not may_ask(ip_address(address), ())


@pytest.mark.parametrize("address", ["8.8.8.8", "18.160.0.1", "2606:4700::1111", "2a00:1450:4001::200e"])
def test_the_public_internet_is_asked(address: str) -> None:
    assert may_ask(ip_address(address), ())


def test_a_named_network_is_asked_and_its_neighbours_are_not() -> None:
    networks = (ip_network("10.1.0.0/16"), ip_network("fd00:1::/32"))
    assert may_ask(ip_address("10.1.2.3"), networks)
    assert may_ask(ip_address("fd00:1::5"), networks)
    assert not may_ask(ip_address("10.2.0.1"), networks)
    assert not may_ask(ip_address("::ffff:10.1.2.3"), networks)


def resolver(*addresses: str) -> Any:
    return lambda _host, port, **_: [(2, 1, 6, "", (address, port)) for address in addresses]


def test_one_forbidden_address_forbids_the_host() -> None:
    with pytest.raises(AddressForbidden):
        checked_addresses("a.example", 443, (), resolver("8.8.8.8", "127.0.0.1"))
    good = checked_addresses("a.example", 443, (), resolver("8.8.8.8", "8.8.4.4", "8.8.8.8"))
    assert [str(address) for address in good] == ["8.8.8.8", "8.8.4.4"]


def test_a_host_without_an_address_may_have_one_later() -> None:
    with pytest.raises(FetchFailed):
        checked_addresses("a.example", 443, (), resolver())
    with pytest.raises(FetchFailed):
        checked_addresses("no-such-host.invalid", 443, ())
