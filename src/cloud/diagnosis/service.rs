//! Codes of DCS itself: `DCS.4086` in v2, its twin `111400086` in v1.0.
//!
//! Of the 296 codes that it documents, most refuse calls that are never made here: creating, resizing, switching
//! over. Where one of these comes all the same, something has changed the request on its way. Sources: "Error Codes" of
//! the vendor's API reference and of Open Telekom Cloud's (April 2026), and what Terraform's provider retries on.

use super::hint::{Advice, text};
use super::{Line, Meaning, advises, find, means};
use crate::cloud::error::ErrorKind;

/// The key or token is good, but for another project.
pub(super) const OTHER_PROJECT: Meaning = means(
    ErrorKind::Unauthorized,
    Advice::Certain("the key or token belongs to another project: check project_id and region"),
);

const TABLE: &[Line] = &[
    (&[1001], means(ErrorKind::Unauthorized, Advice::Token)),
    (&[1002], means(ErrorKind::Unauthorized, Advice::TokenEnded)),
    (&[1003], means(ErrorKind::Unauthorized, Advice::Certain(text::LOST))),
    (&[1004], OTHER_PROJECT),
    (&[2003, 2007, 3002, 3003], means(ErrorKind::Forbidden, Advice::Permission)),
    (&[3022], means(ErrorKind::NotFound, Advice::Names)),
    (
        &[4001],
        means(ErrorKind::NotFound, Advice::Say("the API does not know this path: check endpoint and api_version")),
    ),
    (
        &[4002],
        means(
            ErrorKind::NotFound,
            Advice::Say("check project_id: 32 hexadecimal digits, on the console's page My Credentials"),
        ),
    ),
    (
        &[4061],
        means(ErrorKind::NotFound, Advice::Say("check instances[].id: 36 characters, as the console shows them")),
    ),
    (
        &[4062, 4063, 4800],
        means(
            ErrorKind::InvalidParameter,
            Advice::Say("the API does not take our offset and limit: try the other api_version, and please report it"),
        ),
    ),
    // A single node has no backups; nothing is wrong.
    (&[4086, 4095], means(ErrorKind::Unsupported, Advice::Nothing)),
    (
        &[4017, 4026, 4049, 4069, 4096, 4097, 4104, 4108, 4111, 4113, 4114, 4115, 4116, 4117, 4118, 4120],
        means(ErrorKind::Unavailable, Advice::Say(text::BUSY)),
    ),
    (&[4107], advises(Advice::Say("the instance has an unpaid order: pay or cancel it in the console"))),
    (&[5001], advises(Advice::Address)),
    (&[5101], advises(Advice::Say(text::TROUBLE))),
    (
        &[
            3053, 4004, 4005, 4006, 4007, 4008, 4009, 4010, 4011, 4012, 4013, 4014, 4016, 4018, 4019, 4020, 4021, 4022,
            4023, 4025, 4027, 4028, 4030, 4031, 4033, 4035, 4036, 4037, 4038, 4039, 4042, 4045, 4046, 4047, 4048, 4053,
            4054, 4060, 4064, 4065, 4066, 4067, 4068, 4070, 4072, 4073, 4074, 4075, 4076, 4080, 4087, 4094, 4098, 4099,
            4100, 4102, 4103, 4105, 4106, 4119, 4121, 4200, 4202, 4231, 4253, 4300, 4819, 4820, 4821, 4822, 4838, 4839,
            4840, 4841, 4843, 4844, 4845, 4846, 4847, 4848, 4849, 4850, 4855, 4857, 4875, 4879, 4911, 4918, 4919, 4927,
            4930, 4931, 4933, 4935, 4936, 4937, 4939, 4941, 4942, 4957, 4975, 4998, 4999, 5050,
        ],
        advises(Advice::Say(text::OTHER_REQUEST)),
    ),
];

/// What a code of the service means; nothing for other codes. `code` is in capitals.
pub(super) fn meaning(code: &str, status: u16) -> Option<Meaning> {
    // The billing service speaks through it while an order is being carried out.
    if code == "CBC.99003651" {
        return Some(advises(Advice::Say(text::BUSY)));
    }
    let number = number(code)?;
    find(TABLE, number).or_else(|| match status {
        500.. => Some(advises(Advice::Say(text::TROUBLE))),
        _ if code.starts_with("DCS.") || code.starts_with("111") => Some(advises(Advice::Say(
            "look the code up among the error codes of the DCS API reference: it is newer than this exporter",
        ))),
        _ => None,
    })
}

/// The number of a code: of `DCS.4086`, or of its twin in v1.0, `111400086`.
fn number(code: &str) -> Option<u16> {
    if let Some(twin) = code.strip_prefix("111").filter(|twin| twin.len() == 6) {
        let number: u16 = twin.get(3..)?.parse().ok()?;
        return match (twin.get(..3)?, number) {
            ("401", _) => Some(1000 + number),
            ("403", _) | ("404", 22) => Some(3000 + number),
            ("400" | "404", _) => Some(4000 + number),
            ("405" | "500", _) => Some(5000 + number),
            _ => None,
        };
    }
    let digits = code.strip_prefix("DCS.").unwrap_or(code);
    (digits.len() == 4).then(|| digits.parse().ok())?
}
