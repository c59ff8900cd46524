use std::fmt::Write as _;

use proptest::prelude::*;

use super::*;

fn read(text: &str) -> (Option<Node>, Vec<String>) {
    let report = Report::default();
    let node = parse(text, &"c".into(), &report);
    let problems = match report.into_result() {
        Ok(_) => Vec::new(),
        Err(problems) => problems.iter().map(ToString::to_string).collect(),
    };
    (node, problems)
}

/// The tree on one line, with lines after `@`.
fn shown(node: &Node) -> String {
    let mut text = match &node.value {
        Value::Null => "null".to_owned(),
        Value::Text(text) => format!("{text:?}"),
        Value::List(items) => format!("[{}]", items.iter().map(shown).collect::<Vec<_>>().join(" ")),
        Value::Map(entries) => {
            let entries: Vec<String> = entries.iter().map(|e| format!("{}={}", e.key, shown(&e.node))).collect();
            format!("{{{}}}", entries.join(" "))
        }
        Value::Refused => "refused".to_owned(),
    };
    if let Origin::File { line, .. } = node.origin {
        write!(text, "@{line}").unwrap();
    }
    text
}

#[test]
fn scalars_stay_as_they_were_typed_and_know_their_line() {
    let text = "a: 0012\nb: [1e5, true, 0x1F, 1_000, yes, 2026-01-01]\nc:\n  d: 01234567890123456789012345678901\n  e: 'it''s'\n  f: \"x\\ty\"\n  g: |\n    two\n    lines\n";
    let (node, problems) = read(text);
    assert_eq!(problems, [""; 0]);
    let expected = r#"{a="0012"@1 b=["1e5"@2 "true"@2 "0x1F"@2 "1_000"@2 "yes"@2 "2026-01-01"@2]@2 c={d="01234567890123456789012345678901"@4 e="it's"@5 f="x\ty"@6 g="two\nlines\n"@7}@3}@1"#;
    assert_eq!(shown(&node.unwrap()), expected);
}

#[test]
fn only_emptiness_tilde_and_null_without_quotes_mean_nothing() {
    let (node, _) = read("a:\nb: ~\nc: null\nd: ''\ne: \"null\"\nf: Null\ng: !!str ~\nh: '~'\n");
    let expected = r#"{a=null@1 b=null@2 c=null@3 d=""@4 e="null"@5 f="Null"@6 g="~"@7 h="~"@8}@1"#;
    assert_eq!(shown(&node.unwrap()), expected);
    for empty in ["", "# only a comment\n", "---\n", "~", "---\n...\n"] {
        let (node, problems) = read(empty);
        assert_eq!(problems, [""; 0], "{empty:?}");
        assert_eq!(shown(&node.unwrap()), "{}@1", "{empty:?}");
    }
}

#[test]
fn aliases_and_merge_keys_bring_what_stands_elsewhere() {
    let (node, problems) = read(
        "base: &b {x: 1, y: 2}\nmore: &m\n  y: 3\n  z: 4\na: *b\nc:\n  <<: [*b, *m]\n  x: 9\nd: {<<: *m, q: *b}\n",
    );
    assert_eq!(problems, [""; 0]);
    let expected = r#"{base={x="1"@1 y="2"@1}@1 more={y="3"@3 z="4"@4}@2 a={x="1"@1 y="2"@1}@5 c={x="9"@8 y="2"@1 z="4"@4}@6 d={q={x="1"@1 y="2"@1}@9 y="3"@3 z="4"@4}@9}@1"#;
    assert_eq!(shown(&node.unwrap()), expected);
}

