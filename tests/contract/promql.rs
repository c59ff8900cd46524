//! The query language, read as far as it says which metrics and labels are used, and which labels the result has.
//!
//! It is no second judge of syntax, that is promtool; but what it does not understand it complains about. What
//! Prometheus never complains about is its subject: a metric that nobody has, a label that a metric lacks, a value that a
//! label never has, two sides of an operator that can never match. All of these are answered with nothing, and an alert stays silent.

use std::collections::BTreeSet;

use crate::known::may_be;

/// What is known of metrics: their labels, those that Prometheus adds included; `None` for one that nobody has.
pub(crate) type Known<'a> = dyn Fn(&str) -> Option<BTreeSet<String>> + 'a;

/// What an expression gives.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Shape {
    /// The labels that its series may have.
    pub(crate) labels: BTreeSet<String>,
    /// Whether there may be others, which nobody can know.
    pub(crate) open: bool,
    /// Whether it is a number, not series.
    scalar: bool,
    /// Labels that a selector in it holds against one value: those that `absent` gives.
    equal: BTreeSet<String>,
}

impl Shape {
    fn scalar() -> Self {
        Self { scalar: true, ..Self::default() }
    }

    /// Whether a series of it may have this label.
    pub(crate) fn has(&self, label: &str) -> bool {
        self.open || self.labels.contains(label)
    }
}

/// What a text gives, and what is wrong with it.
pub(crate) fn read(text: &str, known: &Known) -> (Shape, Vec<String>) {
    let tokens = match tokens(text) {
        Ok(tokens) => tokens,
        Err(problem) => return (Shape::default(), vec![problem]),
    };
    let mut reader = Reader { tokens, at: 0, known, problems: Vec::new() };
    let shape = match reader.expression(0) {
        Ok(_) if reader.at < reader.tokens.len() => {
            let rest = format!("{:?} is not understood", reader.tokens[reader.at]);
            reader.problems.push(rest);
            Shape::default()
        }
        Ok(shape) => shape,
        Err(problem) => {
            reader.problems.push(problem);
            Shape::default()
        }
    };
    (shape, reader.problems)
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    /// A name, keyword or function.
    Word(String),
    /// A number or duration.
    Number(String),
    Text(String),
    Sign(&'static str),
}

const SIGNS: [&str; 22] = [
    "=~", "!~", "!=", "==", ">=", "<=", ">", "<", "=", "+", "-", "*", "/", "%", "^", "(", ")", "{", "}", "[", "]", ",",
];

fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let word_end = |rest: &str, extra: &str| {
            rest.find(|c: char| !c.is_ascii_alphanumeric() && !extra.contains(c)).unwrap_or(rest.len())
        };
        let length = if first == '#' {
            rest.find('\n').unwrap_or(rest.len())
        } else if first.is_ascii_alphabetic() || first == '_' {
            let end = word_end(rest, "_:");
            tokens.push(Token::Word(rest[..end].to_owned()));
            end
        } else if first.is_ascii_digit() || first == '.' {
            let end = word_end(rest, ".");
            tokens.push(Token::Number(rest[..end].to_owned()));
            end
        } else if "\"'`".contains(first) {
            let mut escaped = false;
            let end = rest[1..].find(|c| {
                let ends = c == first && !escaped;
                escaped = c == '\\' && !escaped && first != '`';
                ends
            });
            let end = end.ok_or_else(|| format!("the text that begins with {rest:.20} does not end"))?;
            tokens.push(Token::Text(rest[1..=end].to_owned()));
            end + 2
        } else if let Some(sign) = SIGNS.into_iter().chain([":", "@"]).find(|sign| rest.starts_with(sign)) {
            tokens.push(Token::Sign(sign));
            sign.len()
        } else {
            return Err(format!("{first:?} is not understood"));
        };
        rest = rest[length..].trim_start();
    }
    Ok(tokens)
}

struct Reader<'a> {
    tokens: Vec<Token>,
    at: usize,
    known: &'a Known<'a>,
    problems: Vec<String>,
}

/// Operators by how tightly they bind.
const OPERATORS: [&[&str]; 6] =
    [&["or"], &["and", "unless"], &["==", "!=", "<=", "<", ">=", ">"], &["+", "-"], &["*", "/", "%", "atan2"], &["^"]];
