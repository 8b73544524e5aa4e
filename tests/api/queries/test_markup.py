"""HTML from templates."""

from api.queries.markup import Markup, fill, join


def test_whatever_is_filled_in_is_escaped() -> None:
    """In elements, and in attributes within double quotes."""
    found = fill('<a href="$href">$text</a>', href='"><script>', text="<b>&'")

    assert found == '<a href="&quot;&gt;&lt;script&gt;">&lt;b&gt;&amp;&#x27;</a>'


def test_markup_stays_as_it_is_and_other_texts_do_not() -> None:
    """Only what was made here is HTML; signs of templates in values are no templates."""
    inner = fill("<i>$text</i>", text="$href <")

    assert fill("<p>$inner $text</p>", inner=inner, text=str(inner)) == (
        "<p><i>$href &lt;</i> &lt;i&gt;$href &amp;lt;&lt;/i&gt;</p>"
    )
    assert isinstance(join([inner, inner]), Markup)
