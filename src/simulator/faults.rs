//! Faults on request: what goes wrong, how often, and for whom.
//!
//! Written `KIND[=PROBABILITY][@INSTANCE]`, such as `flaky`, `throttle=0.2` or `truncate=0.5@orders-cache`. Whether
//! a fault strikes the nth request for an instance depends on the seed and n alone, so a run can be repeated.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use super::chance::Chance;

/// A fault that has been asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Fault {
    /// What goes wrong.
    pub kind: FaultKind,
    /// How often, 0 to 1.
    pub probability: f64,
    /// The id or name of the one instance that it concerns; `None` for every request to DCS, listings included.
    /// Calls to log in are struck only by name: `iam` for all of them, or the call's own, such as `security-key`.
    pub instance: Option<String>,
    /// How long [`FaultKind::Slow`] holds an answer back; `None` for 1 to 20 s, so that some exceed a client's limit.
    pub delay: Option<Duration>,
}

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FaultKind {
    /// 429 `APIGW.0308`, every other one with `Retry-After: 1`.
    Throttle,
    /// 500, 502, 503 or 504, some as JSON, some as a load balancer's HTML.
    Flaky,
    /// The answer comes late.
    Slow,
    /// 200 with a body that is no JSON, or JSON of another form.
    Garbage,
    /// The connection ends in the middle of the body.
    Truncate,
    /// The connection is reset without an answer.
    Reset,
    /// 200 with a page for people.
    Html,
    /// 401 `APIGW.0301`.
    Unauthorized,
    /// 403 `DCS.2007`.
    Forbidden,
    /// 404 `DCS.3022`.
    NotFound,
}

impl FaultKind {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Throttle,
        Self::Flaky,
        Self::Slow,
        Self::Garbage,
        Self::Truncate,
        Self::Reset,
        Self::Html,
        Self::Unauthorized,
        Self::Forbidden,
        Self::NotFound,
    ];

    /// The word on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Throttle => "throttle",
            Self::Flaky => "flaky",
            Self::Slow => "slow",
            Self::Garbage => "garbage",
            Self::Truncate => "truncate",
            Self::Reset => "reset",
            Self::Html => "html",
            Self::Unauthorized => "401",
            Self::Forbidden => "403",
            Self::NotFound => "404",
        }
    }
}

/// A text that is no fault.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FaultError {
    /// The word is none of [`FaultKind::ALL`].
    #[error("fault {0:?} is not known: use one of {list}", list = FaultKind::ALL.map(FaultKind::as_str).join(", "))]
    Kind(String),
    /// The probability is no number, or not from 0 to 1.
    #[error("fault {0}: the probability {1:?} must be a number from 0 to 1, such as {0}=0.2")]
    Probability(&'static str, String),
    /// Nothing follows the `@`.
    #[error("fault {0}: name an instance by its id or name after the @, or leave the @ out")]
    Instance(&'static str),
}

impl Fault {
    /// One that always strikes everybody.
    pub fn always(kind: FaultKind) -> Self {
        Self { kind, probability: 1.0, instance: None, delay: None }
    }

    /// The same, but for this instance alone, by its id or name.
    #[must_use]
    pub fn on(self, instance: impl Into<String>) -> Self {
        Self { instance: Some(instance.into()), ..self }
    }
}

impl FromStr for Fault {
    type Err = FaultError;

    fn from_str(text: &str) -> Result<Self, FaultError> {
        let (what, instance) = match text.split_once('@') {
            Some((what, instance)) => (what, Some(instance)),
            None => (text, None),
        };
        let (word, probability) = match what.split_once('=') {
            Some((word, probability)) => (word, Some(probability)),
            None => (what, None),
        };
        let kind = FaultKind::ALL.into_iter().find(|kind| kind.as_str() == word);
        let kind = kind.ok_or_else(|| FaultError::Kind(word.to_owned()))?;
        let probability = match probability {
            None if kind == FaultKind::Flaky => 0.3,
            None => 1.0,
            Some(given) => match given.parse() {
                Ok(number) if (0.0..=1.0).contains(&number) => number,
                _ => return Err(FaultError::Probability(kind.as_str(), given.to_owned())),
            },
        };
        if instance == Some("") {
            return Err(FaultError::Instance(kind.as_str()));
        }
        Ok(Self { kind, probability, instance: instance.map(str::to_owned), delay: None })
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.kind.as_str(), self.probability)?;
        match &self.instance {
            Some(instance) => write!(f, "@{instance}"),
            None => Ok(()),
        }
    }
}

/// What strikes one request.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Struck {
    /// How long it is held back.
    pub(super) delay: Option<Duration>,
    /// What else goes wrong, and where to draw what exactly.
    pub(super) kind: Option<(FaultKind, Chance)>,
}