const AGGREGATIONS: [&str; 12] =
    ["sum", "min", "max", "avg", "group", "stddev", "stdvar", "count", "count_values", "bottomk", "topk", "quantile"];
/// Those of Prometheus 2.42 that give their argument's labels.
const FUNCTIONS: [&str; 50] = [
    "abs",
    "avg_over_time",
    "ceil",
    "changes",
    "clamp",
    "clamp_max",
    "clamp_min",
    "count_over_time",
    "day_of_month",
    "day_of_week",
    "day_of_year",
    "days_in_month",
    "delta",
    "deriv",
    "exp",
    "floor",
    "histogram_quantile",
    "holt_winters",
    "hour",
    "idelta",
    "increase",
    "irate",
    "label_join",
    "label_replace",
    "last_over_time",
    "ln",
    "log10",
    "log2",
    "max_over_time",
    "min_over_time",
    "minute",
    "month",
    "predict_linear",
    "present_over_time",
    "quantile_over_time",
    "rate",
    "resets",
    "round",
    "sgn",
    "sort",
    "sort_desc",
    "sqrt",
    "stddev_over_time",
    "stdvar_over_time",
    "sum_over_time",
    "timestamp",
    "vector",
    "year",
    "absent",
    "absent_over_time",
];

/// How an operator finds what belongs together.
#[derive(Default)]
struct Matching {
    on: Option<BTreeSet<String>>,
    ignoring: BTreeSet<String>,
    /// `group_left` or `group_right`, and the labels it brings along.
    group: Option<(String, BTreeSet<String>)>,
}

enum Argument {
    Shape(Shape),
    Text(String),
}

