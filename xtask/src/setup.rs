//! `cargo xtask setup`: finds what the project needs beyond Rust and a C compiler, installs what is missing where
//! it may, and otherwise gives the exact command. Does nothing, quickly, when nothing is missing.

use std::io::Write;
use std::process::{Command, Stdio};

use anyhow::{Result, bail};

use crate::shell::Program;

/// Something to install, and its name where a package manager calls it differently.
pub(crate) struct Package {
    pub(crate) what: &'static str,
    pub(crate) usual: &'static str,
    pub(crate) exceptions: &'static [(&'static str, &'static str)],
}

const LIBPCAP: Package = Package {
    what: "libpcap's development file (for live capture and capture filters)",
    usual: "libpcap-dev",
    exceptions: &[
        ("dnf", "libpcap-devel"),
        ("zypper", "libpcap-devel"),
        ("pacman", "libpcap"),
        ("brew", "libpcap"),
    ],
};
/// What counts instructions for the tests of linear work; they say so where it is not there.
const VALGRIND: Package =
    Package { what: "valgrind, to count instructions", usual: "valgrind", exceptions: &[] };
/// The web server that `record` drives; Debian's small build of it has all that is needed.
pub(crate) const NGINX: Package =
    Package { what: "nginx, to answer requests", usual: "nginx", exceptions: &[("apt-get", "nginx-light")] };
/// The other web server, without the service that Debian's whole package would start.
pub(crate) const APACHE: Package = Package {
    what: "Apache, to answer requests",
    usual: "apache",
    exceptions: &[
        ("apt-get", "apache2-bin"),
        ("dnf", "httpd"),
        ("zypper", "apache2"),
        ("apk", "apache2"),
        ("brew", "httpd"),
    ],
};
/// The client that `record` drives.
pub(crate) const CURL: Package = Package { what: "curl, to make requests", usual: "curl", exceptions: &[] };

/// How a system installs packages.
struct Manager {
    program: &'static str,
    install: &'static str,
    /// What fetches the list of packages; a fresh machine may have none, so it runs when an installation fails.
    refresh: Option<&'static str>,
    needs_root: bool,
}

const MANAGERS: [Manager; 6] = [
    Manager {
        program: "apt-get",
        install: "install --yes --no-install-recommends",
        refresh: Some("update"),
        needs_root: true,
    },
    Manager { program: "dnf", install: "install --assumeyes", refresh: None, needs_root: true },
    Manager { program: "zypper", install: "--non-interactive install", refresh: None, needs_root: true },
    Manager { program: "pacman", install: "--sync --refresh --noconfirm", refresh: None, needs_root: true },
    Manager { program: "apk", install: "add", refresh: Some("update"), needs_root: true },
    Manager { program: "brew", install: "install", refresh: None, needs_root: false },
];

pub(crate) fn run() -> Result<()> {
    libpcap()?;
    component("fmt", "rustfmt")?;
    component("clippy", "clippy")?;
    println!("setup: libpcap, rustfmt and clippy are there");
    if !on_path("valgrind") {
        println!("setup: without valgrind, work is not counted: `{}`", how_to_install(&VALGRIND));
    }
    Ok(())
}

/// Makes sure that programs can be linked with libpcap.
pub(crate) fn libpcap() -> Result<()> {
    if links_with_libpcap() {
        return Ok(());
    }
    install(&LIBPCAP)?;
    if !links_with_libpcap() {
        bail!("libpcap was installed, but `cc` cannot link with `-lpcap`; this shows why:\n  {LINK_BY_HAND}");
    }
    Ok(())
}

/// Makes sure that `program` can be run, from `package` if it is not there.
pub(crate) fn program(program: &str, package: &Package) -> Result<()> {
    if !on_path(program) {
        install(package)?;
    }
    Ok(())
}

const LINK_BY_HAND: &str = "echo 'int main(void) { return 0; }' | cc -x c - -lpcap -o /dev/null";

