//! Which of the selected instances are on this page, and the way to the others.

use askama::Template;
use askama::filters::HtmlSafe;

use super::address::Address;
use super::words::number;

/// The links to other pages; nothing where all fits on this one.
#[derive(Debug, Template)]
#[template(
    ext = "html",
    source = r#"{% if !links.is_empty() %}<nav class="pager" aria-label="Pages">
<p>{{ range }}</p>
<ul class="plain">
{% for link in links %}<li>{% if let Some(to) = link.to %}<a href="{{ to }}"{% if let Some(rel) = link.rel %} rel="{{ rel }}"{% endif %}>{{ link.words }}</a>{% else %}<span class="quiet">{{ link.words }}</span>{% endif %}</li>
{% endfor -%}
</ul>
</nav>{% endif %}"#
)]
pub(super) struct Pager {
    range: String,
    links: Vec<Link>,
}

impl HtmlSafe for Pager {}

#[derive(Debug, PartialEq, Eq)]
struct Link {
    words: &'static str,
    rel: Option<&'static str>,
    /// `None` where one is there already.
    to: Option<String>,
}

impl Pager {
    /// For so many instances in all.
    pub(super) fn of(total: usize, address: &Address) -> Self {
        let (limit, offset) = (address.limit(), address.selection.offset);
        let range = range(total, limit, offset);
        if offset == 0 && total <= limit {
            return Self { range, links: Vec::new() };
        }
        let last = total.saturating_sub(1) / limit * limit;
        let to = |place: usize, is_elsewhere: bool| is_elsewhere.then(|| address.from(place).link());
        let links = vec![
            Link { words: "First", rel: None, to: to(0, offset > 0) },
            Link {
                words: "Previous",
                rel: Some("prev"),
                to: to(offset.min(last + limit).saturating_sub(limit), offset > 0),
            },
            Link {
                words: "Next",
                rel: Some("next"),
                to: to(offset.saturating_add(limit), offset.saturating_add(limit) < total),
            },
            Link { words: "Last", rel: None, to: to(last, offset != last) },
        ];
        Self { range, links }
    }
}

/// `101–200 of 10 000`.
pub(super) fn range(total: usize, limit: usize, offset: usize) -> String {
    let end = offset.saturating_add(limit).min(total);
    if offset >= end {
        return format!("none of {}", number(total));
    }
    format!("{}–{} of {}", number(offset + 1), number(end), number(total))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offsets(total: usize, query: &str) -> Vec<Option<usize>> {
        let pager = Pager::of(total, &Address::of(Some(query)).unwrap());
        let offset = |link: &Link| {
            let to = link.to.as_ref()?;
            let address = Address::of(to.strip_prefix("./?")).unwrap();
            Some(address.selection.offset)
        };
        pager.links.iter().map(offset).collect()
    }

    #[test]
    fn links_lead_to_pages_that_are_there() {
        for (total, query, expected) in [
            (0, "", vec![]),
            (100, "", vec![]),
            (101, "", vec![None, None, Some(100), Some(100)]),
            (101, "offset=100", vec![Some(0), Some(0), None, None]),
            (250, "offset=100", vec![Some(0), Some(0), Some(200), Some(200)]),
            (250, "offset=30&limit=50", vec![Some(0), Some(0), Some(80), Some(200)]),
            (250, "offset=200", vec![Some(0), Some(100), None, None]),
            (250, "offset=99999", vec![Some(0), Some(200), None, Some(200)]),
            (0, "offset=5", vec![Some(0), Some(0), None, Some(0)]),
            (10_000, &format!("offset={}", usize::MAX), vec![Some(0), Some(9_900), None, Some(9_900)]),
        ] {
            assert_eq!(offsets(total, query), expected, "{total} {query}");
        }
    }

    #[test]
    fn a_range_says_which_of_how_many() {
        assert_eq!(range(10_000, 100, 9_950), "9951–10\u{202f}000 of 10\u{202f}000");
        assert_eq!(range(3, 100, 0), "1–3 of 3");
        assert_eq!((range(0, 100, 0), range(3, 100, 7)), ("none of 0".to_owned(), "none of 3".to_owned()));
    }
}