impl Reader<'_> {
    fn peek_sign(&self, sign: &str) -> bool {
        matches!(self.tokens.get(self.at), Some(Token::Sign(next)) if *next == sign)
    }

    fn peek_word(&self) -> Option<&str> {
        match self.tokens.get(self.at) {
            Some(Token::Word(word)) => Some(word),
            _ => None,
        }
    }

    fn take_sign(&mut self, sign: &str) -> bool {
        let taken = self.peek_sign(sign);
        self.at += usize::from(taken);
        taken
    }

    fn take_word(&mut self, words: &[&str]) -> Option<String> {
        let word = self.peek_word().filter(|word| words.contains(word))?.to_owned();
        self.at += 1;
        Some(word)
    }

    fn expect(&mut self, sign: &str) -> Result<(), String> {
        if self.take_sign(sign) {
            return Ok(());
        }
        Err(format!("{sign} is expected, not {:?}", self.tokens.get(self.at)))
    }

    fn expression(&mut self, level: usize) -> Result<Shape, String> {
        if level == OPERATORS.len() {
            return self.single();
        }
        let mut left = self.expression(level + 1)?;
        while let Some(operator) = self.operator(OPERATORS[level]) {
            self.take_word(&["bool"]);
            let matching = self.matching()?;
            // A power's right side is taken first.
            let right = self.expression(if operator == "^" { level } else { level + 1 })?;
            left = self.combined(&operator, left, right, matching);
        }
        Ok(left)
    }

    fn operator(&mut self, operators: &[&str]) -> Option<String> {
        let next = match self.tokens.get(self.at)? {
            Token::Sign(sign) => (*sign).to_owned(),
            Token::Word(word) => word.clone(),
            _ => return None,
        };
        let found = operators.contains(&next.as_str());
        self.at += usize::from(found);
        found.then_some(next)
    }

    fn matching(&mut self) -> Result<Matching, String> {
        let mut matching = Matching::default();
        match self.take_word(&["on", "ignoring"]).as_deref() {
            Some("on") => matching.on = Some(self.label_list()?),
            Some(_) => matching.ignoring = self.label_list()?,
            None => return Ok(matching),
        }
        if let Some(side) = self.take_word(&["group_left", "group_right"]) {
            let brought = if self.peek_sign("(") { self.label_list()? } else { BTreeSet::new() };
            matching.group = Some((side, brought));
        }
        Ok(matching)
    }

    fn label_list(&mut self) -> Result<BTreeSet<String>, String> {
        self.expect("(")?;
        let mut labels = BTreeSet::new();
        while let Some(Token::Word(label)) = self.tokens.get(self.at) {
            labels.insert(label.clone());
            self.at += 1;
            if !self.take_sign(",") {
                break;
            }
        }
        self.expect(")")?;
        Ok(labels)
    }

    fn combined(&mut self, operator: &str, left: Shape, right: Shape, matching: Matching) -> Shape {
        if left.scalar || right.scalar {
            return if left.scalar { right } else { left };
        }
        for label in matching.on.iter().flatten().chain(&matching.ignoring) {
            let (missing, wanted) = match &matching.on {
                Some(_) => (!left.has(label) || !right.has(label), "both sides"),
                None => (!left.has(label) && !right.has(label), "one side"),
            };
            if missing {
                self.problems.push(format!("{operator}: {label} is no label of {wanted}"));
            }
        }
        let remaining = |side: &Shape| side.labels.difference(&matching.ignoring).cloned().collect::<BTreeSet<_>>();
        let sides_differ = matching.on.is_none() && remaining(&left) != remaining(&right);
        if sides_differ && matching.group.is_none() && operator != "or" && !left.open && !right.open {
            let differing: Vec<_> = left.labels.symmetric_difference(&right.labels).cloned().collect();
            self.problems.push(format!("{operator}: only one side has {}: say on or ignoring", differing.join(", ")));
        }
        match (operator, matching.group) {
            ("and" | "unless", _) => left,
            ("or", _) => {
                let labels = left.labels.union(&right.labels).cloned().collect();
                Shape { labels, open: left.open || right.open, ..Shape::default() }
            }
            (_, Some((side, brought))) => {
                let (mut many, one) = if side == "group_left" { (left, right) } else { (right, left) };
                for label in brought {
                    if !one.has(&label) {
                        self.problems.push(format!("{side}: the other side has no label {label} to bring"));
                    }
                    many.labels.insert(label);
                }
                many
            }
            (_, None) => match matching.on {
                Some(labels) => Shape { labels, ..Shape::default() },
                None => Shape { labels: remaining(&left), open: left.open, ..Shape::default() },
            },
        }
    }

    fn single(&mut self) -> Result<Shape, String> {
        if self.take_sign("-") || self.take_sign("+") {
            return self.single();
        }
        let mut shape = self.primary()?;
        loop {
            if self.take_sign("[") {
                while !self.take_sign("]") {
                    let part = self.tokens.get(self.at);
                    if !matches!(part, Some(Token::Number(_) | Token::Sign(":"))) {
                        return Err(format!("{part:?} is no duration"));
                    }
                    self.at += 1;
                }
            } else if self.take_word(&["offset"]).is_some() {
                self.take_sign("-");
                self.number()?;
            } else if self.take_sign("@") {
                self.number()?;
            } else {
                shape.scalar &= shape.labels.is_empty();
                return Ok(shape);
            }
        }
    }

    fn number(&mut self) -> Result<(), String> {
        let next = self.tokens.get(self.at);
        if !matches!(next, Some(Token::Number(_))) {
            return Err(format!("a number or duration is expected, not {next:?}"));
        }
        self.at += 1;
        Ok(())
    }

    fn primary(&mut self) -> Result<Shape, String> {
        let token = self.tokens.get(self.at).cloned().ok_or("the expression does not end")?;
        self.at += 1;
        match token {
            Token::Number(_) => Ok(Shape::scalar()),
            Token::Word(word) if word.eq_ignore_ascii_case("inf") || word.eq_ignore_ascii_case("nan") => {
                Ok(Shape::scalar())
            }
            Token::Sign("(") => {
                let shape = self.expression(0)?;
                self.expect(")")?;
                Ok(shape)
            }
            Token::Sign("{") => {
                self.at -= 1;
                self.selector(None)
            }
            Token::Word(word) if AGGREGATIONS.contains(&word.as_str()) => self.aggregation(&word),
            Token::Word(word) if self.peek_sign("(") => self.function(&word),
            Token::Word(metric) => self.selector(Some(&metric)),
            other => Err(format!("{other:?} is not expected here")),
        }
    }

    fn selector(&mut self, metric: Option<&str>) -> Result<Shape, String> {
        let labels = metric.and_then(|metric| (self.known)(metric));
        if let (Some(metric), None) = (metric, &labels) {
            self.problems.push(format!("there is no metric {metric}"));
        }
        let mut shape = Shape { open: labels.is_none(), labels: labels.unwrap_or_default(), ..Shape::default() };
        if !self.take_sign("{") {
            return Ok(shape);
        }
        while let Some(Token::Word(label)) = self.tokens.get(self.at).cloned() {
            self.at += 1;
            let operator = self.operator(&["=", "!=", "=~", "!~"]).ok_or("a matcher lacks its operator")?;
            let Some(Token::Text(value)) = self.tokens.get(self.at) else {
                return Err("a matcher lacks its value".into());
            };
            if operator == "=" && !value.is_empty() {
                shape.equal.insert(label.clone());
            }
            if !may_be(metric.unwrap_or_default(), &label, value) {
                self.problems.push(format!("{label} is never {value}"));
            }
            self.at += 1;
            if !shape.has(&label) && label != "__name__" {
                self.problems.push(format!("{} has no label {label}", metric.unwrap_or_default()));
            }
            if !self.take_sign(",") {
                break;
            }
        }
        self.expect("}")?;
        Ok(shape)
    }

    fn aggregation(&mut self, name: &str) -> Result<Shape, String> {
        let mut grouping = self.grouping()?;
        let (shape, texts) = self.arguments(name)?;
        if grouping.is_none() {
            grouping = self.grouping()?;
        }
        let (keep, labels) = grouping.unwrap_or((true, BTreeSet::new()));
        for label in labels.iter().filter(|label| !shape.has(label)) {
            self.problems.push(format!("{name}: nothing in it has the label {label}"));
        }
        if name == "topk" || name == "bottomk" {
            return Ok(shape);
        }
        let mut labels = if keep { labels } else { shape.labels.difference(&labels).cloned().collect() };
        labels.extend(texts.into_iter().filter(|_| name == "count_values"));
        Ok(Shape { labels, open: shape.open && !keep, ..Shape::default() })
    }

    fn grouping(&mut self) -> Result<Option<(bool, BTreeSet<String>)>, String> {
        match self.take_word(&["by", "without"]) {
            Some(word) => Ok(Some((word == "by", self.label_list()?))),
            None => Ok(None),
        }
    }

    /// The one argument that is series, if any is, and the texts.
    fn arguments(&mut self, name: &str) -> Result<(Shape, Vec<String>), String> {
        self.expect("(")?;
        let (mut series, mut texts) = (Shape::scalar(), Vec::new());
        while !self.peek_sign(")") {
            match self.argument()? {
                Argument::Text(text) => texts.push(text),
                Argument::Shape(shape) if shape.scalar => {}
                Argument::Shape(shape) => series = shape,
            }
            if !self.take_sign(",") {
                break;
            }
        }
        self.expect(")").map_err(|problem| format!("{name}: {problem}"))?;
        Ok((series, texts))
    }

    fn argument(&mut self) -> Result<Argument, String> {
        if let Some(Token::Text(text)) = self.tokens.get(self.at).cloned() {
            self.at += 1;
            return Ok(Argument::Text(text));
        }
        self.expression(0).map(Argument::Shape)
    }

    fn function(&mut self, name: &str) -> Result<Shape, String> {
        if ["time", "pi", "scalar"].contains(&name) {
            self.arguments(name)?;
            return Ok(Shape::scalar());
        }
        if !FUNCTIONS.contains(&name) {
            return Err(format!("there is no function {name} in Prometheus 2.42"));
        }
        let (mut shape, texts) = self.arguments(name)?;
        shape.scalar = false;
        match name {
            "absent" | "absent_over_time" => return Ok(Shape { labels: shape.equal, ..Shape::default() }),
            "histogram_quantile" => {
                if !shape.has("le") {
                    self.problems.push("histogram_quantile: nothing in it has the label le".to_owned());
                }
                shape.labels.remove("le");
            }
            "label_replace" | "label_join" => {
                let sources = if name == "label_replace" { texts.get(2..3) } else { texts.get(2..) };
                // Without a source the new label has the same value everywhere.
                let lacks = |source: &&String| !source.is_empty() && !shape.has(source);
                for source in sources.unwrap_or_default().iter().filter(lacks) {
                    self.problems.push(format!("{name}: nothing in it has the label {source}"));
                }
                shape.labels.extend(texts.first().cloned());
            }
            _ => {}
        }
        Ok(shape)
    }
}
