//! The form that filters and sorts: it shows what is chosen, and needs no script.

use askama::Template;
use askama::filters::HtmlSafe;

use super::address::Address;
use super::outside;
use crate::snapshot::Snapshot;
use crate::status::{Sort, Verdict};

/// The form.
#[derive(Debug, Template)]
#[template(
    ext = "html",
    source = r#"<form class="filter" role="search" aria-label="Instances" method="get" action="./">
<p><label for="search">Name or id</label><input id="search" name="search" type="search" value="{{ search }}" maxlength="200" autocomplete="off" spellcheck="false"></p>
{% for select in selects -%}
<p><label for="{{ select.name }}">{{ select.label }}</label><select id="{{ select.name }}" name="{{ select.name }}">
{%- for choice in select.choices %}<option value="{{ choice.value }}"{% if choice.is_chosen %} selected{% endif %}>{{ choice.words }}</option>{% endfor -%}
</select></p>
{% endfor -%}
{% for (name, value) in kept %}<input type="hidden" name="{{ name }}" value="{{ value }}">{% endfor -%}
<p class="buttons"><button type="submit">Show</button>{% if let Some(link) = clear %} <a href="{{ link }}">Show all</a>{% endif %}</p>
</form>"#
)]
pub(super) struct Filter {
    search: String,
    selects: [Select; 3],
    /// What the form has no field for.
    kept: Vec<(&'static str, String)>,
    clear: Option<String>,
}

impl HtmlSafe for Filter {}

#[derive(Debug)]
struct Select {
    name: &'static str,
    label: &'static str,
    choices: Vec<Choice>,
}

#[derive(Debug)]
struct Choice {
    value: String,
    words: String,
    is_chosen: bool,
}

impl Filter {
    /// The form as it was filled in.
    pub(super) fn of(snapshot: &Snapshot, address: &Address) -> Self {
        let selection = &address.selection;
        let any = |words: &str, is_chosen| Choice { value: String::new(), words: words.to_owned(), is_chosen };
        let mut projects = vec![any("every project", selection.project.is_none())];
        projects.extend(snapshot.projects.iter().map(|project| {
            let name = project.name.as_str();
            let is_chosen = selection.project.as_deref() == Some(name);
            Choice { value: name.to_owned(), words: name.to_owned(), is_chosen }
        }));
        if let Some(unknown) = selection.project.as_ref().filter(|name| snapshot.project(name).is_none()) {
            projects.push(Choice {
                value: unknown.clone(),
                words: format!("{} (unknown)", outside::undirected(unknown)),
                is_chosen: true,
            });
        }
        let mut verdicts = vec![any("every state", selection.verdict.is_none())];
        verdicts.extend(Verdict::ALL.map(|verdict| Choice {
            value: verdict.as_str().to_owned(),
            words: verdict.words().to_owned(),
            is_chosen: selection.verdict == Some(verdict),
        }));
        let sorts = Sort::ALL.map(|sort| Choice {
            value: sort.as_str().to_owned(),
            words: words(sort).to_owned(),
            is_chosen: selection.sort == sort,
        });
        let mut kept = address.parameters();
        kept.retain(|(name, _)| matches!(*name, "name" | "limit" | "refresh"));
        Self {
            search: selection.search.clone().unwrap_or_default(),
            selects: [
                Select { name: "project", label: "Project", choices: projects },
                Select { name: "verdict", label: "State", choices: verdicts },
                Select { name: "sort", label: "Order", choices: sorts.into() },
            ],
            kept,
            clear: address.is_filtered().then(|| address.of_all().link()),
        }
    }
}

/// What stands first, the usual way round.
pub(super) fn words(sort: Sort) -> &'static str {
    match sort {
        Sort::Worst => "worst first",
        Sort::Name => "by name",
        Sort::Project => "by project",
        Sort::Age => "oldest backup first",
        Sort::Size => "largest backup first",
        Sort::NextSlot => "next slot first",
        Sort::LastFailure => "newest failure first",
        Sort::Polled => "longest unread first",
    }
}
