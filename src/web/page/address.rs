//! What of the fleet a page shows, and the links to others: its query.

use url::form_urlencoded::Serializer;

use super::super::query::{BadQuery, Query};
use super::super::selection;
use crate::status::{Order, Selection, Sort, Verdict};

/// Instances on a page, unless another number is asked for.
const LIMIT: usize = 100;
/// A browser would take its time for more.
const LARGEST_LIMIT: usize = 500;
/// Seconds between two refreshes by itself.
const REFRESH: std::ops::RangeInclusive<usize> = 5..=3600;

/// What a page shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Address {
    /// Which instances; the limit is always set.
    pub(super) selection: Selection,
    /// The page is loaded again after so many seconds.
    pub(super) refresh: Option<usize>,
}

impl Default for Address {
    fn default() -> Self {
        Self { selection: Selection { limit: Some(LIMIT), ..Selection::default() }, refresh: None }
    }
}

impl Address {
    /// Reads a query. What is no parameter of the page is none of its business: others may have put it there.
    pub(super) fn of(query: Option<&str>) -> Result<Self, BadQuery> {
        let query = Query::of(query);
        let mut selection = selection::of(&query)?;
        let within = |name, value: usize, range: std::ops::RangeInclusive<usize>| {
            let wrong = || BadQuery::Wrong(name, format!("a number from {} to {}", range.start(), range.end()));
            if range.contains(&value) { Ok(value) } else { Err(wrong()) }
        };
        let limit = selection.limit.unwrap_or(LIMIT);
        selection.limit = Some(within("limit", limit, 1..=LARGEST_LIMIT)?);
        let refresh = query.number("refresh")?.map(|seconds| within("refresh", seconds, REFRESH)).transpose()?;
        Ok(Self { selection, refresh })
    }

    /// The link to it from any other page.
    pub(super) fn link(&self) -> String {
        let query = encoded(&self.parameters());
        if query.is_empty() { "./".to_owned() } else { format!("./?{query}") }
    }

    /// The link to the same as JSON.
    pub(super) fn api(&self) -> String {
        let mut parameters = self.parameters();
        parameters.retain(|(name, _)| !matches!(*name, "refresh" | "limit"));
        parameters.push(("limit", self.limit().to_string()));
        format!("./api/v1/instances?{}", encoded(&parameters))
    }

