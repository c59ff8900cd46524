//! Filters, overrides and tags for labels that are wrong, and their complete reports.

use crate::golden::Golden;

#[test]
fn filters_that_are_wrong() {
    let mut golden = Golden::new();
    let discovery =
        |golden: &mut Golden, title: &str, keys: &str| golden.beside(title, &format!("    discovery:\n{keys}"), "");
    discovery(&mut golden, "nothing to go by", "      include: {}\n      exclude: { name: }\n");
    discovery(
        &mut golden,
        "empty lists",
        "      include: { id: [], name: [], engine: [], status: [], enterprise_project_id: [], tags: {} }\n      exclude: { tags: { env: [] } }\n",
    );
    discovery(
        &mut golden,
        "empty words",
        "      include: { name: \"\", tags: { env: \"\" } }\n      exclude: { tags: { env: , tier: gold } }\n",
    );
    discovery(
        &mut golden,
        "no regular expressions",
        "      include:\n        name:\n          - \"^prod-\"\n          - \"(prod\"\n          - \"*-scratch\"\n      exclude: { name: \"(?!prod)\" }\n",
    );
    discovery(&mut golden, "an expression without end", "      include: { name: \"(a{1000}){1000}\" }\n");
    discovery(
        &mut golden,
        "unknown words",
        "      include: { engine: [redis, Valkey], status: [running, RUNING, HIBERNATING] }\n      exclude: { status: \"\" }\n",
    );
    discovery(
        &mut golden,
        "wrong shapes",
        "      include: \"^prod-\"\n      exclude:\n        name: { a: b }\n        tags: [env]\n        engine: [[Redis]]\n",
    );
    discovery(
        &mut golden,
        "unknown keys",
        "      include: { names: a, tag: { env: prod } }\n      exclude: { tags: { env: { prod: } } }\n      filter: { name: a }\n",
    );
    golden.matches("filters");
}

#[test]
fn overrides_and_labels_that_are_wrong() {
    let mut golden = Golden::new();
    golden.beside(
        "overrides",
        "    overrides:\n      - { match: {}, rpo: 13h }\n      - { match: { id: [] }, rpo: 0s }\n      - { match: { name: \"(\" }, rpo: 5 }\n      - { rpo: 13h }\n      - { match: { id: [i1, i2] } }\n      - {}\n      - i1\n",
        "",
    );
    golden.beside("an override like an instance", "    overrides:\n      - { id: i1, rpo: 13h }\n", "");
    golden.beside("labels", &format!("    instance_tags: [team, team, \"\", [x], \"{}\"]\n", "团".repeat(43)), "");
    golden.beside("one label", "    instance_tags: team\n", "");
    golden.matches("overrides");
}
