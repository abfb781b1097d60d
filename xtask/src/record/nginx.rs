//! An nginx of our own: its configuration and documents, and a log in the form that the recordings are checked with.

use std::fs::{self, File};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result};

use super::server::{Server, free_port, new_folder};

/// When the documents were written, in seconds since 1970: a fixed time, so that the entity tags are known.
const MODIFIED: u64 = 1_767_225_600;

/// Writes the documents, starts the server, and waits until it answers.
pub(super) fn start() -> Result<Server> {
    let (folder, port) = (new_folder("nginx")?, free_port()?);
    documents(&folder.join("documents"))?;
    let settings = folder.join("nginx.conf");
    fs::write(&settings, configuration(&folder, port, free_port()?))?;
    let output = Command::new("nginx").arg("-v").output().context("cannot run nginx")?;
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    let version = text.trim().rsplit(' ').next().unwrap_or("nginx");
    let mut nginx = Command::new("nginx");
    nginx.arg("-p").arg(&folder).arg("-e").arg(folder.join("error.log")).arg("-c").arg(&settings);
    Server::start(nginx, folder, port, version)
}

/// The entity tag of birds.json, as nginx makes it: time and length in hex.
pub(super) fn etag() -> String {
    format!("\"{MODIFIED:x}-{:x}\"", birds().len())
}

/// What both web servers serve.
pub(super) fn documents(folder: &Path) -> Result<()> {
    fs::create_dir_all(folder.join("list"))?;
    let files = [
        (
            "index.html",
            "<!doctype html>\n<title>Egrets</title>\n<p>They stand still in the stream.\n".to_string(),
        ),
        ("birds.json", birds()),
        (
            "poem.txt",
            "An egret stands still in the stream\nand takes what it wants without stirring it.\n".repeat(4),
        ),
        ("big.bin", "0123456789abcdef".repeat(2_500)),
        ("list/one.txt", "one\n".to_string()),
        ("list/two.txt", "two\n".to_string()),
    ];
    for (name, content) in files {
        fs::write(folder.join(name), content).with_context(|| format!("cannot write {name}"))?;
        let modified = SystemTime::UNIX_EPOCH + Duration::from_secs(MODIFIED);
        File::options().append(true).open(folder.join(name))?.set_modified(modified)?;
    }
    Ok(())
}

fn birds() -> String {
    let bird = |number| format!("  {{\"name\": \"Egretta garzetta\", \"seen\": {number}, \"still\": true}}");
    format!("[\n{}\n]\n", (1..=40).map(bird).collect::<Vec<_>>().join(",\n"))
}

fn configuration(folder: &Path, port: u16, backend: u16) -> String {
    let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .iter()
        .map(|kind| format!("    {kind}_temp_path {}/{kind};\n", folder.display()))
        .collect();
    // One process in the foreground: its id is all that has to be remembered.
    format!(
        r#"daemon off;
master_process off;
pid {folder}/nginx.pid;
events {{}}
http {{
    log_format told escape=json '{{"method":"$request_method","target":"$request_uri","status":$status,"size":$body_bytes_sent}}';
{temporary}
    types {{ text/html html; application/json json; text/plain txt; }}
    default_type application/octet-stream;
    gzip on;
    gzip_types application/json;
    gzip_min_length 100;
    server {{
        listen 127.0.0.1:{port};
        listen [::1]:{port};
        access_log {folder}/told.log told;
        root {folder}/documents;
        location /list/ {{ autoindex on; }}
        location /trailer/ {{ alias {folder}/documents/; add_trailer X-Birds 40; }}
        location = /moved {{ return 302 /poem.txt; }}
        location = /form {{ proxy_pass http://127.0.0.1:{backend}; }}
        location /upload/ {{ proxy_pass http://127.0.0.1:{backend}; }}
        location /small/ {{ client_max_body_size 1k; proxy_pass http://127.0.0.1:{backend}; }}
        location = /thing {{ return 204; }}
        location = /broken {{ return 500; }}
        # A port that nobody listens on (discard, which is off everywhere).
        location = /nobody {{ proxy_pass http://127.0.0.1:9; }}
        location = /private {{ auth_basic "birds only"; auth_basic_user_file {folder}/nobody; }}
    }}
    server {{
        listen 127.0.0.1:{backend};
        access_log off;
        location = /form {{ return 200 "thank you\n"; }}
        location / {{ return 201; }}
    }}
}}
"#,
        folder = folder.display()
    )
}
