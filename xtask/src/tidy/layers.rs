//! The layer rule: a library crate knows only its left neighbour, in every kind of dependency.

use crate::workspace::LIBRARIES;

/// The complaints about the manifest of the library crate `name`.
pub(super) fn check(name: &str, manifest: &str) -> Vec<String> {
    let index = LIBRARIES.iter().position(|library| *library == name);
    let left = index.and_then(|index| index.checked_sub(1)).and_then(|left| LIBRARIES.get(left));
    let mut complaints = Vec::new();
    let mut section = String::new();
    for line in manifest.lines().map(str::trim) {
        if let Some(header) = line.strip_prefix('[') {
            section = header.trim_end_matches(']').to_string();
        }
        // `[dependencies.egret-x]` names a dependency as much as `egret-x = …` below `[dependencies]` does.
        let words =
            if line.starts_with('[') { section.rsplit('.').next() } else { line.split(['=', '.']).next() };
        let Some(dependency) = words.map(|word| word.trim().trim_matches('"')) else { continue };
        if !section.contains("dependencies") {
            continue;
        }
        let Some(crate_name) = project_crate(dependency, line) else { continue };
        if Some(&crate_name) != left {
            let may = left.map_or("no crate of the project".to_string(), |left| format!("only egret-{left}"));
            complaints.push(format!(
                "crates/{name}/Cargo.toml: depends on `{dependency}` in [{section}]; egret-{name} may know {may}: \
                 move the code to the layer it belongs to, or use what that one re-exports"
            ));
        }
        if section == "dependencies" && line.contains("features") && !line.contains("default-features") {
            complaints.push(format!(
                "crates/{name}/Cargo.toml: switches on features of `{dependency}`; only the command does that"
            ));
        }
    }
    if manifest.lines().any(|line| line.trim().starts_with("default = ")) {
        complaints.push(format!(
            "crates/{name}/Cargo.toml: has default features; a library has none, so that none links C unasked"
        ));
    }
    complaints
}

/// Which crate of the project a dependency is, also under another name.
fn project_crate<'a>(dependency: &'a str, line: &'a str) -> Option<&'a str> {
    if dependency == "egret" || dependency == "xtask" {
        return Some(dependency);
    }
    dependency.strip_prefix("egret-").or_else(|| {
        let renamed = line.split_once("package")?.1.split('"').nth(1)?;
        renamed.strip_prefix("egret-")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_left_neighbour() {
        let fine =
            "[package]\nname = \"egret-http\"\n[dependencies]\negret-reassembly = { workspace = true }\n";
        assert_eq!(check("http", fine), [""; 0]);
        for wrong in [
            "[dependencies]\negret-decode = { workspace = true }",
            "[dependencies]\negret-decode.workspace = true",
            "[dev-dependencies]\negret-capture = { workspace = true }",
            "[target.'cfg(unix)'.build-dependencies]\negret-decode = \"0.1\"",
            "[dependencies.egret-capture]\nworkspace = true",
            "[dependencies]\nother = { package = \"egret-decode\", version = \"0.1\" }",
            "[dependencies]\negret = { workspace = true }",
        ] {
            let complaints = check("http", wrong);
            assert_eq!(complaints.len(), 1, "{wrong}: {complaints:?}");
            assert!(complaints[0].contains("may know only egret-reassembly"), "{complaints:?}");
        }
        assert!(
            check("capture", "[dependencies]\negret-decode = \"1\"")[0].contains("no crate of the project")
        );
    }

    #[test]
    fn no_features_unasked() {
        let wrong = "[features]\ndefault = [\"libpcap\"]\n";
        assert!(check("capture", wrong)[0].contains("has default features"));
        let wrong = "[dependencies]\negret-capture = { workspace = true, features = [\"libpcap\"] }";
        assert!(check("decode", wrong)[0].contains("switches on features"));
    }
}
