//! The name of the machine or pod that the program runs on.

use std::path::Path;

/// What the kernel says, which a pod and a container have for themselves; a hardened unit of systemd may not see it
/// (`ProcSubset=pid`), but this file.
const FILES: [&str; 2] = ["/proc/sys/kernel/hostname", "/etc/hostname"];

/// The host name; empty where nobody tells.
///
/// The variable `HOSTNAME` comes first. Container runtimes set it to the name that the kernel says; a pod in its node's
/// network (`hostNetwork`), which has the node's name, can be given its own by it (`metadata.name`).
pub fn host_name(environment: &[(String, String)]) -> String {
    let variable = environment.iter().find(|(name, value)| name == "HOSTNAME" && !value.is_empty());
    match variable {
        Some((_, name)) => name.trim().to_owned(),
        None => FILES.iter().find_map(|path| in_file(Path::new(path))).unwrap_or_default(),
    }
}

fn in_file(path: &Path) -> Option<String> {
    let text = std::fs::read_to_string(path).ok()?;
    let name = text.lines().next()?.trim();
    (!name.is_empty()).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_variable_comes_first_and_the_kernel_knows_otherwise() {
        let named = |value: &str| host_name(&[("HOSTNAME".to_owned(), value.to_owned())]);
        assert_eq!(named("dcs-2"), "dcs-2");
        assert!(!host_name(&[]).is_empty());
        assert_eq!(named(""), host_name(&[]));
        assert_eq!(in_file(Path::new("/nowhere")), None);
    }
}