#[test]
fn what_is_wrong_is_told_with_its_line_and_the_rest_is_read() {
    let (node, problems) = read("a: 1\nb: {a: 1, a: 2}\na: 3\n[x]: 1\nc: !include x\n<<: 5\n");
    assert!(node.is_some());
    assert_eq!(
        problems,
        [
            "c:2: b.a: is given twice (first in line 2); remove one",
            "c:3: a: is given twice (first in line 1); remove one",
            "c:4: a key must be a word; an empty one, a list or a mapping is none",
            "c:5: c: a tag (`!…`) has no meaning here; remove it, or quote the value if it begins with `!`",
            "c:6: <<: must be a mapping or a list of mappings",
        ]
    );
}

#[test]
fn what_cannot_be_read_to_the_end_is_one_problem_with_a_line() {
    let deep = format!("a: {}{}", "[".repeat(40), "]".repeat(40));
    let table = [
        ("a: 1\n---\nb: 2\n", "c:2: a second document"),
        ("a: 1\n\tb: 2\n", "c:2: is not valid YAML"),
        ("a: b: c\n", "c:1: is not valid YAML: a `: ` in the middle"),
        ("a:\n  b: 1\n c: 2\n", "c:3: is not valid YAML"),
        ("a: *nothing\n", "c:1: is not valid YAML: an alias"),
        ("a: &x [*x]\n", "c:1: the alias stands within its own anchor"),
        ("a: 1\nb: @c\n", "c:2: is not valid YAML: a value that begins with this character"),
        ("a: 'open\n", "is not valid YAML"),
        ("- a\n- b\n", "c:1: the file must be a mapping"),
        ("word\n", "c:1: the file must be a mapping"),
        (deep.as_str(), "c:1: lists and mappings stand more than 32 deep"),
    ];
    for (text, expected) in table {
        let (node, problems) = read(text);
        assert!(node.is_none(), "{text}");
        assert_eq!(problems.len(), 1, "{text}: {problems:?}");
        assert!(problems[0].contains(expected), "{text}: {problems:?}");
    }
}

#[test]
fn aliases_cannot_grow_without_end() {
    let mut wide = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x]\n");
    let mut deep = String::from("a0: &a0 [x]\n");
    for n in 1..60 {
        let p = n - 1;
        let nine = vec![format!("*a{p}"); 9].join(", ");
        writeln!(wide, "a{n}: &a{n} [{nine}]").unwrap();
        writeln!(deep, "a{n}: &a{n} [*a{p}]").unwrap();
    }
    for (text, expected) in [(wide, "aliases copy more than 100000 values"), (deep, "more than 32 deep")] {
        let (node, problems) = read(&text);
        assert!(node.is_none());
        assert!(problems[0].contains(expected), "{problems:?}");
    }
}

proptest! {
    #[test]
    fn no_text_makes_the_parser_panic(text in "(\\PC|[\\[\\]{}:,&*!|>'\"%@`#?~<\\-\n \t]|a: |- |<<: |\\*a|&a ){0,60}") {
        let (node, problems) = read(&text);
        prop_assert!(node.is_some() || !problems.is_empty());
    }

    #[test]
    fn quoted_text_arrives_as_it_was(text in any::<String>()) {
        let mut quoted = String::new();
        for c in text.chars() {
            write!(quoted, "\\U{:08x}", c as u32).unwrap();
        }
        let (node, problems) = read(&format!("a: \"{quoted}\"\n"));
        prop_assert_eq!(problems, [""; 0]);
        prop_assert_eq!(shown(node.unwrap().get("a").unwrap()), format!("{text:?}@1"));
    }

    #[test]
    fn plain_words_arrive_as_they_were(text in "[A-Za-z0-9_.+/=-]{0,20}[A-Za-z0-9_+/=]") {
        prop_assume!(text != "null" && !text.starts_with("---") && !text.starts_with("..."));
        let (node, problems) = read(&format!("a: {text}\nb:\n  - {text}\nc: {{d: {text}}}\n"));
        prop_assert_eq!(problems, [""; 0]);
        let expected = format!("{{a={text:?}@1 b=[{text:?}@3]@2 c={{d={text:?}@4}}@4}}@1");
        prop_assert_eq!(shown(&node.unwrap()), expected);
    }
}