/// The question the build will ask the linker, asked in advance. The headers do not matter: they are not used.
fn links_with_libpcap() -> bool {
    let child = Command::new("cc")
        .args(["-x", "c", "-", "-lpcap", "-o", if cfg!(windows) { "NUL" } else { "/dev/null" }])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let Ok(mut child) = child else { return false };
    if let Some(mut source) = child.stdin.take() {
        // A compiler that stops reading says so by its exit status.
        drop(source.write_all(b"int main(void) { return 0; }\n"));
    }
    child.wait().is_ok_and(|status| status.success())
}

fn component(command: &str, name: &str) -> Result<()> {
    if Program::cargo(command).arg("--version").succeeds() {
        return Ok(());
    }
    println!("setup: {name} is missing; installing it with rustup");
    let installed = Program::new("rustup", "component add").arg(name).run();
    if installed.is_err() || !Program::cargo(command).arg("--version").succeeds() {
        bail!(
            "`cargo {command}` is missing: run `rustup component add {name}`, or install {name} from where this Rust came from"
        );
    }
    Ok(())
}

/// The command that installs what is only good to have, for a person to decide about.
pub(crate) fn how_to_install(package: &Package) -> String {
    match MANAGERS.iter().find(|manager| on_path(manager.program)) {
        Some(manager) => {
            let sudo = if manager.needs_root && !is_root() { "sudo " } else { "" };
            format!("{sudo}{}", command_to_install(manager, package))
        }
        None => format!("install {} ({})", package.usual, package.what),
    }
}

fn install(package: &Package) -> Result<()> {
    let Some(manager) = MANAGERS.iter().find(|manager| on_path(manager.program)) else {
        bail!(
            "{} is missing, and no package manager that I know is here: install {}",
            package.what,
            package.usual
        );
    };
    let command = command_to_install(manager, package);
    let prefix = if !manager.needs_root || is_root() {
        ""
    } else if Program::new("sudo", "-n true").succeeds() {
        "sudo -n "
    } else {
        bail!("{} is missing. Install it with:\n  sudo {command}", package.what);
    };
    println!("setup: missing: {}. Running `{prefix}{command}`", package.what);
    let act = |words: &str| {
        let (program, arguments) = words.split_once(' ').unwrap_or((words, ""));
        Program::new(program, arguments).env("DEBIAN_FRONTEND", "noninteractive").run()
    };
    let mut outcome = act(&format!("{prefix}{command}"));
    if let (true, Some(refresh)) = (outcome.is_err(), manager.refresh) {
        println!("setup: fetching the list of packages and trying once more");
        outcome = act(&format!("{prefix}{} {refresh}", manager.program))
            .and_then(|()| act(&format!("{prefix}{command}")));
    }
    outcome.map_err(|error| error.context(format!("{} is missing and could not be installed", package.what)))
}

fn command_to_install(manager: &Manager, package: &Package) -> String {
    let named = package.exceptions.iter().find(|(program, _)| *program == manager.program);
    let name = named.map_or(package.usual, |(_, name)| name);
    format!("{} {} {name}", manager.program, manager.install)
}

/// Whether a program of this name can be found, without running it.
pub(crate) fn on_path(name: &str) -> bool {
    std::env::var_os("PATH").is_some_and(|path| {
        // Web servers are often kept where only root looks.
        let more = ["/usr/sbin", "/usr/local/sbin"].map(Into::into);
        std::env::split_paths(&path).chain(more).any(|folder| folder.join(name).is_file())
    })
}

fn is_root() -> bool {
    Program::new("id", "-u").output().is_ok_and(|uid| uid.trim() == "0")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_system_is_told_its_own_name_of_the_package() {
        let told: Vec<String> =
            MANAGERS.iter().map(|manager| command_to_install(manager, &LIBPCAP)).collect();
        assert_eq!(
            told,
            [
                "apt-get install --yes --no-install-recommends libpcap-dev",
                "dnf install --assumeyes libpcap-devel",
                "zypper --non-interactive install libpcap-devel",
                "pacman --sync --refresh --noconfirm libpcap",
                "apk add libpcap-dev",
                "brew install libpcap",
            ]
        );
    }

    #[test]
    fn a_program_is_looked_for_where_it_may_be() {
        assert!(on_path("cc"));
        assert!(!on_path("no-such-program"));
    }
}
