//! Which addresses DCS, IAM and STS have in a region.
//!
//! Sources: `huaweicloudsdkdcs/v2/region/dcs_region.py` and `huaweicloudsdkcore/auth/endpoint.py` of the official Python
//! SDK, version 3.1.219, for Huawei Cloud; the vendor's endpoint pages for Open Telekom Cloud. Where sources contradict
//! each other or say nothing, nothing is guessed: neither a signed request nor a password must go to the wrong host.

use super::advice::nearest;
use super::problem::quoted;

/// Regions whose endpoint is `https://dcs.<region>.myhuaweicloud.com`.
const HUAWEI_CLOUD: [&str; 33] = [
    "ae-ad-1",
    "af-north-1",
    "af-south-1",
    "ap-southeast-1",
    "ap-southeast-2",
    "ap-southeast-3",
    "ap-southeast-4",
    "ap-southeast-5",
    "cn-east-2",
    "cn-east-3",
    "cn-east-4",
    "cn-east-5",
    "cn-north-1",
    "cn-north-11",
    "cn-north-12",
    "cn-north-2",
    "cn-north-4",
    "cn-north-9",
    "cn-south-1",
    "cn-south-2",
    "cn-south-4",
    "cn-southwest-2",
    "cn-southwest-3",
    "eu-west-0",
    "la-north-2",
    "la-south-2",
    "me-east-1",
    "my-kualalumpur-1",
    "na-mexico-1",
    "ru-moscow-1",
    "ru-northwest-2",
    "sa-brazil-1",
    "tr-west-1",
];

/// Regions whose endpoint is `https://dcs.<region>.otc.t-systems.com`.
const OPEN_TELEKOM_CLOUD: [&str; 2] = ["eu-de", "eu-nl"];

/// Regions that exist and whose endpoint the sources do not agree on: the SDK says `.myhuaweicloud.com` for
/// eu-west-101, the vendor's European pages say `.myhuaweicloud.eu`; for eu-ch2 only the IAM host is documented.
const UNCERTAIN: [&str; 2] = ["eu-west-101", "eu-ch2"];

/// Regions of Huawei Cloud without an IAM of their own in the SDK's table; it then asks the central one.
const CENTRAL_IAM: [&str; 6] =
    ["af-north-1", "ap-southeast-5", "cn-north-11", "cn-south-4", "cn-southwest-3", "ru-northwest-2"];

/// Regions that have an STS; for any other the SDK asks that of cn-north-4, which need not know the account.
const STS: [&str; 12] = [
    "af-south-1",
    "ap-southeast-1",
    "ap-southeast-2",
    "ap-southeast-3",
    "ap-southeast-4",
    "cn-east-3",
    "cn-north-4",
    "cn-south-1",
    "cn-southwest-2",
    "la-south-2",
    "sa-brazil-1",
    "tr-west-1",
];

/// The address of IAM in a region, where the sources are sure of it.
pub(super) fn iam(region: &str) -> Option<String> {
    if CENTRAL_IAM.contains(&region) {
        Some("https://iam.myhuaweicloud.com".to_owned())
    } else if HUAWEI_CLOUD.contains(&region) {
        Some(format!("https://iam.{region}.myhuaweicloud.com"))
    } else if OPEN_TELEKOM_CLOUD.contains(&region) {
        Some(format!("https://iam.{region}.otc.t-systems.com"))
    } else {
        (region == "eu-ch2").then(|| "https://iam-pub.eu-ch2.sc.otc.t-systems.com".to_owned())
    }
}

/// The address of STS in a region, where there is one.
pub(super) fn sts(region: &str) -> Option<String> {
    STS.contains(&region).then(|| format!("https://sts.{region}.myhuaweicloud.com"))
}

/// The address of DCS in a region, or why there is none and what to do: set what is called `instead`.
pub(super) fn dcs(region: &str, instead: &str) -> Result<String, String> {
    if HUAWEI_CLOUD.contains(&region) {
        return Ok(format!("https://dcs.{region}.myhuaweicloud.com"));
    }
    if OPEN_TELEKOM_CLOUD.contains(&region) {
        return Ok(format!("https://dcs.{region}.otc.t-systems.com"));
    }
    if UNCERTAIN.contains(&region) {
        return Err(format!("the endpoint of {region} is not certain; set {instead} to the one your console names"));
    }
    Err(match meant(region) {
        Some(meant) => {
            format!("{} is not a known region; did you mean {meant}? If not, set {instead}", quoted(region))
        }
        None => format!("{} is not a known region; set {instead}", quoted(region)),
    })
}

/// The region that was probably meant by one that is not known.
pub(super) fn meant(region: &str) -> Option<&'static str> {
    let known: Vec<&str> = HUAWEI_CLOUD.iter().chain(&OPEN_TELEKOM_CLOUD).chain(&UNCERTAIN).copied().collect();
    nearest(region, &known).filter(|meant| *meant != region)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::address;

    #[test]
    fn every_known_region_has_a_valid_endpoint() {
        for region in HUAWEI_CLOUD.iter().chain(&OPEN_TELEKOM_CLOUD) {
            for text in [iam(region), sts(region)].into_iter().flatten() {
                assert!(address::endpoint(&text).is_ok(), "{text}");
            }
            let url = address::endpoint(&dcs(region, "`endpoint`").unwrap()).unwrap();
            assert!(url.host_str().unwrap().starts_with(&format!("dcs.{region}.")));
        }
        assert_eq!(dcs("eu-de", "`endpoint`").unwrap(), "https://dcs.eu-de.otc.t-systems.com");
        assert_eq!(dcs("cn-north-4", "`endpoint`").unwrap(), "https://dcs.cn-north-4.myhuaweicloud.com");
    }

    #[test]
    fn the_shorter_lists_hold_known_regions() {
        assert!(CENTRAL_IAM.iter().chain(&STS).all(|region| HUAWEI_CLOUD.contains(region)));
    }

    #[test]
    fn nothing_is_guessed() {
        assert_eq!((iam("eu-west-101"), sts("eu-west-101"), sts("eu-de"), sts("eu-west-0")), (None, None, None, None));
        assert_eq!((iam("moon-base"), iam("")), (None, None));
        assert!(dcs("eu-west-101", "`endpoint`").unwrap_err().contains("not certain; set `endpoint`"));
        assert!(dcs("eu-ch2", "`endpoint`").unwrap_err().contains("not certain"));
        assert!(dcs("EU-DE", "`endpoint`").unwrap_err().contains("did you mean eu-de?"));
        assert!(dcs("cn-nort-4", "`endpoint`").unwrap_err().contains("did you mean cn-north-4?"));
        assert_eq!(dcs("moon-base", "`endpoint`").unwrap_err(), "\"moon-base\" is not a known region; set `endpoint`");
    }
}
