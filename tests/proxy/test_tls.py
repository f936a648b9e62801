"""Certificates are read whole or refused by name; in a container they lie under names made of their content."""

from pathlib import Path

import pytest

from declare.model.app import Route, TlsFiles
from declare.model.errors import InputError
from declare.proxy.tls import read_certificates
from tests.proxy.local import certificates_in
from tests.proxy.models import model, site

FILES = TlsFiles("tls.crt", "tls.key")


def test_a_renewed_certificate_lies_beside_the_old_one(tmp_path: Path) -> None:
    secure = model(site(Route("a.org", tls=FILES)))
    seen = []
    for _ in range(2):
        certificates_in(tmp_path)
        seen.append(read_certificates(secure, root=str(tmp_path), contained=True)[FILES])
    assert seen[0].cert_path != seen[1].cert_path
    assert seen[0].cert_path.removesuffix(".crt") == seen[0].key_path.removesuffix(".key")


def test_an_nginx_of_the_users_own_reads_the_files_where_they_are(tmp_path: Path) -> None:
    certificates_in(tmp_path)
    found = read_certificates(model(site(Route("a.org", tls=FILES))), root=str(tmp_path), contained=False)[FILES]
    assert (found.cert_path, found.key_path, found.content) == (f"{tmp_path}/tls.crt", f"{tmp_path}/tls.key", None)


def test_every_certificate_that_can_not_be_used_is_named(tmp_path: Path) -> None:
    certificates_in(tmp_path)
    (tmp_path / "empty").write_text("")
    bad = [
        TlsFiles("gone", "tls.key"),
        TlsFiles("tls.crt", "empty"),
        TlsFiles("tls.key", "tls.key"),
        TlsFiles(".", "tls.key"),
    ]
    sites = [site(Route(f"{n}.org", tls=files)) for n, files in enumerate(bad)]
    with pytest.raises(InputError) as failure:
        read_certificates(model(*sites), root=str(tmp_path), contained=True)
    assert [problem.summary.split()[3] for problem in failure.value.problems] == ["0.org", "1.org", "2.org", "3.org"]
