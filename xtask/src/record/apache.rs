//! An Apache of our own, with the documents of the nginx: gzip and br, ranges, a list of a folder, TRACE.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::nginx::documents;
use super::server::{Server, free_port, new_folder};

/// Where distributions keep the modules.
const MODULES: [&str; 4] = [
    "/usr/lib/apache2/modules",
    "/usr/lib64/httpd/modules",
    "/usr/lib/httpd/modules",
    "/usr/libexec/apache2",
];

const WANTED: [&str; 9] =
    ["mpm_event", "authz_core", "dir", "mime", "filter", "deflate", "brotli", "autoindex", "headers"];

pub(super) fn start() -> Result<Server> {
    let (folder, port) = (new_folder("apache")?, free_port()?);
    documents(&folder.join("documents"))?;
    let Some(modules) = MODULES.iter().find(|place| Path::new(place).is_dir()) else {
        bail!("the modules of Apache are in none of {}", MODULES.join(", "));
    };
    let settings = folder.join("apache.conf");
    fs::write(&settings, configuration(&folder, port, modules))?;
    let output = Command::new("apache2").arg("-v").output().context("cannot run apache2")?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let version = text.split_whitespace().find(|word| word.starts_with("Apache/")).unwrap_or("Apache");
    let mut apache = Command::new("apache2");
    // One process in the foreground: its id is all that has to be remembered.
    apache.args(["-X", "-d"]).arg(&folder).arg("-f").arg(&settings);
    Server::start(apache, folder, port, version)
}

fn configuration(folder: &Path, port: u16, modules: &str) -> String {
    let load: String =
        WANTED.iter().map(|name| format!("LoadModule {name}_module {modules}/mod_{name}.so\n")).collect();
    format!(
        r#"{load}
ServerName localhost
Listen 127.0.0.1:{port}
PidFile {folder}/apache.pid
ErrorLog {folder}/error.log
LogFormat "{{\"method\":\"%m\",\"target\":\"%<U%q\",\"status\":%>s,\"size\":%B}}" told
CustomLog {folder}/told.log told
User nobody
Group nogroup
TraceEnable on
KeepAlive on
TypesConfig /dev/null
AddType application/json json
AddType text/plain txt
AddType text/html html
DirectoryIndex index.html
DocumentRoot {folder}/documents
<Directory {folder}/documents>
    Require all granted
    Options +Indexes
    AddOutputFilterByType BROTLI_COMPRESS;DEFLATE application/json text/html
</Directory>
"#,
        folder = folder.display()
    )
}
