//! Golden files of complete reports: one per topic, each case with what was typed.

use std::fmt::Write as _;

use crate::Directory;

/// A good project without its end, and good credentials, to put mistakes beside.
pub(crate) const PROJECT: &str =
    "projects:\n  - name: prod\n    region: eu-de\n    project_id: p1\n    credentials: ops\n";
pub(crate) const CREDENTIALS: &str = "credentials: { ops: { access_key: AK, secret_key: hunter2 } }\n";

/// What each topic's golden file holds: the file with its line numbers, the variables, and the report.
pub(crate) struct Golden(pub(crate) String);

impl Golden {
    pub(crate) fn new() -> Self {
        Self(String::new())
    }

    pub(crate) fn case(&mut self, title: &str, yaml: &str, environment: &[(&str, &str)]) {
        let directory = Directory::furnished();
        writeln!(self.0, "# {title}").unwrap();
        for (index, line) in yaml.lines().enumerate() {
            writeln!(self.0, "{:3} | {line}", index + 1).unwrap();
        }
        for (name, value) in environment {
            writeln!(self.0, "  $ {name}={value}").unwrap();
        }
        let report = directory.load(yaml, environment).map(drop).expect_err(title).to_string();
        writeln!(self.0, "{}\n", directory.relative(&report)).unwrap();
        assert!(!report.contains("hunter"), "{title} tells a secret: {report}");
    }

    /// A file of a good project and good credentials with something added to both.
    pub(crate) fn beside(&mut self, title: &str, project: &str, rest: &str) {
        self.case(title, &format!("{PROJECT}{project}{CREDENTIALS}{rest}"), &[]);
    }

    /// A project that is good but for its credentials.
    pub(crate) fn credentials(&mut self, title: &str, entry: &str) {
        self.case(title, &format!("{PROJECT}credentials:\n  ops:\n{entry}"), &[]);
    }

    pub(crate) fn matches(self, name: &str) {
        insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
            insta::assert_snapshot!(name, self.0.trim_end());
        });
    }
}
