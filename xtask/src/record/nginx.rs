//! An nginx of our own: its configuration, documents and temporary files in a folder that goes when it goes, a port
//! on the loopback interface that was free, one process that is ended by its id.

use std::fs::{self, File};
use std::net::{Ipv6Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result, bail};

/// A running server; dropping it ends the process and removes the folder.
pub(super) struct Nginx {
    process: Child,
    folder: PathBuf,
    port: u16,
}

/// When the documents were written, in seconds since 1970: a fixed time, so that the entity tags are known.
const MODIFIED: u64 = 1_767_225_600;

impl Nginx {
    /// Writes the documents, starts the server, and waits until it answers.
    pub(super) fn start() -> Result<Self> {
        let folder = std::env::temp_dir().join(format!("egret-record-{}", std::process::id()));
        let port = free_port()?;
        documents(&folder.join("documents"))?;
        let configuration = folder.join("nginx.conf");
        fs::write(&configuration, self::configuration(&folder, port, free_port()?))?;
        let process = Command::new("nginx")
            .arg("-p")
            .arg(&folder)
            .arg("-e")
            .arg(folder.join("error.log"))
            .arg("-c")
            .arg(&configuration)
            .stdin(Stdio::null())
            .spawn()
            .context("cannot start nginx")?;
        let mut nginx = Self { process, folder, port };
        for _ in 0..50 {
            if TcpStream::connect((Ipv6Addr::LOCALHOST, port)).is_ok() {
                return Ok(nginx);
            }
            if let Some(status) = nginx.process.try_wait()? {
                bail!("nginx ended before its time ({status})");
            }
            sleep(Duration::from_millis(100));
        }
        bail!("nginx does not answer on port {port} of the loopback interface")
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// Where curl finds what it sends.
    pub(super) fn documents(&self) -> PathBuf {
        self.folder.join("documents")
    }

    /// The entity tag of birds.json, as nginx makes it: time and length in hex.
    pub(super) fn etag(&self) -> String {
        format!("\"{MODIFIED:x}-{:x}\"", birds().len())
    }

    /// As it names itself: `nginx/1.22.1`.
    pub(super) fn version(&self) -> Result<String> {
        let output = Command::new("nginx").arg("-v").output().context("cannot run nginx")?;
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        Ok(text.trim().rsplit(' ').next().unwrap_or("nginx").to_string())
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // Either fails only when it is gone already.
        drop(self.process.kill());
        drop(self.process.wait());
        drop(fs::remove_dir_all(&self.folder));
    }
}

fn free_port() -> Result<u16> {
    let listener = TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).context("no port is free on [::1]")?;
    Ok(listener.local_addr()?.port())
}

fn documents(folder: &Path) -> Result<()> {
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
    access_log off;
{temporary}
    types {{ text/html html; application/json json; text/plain txt; }}
    default_type application/octet-stream;
    gzip on;
    gzip_types application/json;
    gzip_min_length 100;
    server {{
        listen 127.0.0.1:{port};
        listen [::1]:{port};
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
        location = /form {{ return 200 "thank you\n"; }}
        location / {{ return 201; }}
    }}
}}
"#,
        folder = folder.display()
    )
}