    /// Parameters that say something.
    pub(super) fn parameters(&self) -> Vec<(&'static str, String)> {
        let Selection { project, instance_id, name, search, verdict, sort, order, limit: _, offset } = &self.selection;
        let sort = Some(*sort).filter(|sort| *sort != Sort::default());
        let limit = Some(self.limit()).filter(|limit| *limit != LIMIT);
        let offset = Some(*offset).filter(|offset| *offset > 0);
        [
            ("project", project.clone()),
            ("instance_id", instance_id.clone()),
            ("name", name.clone()),
            ("search", search.clone()),
            ("verdict", verdict.map(|verdict| verdict.as_str().to_owned())),
            ("sort", sort.map(|sort| sort.as_str().to_owned())),
            ("order", order.map(|order| order.as_str().to_owned())),
            ("limit", limit.map(|limit| limit.to_string())),
            ("offset", offset.map(|offset| offset.to_string())),
            ("refresh", self.refresh.map(|seconds| seconds.to_string())),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)))
        .collect()
    }

    /// Instances on a page.
    pub(super) fn limit(&self) -> usize {
        self.selection.limit.unwrap_or(LIMIT)
    }

    /// Whether it leaves instances out.
    pub(super) fn is_filtered(&self) -> bool {
        let Selection { project, instance_id, name, search, verdict, .. } = &self.selection;
        verdict.is_some() || [project, instance_id, name, search].into_iter().any(Option::is_some)
    }

    /// All instances in this order.
    pub(super) fn of_all(&self) -> Self {
        let Selection { sort, order, limit, .. } = self.selection;
        let selection = Selection { sort, order, limit, ..Selection::default() };
        Self { selection, refresh: self.refresh }
    }

    /// All instances with this verdict, of every project.
    pub(super) fn of_verdict(&self, verdict: Verdict) -> Self {
        self.of_all().with(|selection| selection.verdict = Some(verdict))
    }

    /// All instances of this project.
    pub(super) fn of_project(&self, project: &str) -> Self {
        self.of_all().with(|selection| selection.project = Some(project.to_owned()))
    }

    /// One instance.
    pub(super) fn of_instance(&self, project: &str, id: &str) -> Self {
        let selection = Selection {
            project: Some(project.to_owned()),
            instance_id: Some(id.to_owned()),
            limit: Some(LIMIT),
            ..Selection::default()
        };
        Self { selection, refresh: self.refresh }
    }

    /// The same instances sorted by this, or the other way round where they are.
    pub(super) fn sorted_by(&self, sort: Sort) -> Self {
        let is_so = self.selection.sort == sort;
        let order = if is_so { self.selection.order().reversed() } else { sort.usual_order() };
        self.with(|selection| {
            selection.sort = sort;
            selection.order = Some(order).filter(|order| *order != sort.usual_order());
            selection.offset = 0;
        })
    }

    /// The same without the first instances.
    pub(super) fn from(&self, offset: usize) -> Self {
        self.with(|selection| selection.offset = offset)
    }

    /// The same, loaded again by itself or not.
    pub(super) fn refreshed(&self, refresh: Option<usize>) -> Self {
        Self { refresh, ..self.clone() }
    }

    /// In which order the instances stand.
    pub(super) fn order(&self) -> Order {
        self.selection.order()
    }

    fn with(&self, change: impl FnOnce(&mut Selection)) -> Self {
        let mut address = self.clone();
        change(&mut address.selection);
        address
    }
}

fn encoded(parameters: &[(&'static str, String)]) -> String {
    Serializer::new(String::new()).extend_pairs(parameters).finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(query: &str) -> Address {
        Address::of(Some(query)).unwrap()
    }

    #[test]
    fn a_link_leads_to_the_same_page() {
        for (query, link) in [
            ("", "./"),
            ("search=&project=&verdict=&limit=100&offset=0&sort=worst", "./"),
            ("verdict=stale&refresh=30", "./?verdict=stale&refresh=30"),
            ("offset=100&limit=50&order=desc&sort=name", "./?sort=name&order=desc&limit=50&offset=100"),
            ("search=%22%3E%26%3D+%E7%BC%93", "./?search=%22%3E%26%3D+%E7%BC%93"),
        ] {
            assert_eq!(address(query).link(), link);
            assert_eq!(Address::of(link.strip_prefix("./?")).unwrap(), address(query));
        }
        let api = "./api/v1/instances?verdict=stale&offset=100&limit=100";
        assert_eq!(address("verdict=stale&offset=100&refresh=30").api(), api);
    }

    #[test]
    fn what_is_too_much_is_refused() {
        for (query, why) in [
            ("limit=501", "limit parameter must be a number from 1 to 500"),
            ("limit=0", "limit parameter must be a number from 1 to 500"),
            ("refresh=4", "refresh parameter must be a number from 5 to 3600"),
            (
                "sort=colour",
                "sort parameter must be one of worst, name, project, age, size, next_slot, last_failure, polled",
            ),
            ("order=down", "order parameter must be one of asc, desc"),
        ] {
            assert_eq!(Address::of(Some(query)).unwrap_err().to_string(), why);
        }
        assert_eq!(Address::of(Some("x=y")), Ok(Address::default()));
    }

    #[test]
    fn a_heading_sorts_and_then_turns_round() {
        let first = address("project=a&offset=100").sorted_by(Sort::Age);
        assert_eq!(first.link(), "./?project=a&sort=age");
        let second = first.sorted_by(Sort::Age);
        assert_eq!(second.link(), "./?project=a&sort=age&order=asc");
        assert_eq!(second.sorted_by(Sort::Age), first);
        assert_eq!(second.sorted_by(Sort::Worst).link(), "./?project=a");
    }
}