/// Which of these faults strike a request; `names` are the instance's id and name, empty for a listing. A request
/// `by_name` is not struck by faults for all.
///
/// A delay adds to whatever else strikes; of the others the first in the list that strikes counts.
pub(super) fn strike(faults: &[Fault], names: &[&str], by_name: bool, draw: Chance) -> Struck {
    let mut struck = Struck::default();
    for fault in faults {
        let concerned = fault.instance.as_deref().map_or(!by_name, |instance| names.contains(&instance));
        let draw = draw.of(fault.kind.as_str());
        if !concerned || !draw.happens(fault.probability) {
            continue;
        }
        match fault.kind {
            FaultKind::Slow => {
                let delay = || Duration::from_secs_f64(1.0 + 19.0 * draw.of("delay").fraction());
                struck.delay = Some(fault.delay.unwrap_or_else(delay));
            }
            kind if struck.kind.is_none() => struck.kind = Some((kind, draw.of("form"))),
            _ => {}
        }
    }
    struck
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_read_from_text() {
        let fault = |kind, probability, instance: Option<&str>| Fault {
            kind,
            probability,
            instance: instance.map(str::to_owned),
            delay: None,
        };
        for (text, expected) in [
            ("throttle", fault(FaultKind::Throttle, 1.0, None)),
            ("flaky", fault(FaultKind::Flaky, 0.3, None)),
            ("flaky=1", fault(FaultKind::Flaky, 1.0, None)),
            ("slow=0.25", fault(FaultKind::Slow, 0.25, None)),
            ("401@orders-cache", fault(FaultKind::Unauthorized, 1.0, Some("orders-cache"))),
            ("404=0@a=b@c", fault(FaultKind::NotFound, 0.0, Some("a=b@c"))),
        ] {
            assert_eq!(text.parse(), Ok(expected.clone()), "{text}");
            assert_eq!(expected.to_string().parse(), Ok(expected));
        }
        for kind in FaultKind::ALL {
            assert_eq!(kind.as_str().parse::<Fault>().unwrap().kind, kind);
        }
    }

    #[test]
    fn what_is_no_fault_is_refused_with_what_to_do() {
        for (text, sentence) in [
            (
                "trottle",
                "fault \"trottle\" is not known: use one of throttle, flaky, slow, garbage, truncate, reset, html, 401, 403, 404",
            ),
            (
                "",
                "fault \"\" is not known: use one of throttle, flaky, slow, garbage, truncate, reset, html, 401, 403, 404",
            ),
            ("slow=2", "fault slow: the probability \"2\" must be a number from 0 to 1, such as slow=0.2"),
            ("slow=NaN", "fault slow: the probability \"NaN\" must be a number from 0 to 1, such as slow=0.2"),
            ("slow=@x", "fault slow: the probability \"\" must be a number from 0 to 1, such as slow=0.2"),
            ("reset@", "fault reset: name an instance by its id or name after the @, or leave the @ out"),
        ] {
            assert_eq!(text.parse::<Fault>().unwrap_err().to_string(), sentence);
        }
    }

    #[test]
    fn faults_strike_as_often_as_asked_and_the_same_each_time() {
        let faults = ["html=0.2".parse().unwrap(), "reset=0.5@one".parse().unwrap()];
        let count = |names: &[&str]| {
            let root = Chance::seeded(7);
            let kinds: Vec<Option<FaultKind>> =
                (0..10_000).map(|n| strike(&faults, names, false, root.nth(n)).kind.map(|(kind, _)| kind)).collect();
            let of = |kind| kinds.iter().filter(|struck| **struck == Some(kind)).count();
            (of(FaultKind::Html), of(FaultKind::Reset))
        };
        let (html, reset) = count(&["one", "orders"]);
        assert!((1800..2200).contains(&html) && (3700..4300).contains(&reset), "{html} {reset}");
        assert_eq!(count(&["one"]), (html, reset));
        assert_eq!(count(&["two"]), (html, 0));
        assert_eq!(count(&[]), (html, 0));
    }

    #[test]
    fn a_delay_adds_to_another_fault() {
        let delay = Some(Duration::from_millis(5));
        let faults = [Fault { delay, ..Fault::always(FaultKind::Slow) }, Fault::always(FaultKind::Html)];
        let struck = strike(&faults, &[], false, Chance::seeded(1));
        assert_eq!(struck.delay, delay);
        assert_eq!(struck.kind.map(|(kind, _)| kind), Some(FaultKind::Html));
        let drawn = strike(&[Fault::always(FaultKind::Slow)], &[], false, Chance::seeded(1)).delay.unwrap();
        assert!((1.0..20.0).contains(&drawn.as_secs_f64()));
    }

    #[test]
    fn logins_are_struck_by_name_alone() {
        let kind = |fault: &str| {
            let faults = [fault.parse().unwrap()];
            strike(&faults, &["iam", "token"], true, Chance::seeded(1)).kind.map(|(kind, _)| kind)
        };
        assert_eq!(kind("html"), None);
        assert_eq!(kind("html@orders-cache"), None);
        assert_eq!(kind("html@iam"), Some(FaultKind::Html));
        assert_eq!(kind("html@token"), Some(FaultKind::Html));
    }
}
