"""Headlines from RSS and Atom, and what hostile feeds get."""

from __future__ import annotations

import pytest

from otto.errors import SkillError
from otto.network.feed import headlines
from tests import processor

RSS = b"""<?xml version="1.0" encoding="UTF-8"?>
<rss version="2.0" xmlns:media="http://search.yahoo.com/mrss/"><channel><title>The Daily Otter</title>
<item><title><![CDATA[Rain &amp; wind]]></title><media:title>A picture</media:title><link>https://example.org/1</link></item>
<item><title>Otters   return to
the <b>Elbe</b></title></item>
<item><title>Rain &amp; wind</title></item>
<item><title></title></item>
</channel></rss>"""

ATOM = b"""<feed xmlns="http://www.w3.org/2005/Atom"><title>Blog</title>
<entry><title type="html">K&#246;ln &amp;lt;3 &lt;i&gt;Karneval&lt;/i&gt;</title></entry></feed>"""

RDF = b"""<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/">
<channel><title>Old</title></channel><item><title>One</title></item></rdf:RDF>"""

LAUGHS = (
    b'<?xml version="1.0"?><!DOCTYPE rss [<!ENTITY a0 "ha">'
    + b"".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">'.encode() for n in range(1, 12))
    + b"]><rss><channel><item><title>&a11;</title></item></channel></rss>"
)

OUTSIDE = b"""<!DOCTYPE rss [<!ENTITY secret SYSTEM "file:///etc/passwd">]>
<rss><channel><item><title>&secret;</title></item></channel></rss>"""


def test_headlines_in_order_each_once_without_markup() -> None:
    assert headlines(RSS) == ["Rain & wind", "Otters return to the Elbe"]
    assert headlines(ATOM) == ["Köln <3 Karneval"]
    assert headlines(RDF) == ["One"]


def test_a_feed_without_entries_has_no_headlines() -> None:
    assert headlines(b"<rss><channel><title>Quiet</title></channel></rss>") == []


@pytest.mark.parametrize(
    "feed",
    [
        LAUGHS,
        OUTSIDE,
        b"",
        b"\xff\xfe\x00",
        b"<html><body>Please log in</body></html>",
        b"<rss><channel><item><title>half",
        b"<rss>" + b"<a>" * 5000 + b"</a>" * 5000 + b"</rss>",
        b'<?xml version="1.0" encoding="nonsense"?><rss/>',
        b'{"items": []}',
    ],
    ids=["laughs", "outside", "empty", "binary", "html", "half", "deep", "encoding", "json"],
)
def test_what_is_no_honest_feed_is_a_sentence(feed: bytes) -> None:
    def check() -> None:
        with pytest.raises(SkillError, match="can't read"):
            headlines(feed)

    assert processor.seconds(check, enough=1) < 1


def test_a_headline_has_bounds() -> None:
    feed = b"<rss><channel><item><title>" + b"long " * 100_000 + b"</title></item></channel></rss>"
    assert len(headlines(feed)[0]) <= 300
